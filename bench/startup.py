"""From `lambent up` to the first answered request, and what it weighs when nothing happens."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import lambent_process, memory, report


def measure(runs: int) -> Iterator[report.Figure]:
    times: list[float] = []
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
            time.sleep(2)
            alone.append(memory.pss_mib(process.pid))
            tree.append(memory.tree_pss_mib(process.pid))
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)
    yield report.latency("`up` to first answered request", times, 500)
    yield report.Figure(
        "idle memory of the platform",
        sorted(tree)[len(tree) // 2],
        "MiB PSS",
        80,
        note=f"the whole process tree; the platform process alone {sorted(alone)[len(alone) // 2]:.0f}",
    )
