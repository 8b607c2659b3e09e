"""A Lambent of our own to measure: started on a free port with fresh data, ended by its own handle."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What the first answer does not need is loaded after it; rates are of a platform that has everything.
SETTLING_SECONDS = 2.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data: Path, port: int, log: Path | None = None) -> "subprocess.Popen[bytes]":
    output = log.open("ab") if log else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "lambent", "up", "--port", str(port), "--data", str(data)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=output,
        stderr=output,
    )


def wait_until_healthy(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(
                ("127.0.0.1", port), timeout=5
            ).close()  # cheap to fail: the start is not disturbed
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_lambent/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


@contextmanager
def running(directory: Path | None = None) -> Iterator[tuple[str, int]]:
    """Endpoint and process id."""
    folder = Path(tempfile.mkdtemp(prefix="lambent-bench-", dir=directory))
    port = free_port()
    process = start(folder / "data", port, folder / "log")
    try:
        wait_until_healthy(port)
        time.sleep(SETTLING_SECONDS)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
