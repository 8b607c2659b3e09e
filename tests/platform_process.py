"""The platform as its users run it: a process of its own, on a free port, with a data directory that may outlive it."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass
class PlatformProcess:
    process: "subprocess.Popen[str]"
    port: int = 0
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return self.url

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client, as anybody would make one."""
        chosen = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, **{**chosen, **options})

    @classmethod
    @contextmanager
    def started(cls, data: Path, arguments: Sequence[str] = ()) -> Iterator["PlatformProcess"]:
        command = [sys.executable, "-m", "lambent", "up", "--port", "0", "--data", str(data), *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            platform = cls(process)
            ready = threading.Event()
            reader = threading.Thread(target=platform._read, args=(ready,), daemon=True)
            reader.start()
            try:
                assert ready.wait(START_SECONDS), f"not ready: {''.join(platform.printed)}"
                assert platform.port, f"did not start: {''.join(platform.printed)}"
                yield platform
            finally:
                platform._stop()
                reader.join()

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def _stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def _read(self, ready: threading.Event) -> None:
        """What it prints, so that its pipe never fills; the ready line names the endpoint."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found and not self.port:
                self.port = int(found.group(1))
                ready.set()
        ready.set()
