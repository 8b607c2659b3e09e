"""From `lambent up` to the first answered request, and what it weighs when nothing happens.

The first answer is that of the health page. A service is loaded when it is first asked for, so what S3 answers to
somebody who asks right then is measured as well.
"""

import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench import lambent_process, memory, report


def measure(runs: int) -> Iterator[report.Figure]:
    times: list[float] = []
    of_s3: list[float] = []
    alone: list[float] = []
    tree: list[float] = []
    for _ in range(max(runs, 5)):
        folder = Path(tempfile.mkdtemp(prefix="lambent-bench-"))
        port = lambent_process.free_port()
        began = time.perf_counter()
        process = lambent_process.start(folder / "data", port)
        try:
            lambent_process.wait_until_healthy(port)
            times.append((time.perf_counter() - began) * 1000)
            _ask_s3(port)
            of_s3.append((time.perf_counter() - began) * 1000)
            time.sleep(2)
            alone.append(memory.pss_mib(process.pid))
            tree.append(memory.tree_pss_mib(process.pid))
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)
    yield report.latency("`up` to first answered request", times, 500)
    yield report.latency("`up` to first answer of S3, asked after that", of_s3, 500)
    yield report.Figure(
        "idle memory of the platform",
        sorted(tree)[len(tree) // 2],
        "MiB PSS",
        80,
        note=f"the whole process tree; the platform process alone {sorted(alone)[len(alone) // 2]:.0f}",
    )


def _ask_s3(port: int) -> None:
    """For a bucket that is not there: answered by the service all the same."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/no-such-bucket/key", timeout=30).close()
    except urllib.error.HTTPError as refused:
        refused.close()
        if refused.code != 404:
            raise
