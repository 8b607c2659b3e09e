"""Limits really enforced: time, memory, processes, /tmp, files; and what an idle environment costs."""

import asyncio
import errno
import json
import re
import time
from pathlib import Path

import pytest

from lambent.sandbox.isolation import process_tree
from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.namespaces import Namespaces
from lambent.sandbox.pool import PoolSettings
from sandbox.pools import Scene, running_pool


def test_the_whole_tree_dies_when_time_is_up(tmp_path: Path) -> None:
    source = """
import os, subprocess, time
def handler(event, context):
    if event:
        print("before")
        for _ in range(5):
            subprocess.Popen(["/bin/sh", "-c", "setsid sh -c 'while :; do :; done' & while :; do :; done"])
        time.sleep(60)
    return os.getpid()
"""

    async def main() -> None:
        async with running_pool(tmp_path, PoolSettings(waiting_per_runtime=0)) as scene:
            spec = scene.function("endless", source, timeout_seconds=1)
            running = asyncio.create_task(scene.run(spec, "go"))
            await _until(lambda: len(_processes_of(scene)) >= 12)
            tree = _processes_of(scene)
            outcome = await running
            document = json.loads(outcome.payload)
            assert document["errorType"] == "Sandbox.Timedout"
            assert re.fullmatch(
                r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds", document["errorMessage"]
            )
            lines = scene.own_lines("endless")
            assert lines[0] == "before"
            assert re.fullmatch(
                r"\d{4}-\d\d-\d\dT[\d:.]{12}Z [0-9a-f-]{36} Task timed out after 1.00 seconds", lines[1]
            )
            assert "Status: timeout" in scene.said("endless")[-1]
            assert outcome.duration_ms == 1000
            assert not any(_is_running(pid) for pid in tree)
            assert await scene.result(spec)

    asyncio.run(main())


def test_more_memory_than_granted_kills(tmp_path: Path) -> None:
    source = """
def handler(event, context):
    return len(bytes(event << 20).replace(b"\\0", b"x"))
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("eater", source, memory_mb=128)
            assert await scene.result(spec, 20) == 20 << 20
            outcome = await scene.run(spec, 400)
            document = json.loads(outcome.payload)
            assert document["errorType"] == "Runtime.ExitError"
            assert document["errorMessage"].endswith(" Error: Runtime exited with error: signal: killed")
            assert outcome.max_memory_mb == 128
            assert await scene.result(spec, 20) == 20 << 20

    asyncio.run(main())


def test_files_in_tmp_are_not_memory_and_have_their_own_limit(tmp_path: Path) -> None:
    source = """
import errno, os
def handler(event, context):
    written = 0
    try:
        with open("/tmp/file", "wb", buffering=0) as file:
            while True:
                written += file.write(b"x" * 1048576)
    except OSError as error:
        return [errno.errorcode[error.errno], written >> 20, os.listdir("/tmp")]
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("filler", source, memory_mb=128, tmp_mb=600, timeout_seconds=20)
            kind, written, files = await scene.result(spec)
            assert (kind, files) == ("ENOSPC", ["file"])
            assert 598 <= written <= 600
            other = scene.function("other", "import os\ndef handler(e, c):\n    return os.listdir('/tmp')\n")
            assert await scene.result(other) == []

    asyncio.run(main())


def test_a_fork_bomb_hits_its_limit_and_nobody_else(tmp_path: Path) -> None:
    source = """
import errno, os, time
def handler(event, context):
    children = []
    try:
        while True:
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        return [errno.errorcode[error.errno], len(children)]
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            bomb = scene.function("bomb", source, memory_mb=3008, timeout_seconds=30)
            other = scene.function("bystander", "import os\ndef handler(e, c):\n    return os.system('true')\n")
            kind, children = await scene.result(bomb)
            assert kind == "EAGAIN"
            assert 500 < children <= 1024
            if "pids" in scene.pool.isolation:  # else the limit is one for all environments of a runtime
                assert await scene.result(other) == 0

    asyncio.run(main())


def test_open_files_are_limited(tmp_path: Path) -> None:
    source = """
import errno, os
def handler(event, context):
    try:
        while True:
            os.open("/dev/null", os.O_RDONLY)
    except OSError as error:
        return errno.errorcode[error.errno]
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            assert await scene.result(scene.function("opener", source)) == errno.errorcode[errno.EMFILE]

    asyncio.run(main())


#: Burns one processor, the same for everybody, from one moment to another; what of it was its own, in seconds.
BURNER = """
import os, time
def handler(event, context):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    time.sleep(max(0, event["begin"] - time.time()))
    before = time.process_time()
    while time.time() < event["end"]:
        pass
    return time.process_time() - before
"""


@pytest.mark.alone
def test_functions_that_compete_get_processor_time_by_their_memory(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: in proportion to it."""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            _need_cpu_groups(scene)
            functions = [scene.function(f"burner-{size}", BURNER, memory_mb=size) for size in (256, 1024)]
            for spec in functions:
                await scene.result(spec, {"begin": 0, "end": 0})
            window = {"begin": time.time() + 0.2, "end": time.time() + 1.7}
            small, large = await asyncio.gather(*(scene.result(spec, window) for spec in functions))
            assert 2.5 < large / small < 6  # 4, however little others leave to both of them

    asyncio.run(main())


@pytest.mark.parametrize("memory_mb", [442, 885])
def test_a_quota_holds_on_an_idle_machine_too(tmp_path: Path, memory_mb: int) -> None:
    """1,769 MB have the equivalent of one vCPU (same page)."""

    async def main() -> None:
        settings = PoolSettings(waiting_per_runtime=1, isolation=IsolationPolicy(cpu_quota=True))
        async with running_pool(tmp_path, settings) as scene:
            _need_cpu_groups(scene)
            spec = scene.function("burner", BURNER, memory_mb=memory_mb)
            await scene.result(spec, {"begin": 0, "end": 0})
            now = time.time()
            used = await scene.result(spec, {"begin": now, "end": now + 1})
            assert 0 < used < memory_mb / 1769 * 1.3

    asyncio.run(main())


def test_an_idle_environment_is_frozen_and_thaws(tmp_path: Path) -> None:
    source = """
import threading
ticks = 0
def count():
    global ticks
    while True:
        ticks += 1
threading.Thread(target=count, daemon=True).start()
def handler(event, context):
    return ticks
"""

    async def main() -> None:
        settings = PoolSettings(waiting_per_runtime=0, freeze_after_seconds=0.2)
        async with running_pool(tmp_path, settings) as scene:
            spec = scene.function("busy", source)
            first = await scene.result(spec)
            await _until(lambda: scene.pool.snapshot()[0].state == "frozen")
            before = [_cpu_ticks(pid) for pid in _processes_of(scene)]
            await asyncio.sleep(0.5)
            assert [_cpu_ticks(pid) for pid in _processes_of(scene)] == before
            assert await scene.result(spec) >= first
            assert len(scene.pool.snapshot()) == 1

    asyncio.run(main())


def test_idle_environments_are_reaped(tmp_path: Path) -> None:
    async def main() -> None:
        settings = PoolSettings(waiting_per_runtime=0, idle_seconds=0.2)
        async with running_pool(tmp_path, settings) as scene:
            await scene.result(scene.function("short", "def handler(e, c):\n    return 1\n"))
            assert len(scene.pool.snapshot()) == 1
            await _until(lambda: not scene.pool.snapshot())
            await _until(lambda: not _processes_of(scene))  # killed by then, gone a moment later

    asyncio.run(main())


def test_environments_are_bounded_in_number(tmp_path: Path) -> None:
    source = "import time\ndef handler(e, c):\n    time.sleep(0.1)\n    return e\n"

    async def main() -> None:
        settings = PoolSettings(waiting_per_runtime=0, max_environments=2)
        async with running_pool(tmp_path, settings) as scene:
            functions = [scene.function(f"f{number}", source) for number in range(5)]
            results = await asyncio.gather(*(scene.result(spec, spec.name) for spec in functions))
            assert results == [spec.name for spec in functions]
            assert len(scene.pool.snapshot()) <= 2

    asyncio.run(main())


def test_a_new_revision_retires_the_old_one_when_it_is_done(tmp_path: Path) -> None:
    source = "import time\ndef handler(e, c):\n    time.sleep(e or 0)\n    return {!r}\n"

    async def main() -> None:
        async with running_pool(tmp_path, PoolSettings(waiting_per_runtime=0)) as scene:
            old = scene.function("changing", source.format("old"))
            new = scene.function("changing", source.format("new"), revision="2")
            await scene.result(old)
            running = asyncio.create_task(scene.result(old, 0.5))
            await asyncio.sleep(0.05)
            assert await scene.result(new) == "new"
            assert await running == "old"
            await _until(lambda: [info.revision for info in scene.pool.snapshot()] == ["2"])
            await scene.pool.retire(new.arn, keep_revision=None)
            assert scene.pool.snapshot() == []

    asyncio.run(main())


def test_loading_gets_ten_seconds_then_the_functions_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib."""
    monkeypatch.setattr("lambent.sandbox.pool.INIT_SECONDS", 0.3)
    source = "import time\ntime.sleep(0.6)\ndef handler(e, c):\n    return 'loaded'\n"

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            assert await scene.result(scene.function("slow", source)) == "loaded"
            outcome = await scene.run(scene.function("slower", source.replace("0.6", "9"), timeout_seconds=1))
            assert json.loads(outcome.payload)["errorType"] == "Sandbox.Timedout"

    asyncio.run(main())


def _need_cpu_groups(scene: Scene) -> None:
    if "cpu" not in scene.pool.isolation:
        pytest.skip(f"no control group for the CPU here: {scene.pool.isolation}")


def _processes_of(scene: Scene) -> list[int]:
    """Host pids of every sandbox's processes, those in reserve included."""
    isolation = scene.pool._isolation
    assert isinstance(isolation, Namespaces)
    first = [process_tree.pid_of(child.pidfd) for child in isolation._children.values() if not child.released]
    return [pid for process in first if process > 0 for pid in process_tree.members(process)]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def _until(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
