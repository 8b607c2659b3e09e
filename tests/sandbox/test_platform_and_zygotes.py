"""What happens to sandboxes when the platform dies, and to the platform when a zygote does."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambent.sandbox.isolation import process_tree
from lambent.sandbox.isolation.cgroup_layout import find_layout
from lambent.sandbox.isolation.cgroups import Cgroups
from lambent.sandbox.isolation.choice import IsolationPolicy, choose
from lambent.sandbox.isolation.contract import ChildFailed, IsolationUnavailable, Level
from lambent.sandbox.isolation.namespaces import Namespaces
from lambent.sandbox.isolation.zygote_link import ZygoteLink
from lambent.sandbox.pool import PoolSettings
from sandbox.pools import running_pool

HELLO = "def handler(event, context):\n    return event\n"


def test_killing_the_platform_kills_every_sandbox_and_leaves_no_groups(tmp_path: Path) -> None:
    platform = subprocess.Popen(
        [sys.executable, __file__, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )
    with platform:
        assert platform.stdout is not None
        pids = json.loads(platform.stdout.readline())
        assert len(pids) >= 4  # two sandboxes: a reaper and a runtime each
        watched = [os.pidfd_open(pid) for pid in pids]
        platform.send_signal(signal.SIGKILL)
        for pidfd in watched:
            assert select.select([pidfd], [], [], 5)[0], "a sandbox outlived its platform"
            os.close(pidfd)
    Cgroups.open().close()  # as the next platform will
    own = find_layout(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())
    for directory in {*own.v1.values(), own.v2, own.v2_root} - {None}:
        assert directory is not None
        assert list(directory.glob(f"lambent.{platform.pid}-*")) == []


def test_a_platform_that_stops_while_a_zygote_boots_is_not_held_up(tmp_path: Path) -> None:
    """Nobody lets go of a half-made zygote but whoever boots it; this one lives until that is done."""
    patient = tmp_path / "patient"
    patient.write_text("#!/bin/sh\nexec cat <&3 >/dev/null\n")
    patient.chmod(0o755)

    async def main() -> None:
        booting = asyncio.create_task(ZygoteLink.boot(patient, {}, None))
        await asyncio.sleep(0.1)
        booting.cancel()
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await booting

    asyncio.run(main())


async def _run_until_killed(directory: Path) -> None:
    async with running_pool(directory) as scene:
        await scene.result(scene.function("victim", HELLO), 1)
        deadline = time.monotonic() + 10
        while len(scene.pool.snapshot()) < 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        isolation = scene.pool._isolation
        assert isinstance(isolation, Namespaces)
        first = [process_tree.pid_of(child.pidfd) for child in isolation._children.values() if not child.released]
        print(json.dumps([pid for process in first for pid in process_tree.members(process)]), flush=True)
        await asyncio.sleep(60)


def test_a_dead_zygote_is_replaced(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("survivor", HELLO)
            await scene.result(spec, 1)
            isolation = scene.pool._isolation
            assert isinstance(isolation, Namespaces)
            next(iter(isolation._zygotes.values())).result().close()
            await asyncio.sleep(0.2)
            assert await scene.result(spec, 2) == 2

    asyncio.run(main())


def test_a_function_whose_code_is_gone_is_the_platforms_fault_and_costs_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            gone = scene.function("gone", HELLO, code_dir=tmp_path / "nowhere")
            with pytest.raises(ChildFailed):
                await scene.run(gone)
            with pytest.raises(ChildFailed, match="not installed"):
                await scene.run(scene.function("old", HELLO, runtime="python2.7"))
            assert await scene.result(scene.function("here", HELLO), 1) == 1

    asyncio.run(main())


def test_many_functions_at_once_on_an_empty_reserve(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_pool(tmp_path, PoolSettings(waiting_per_runtime=0)) as scene:
            functions = [scene.function(f"f{number}", HELLO) for number in range(20)]
            results = await asyncio.gather(*(scene.result(spec, spec.name) for spec in functions))
            assert results == [spec.name for spec in functions]
            streams = {stream for _, stream, _ in scene.lines}
            assert len(streams) == 20

    asyncio.run(main())


def test_process_isolation_runs_functions_when_it_is_allowed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = """
import os, sys
def handler(event, context):
    print("said")
    if event == "exit":
        sys.exit(4)
    return [os.getcwd(), os.environ["LAMBDA_TASK_ROOT"]]
"""

    async def main() -> None:
        settings = PoolSettings(isolation=IsolationPolicy(level=Level.PROCESS))
        async with running_pool(tmp_path, settings) as scene:
            assert "WITHOUT isolation" in caplog.text
            spec = scene.function("bare", source)
            assert await scene.result(spec) == [str(spec.code_dir), str(spec.code_dir)]
            outcome = await scene.run(spec, "exit")
            assert b"exit status 4" in outcome.payload
            slow = scene.function("slow", "import time\ndef handler(e, c):\n    time.sleep(9)\n", timeout_seconds=1)
            assert b"Task timed out after 1.00 seconds" in (await scene.run(slow)).payload
            assert scene.own_lines("bare")[0] == "said"

    asyncio.run(main())


def test_process_isolation_is_refused_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(IsolationUnavailable, match="--isolation process"):
        asyncio.run(choose(IsolationPolicy()))


if __name__ == "__main__":
    asyncio.run(_run_until_killed(Path(sys.argv[1])))
