"""What a change leaves behind, on virtual time; the pool's part is played by plain functions."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from lambent.kit.clock import VirtualClock
from lambent.sandbox.types import EnvironmentInfo
from lambent.services.lambda_.package_files import PackageFiles
from lambent.services.lambda_.upkeep import Upkeep
from zips import zipped

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def environment(revision: str) -> EnvironmentInfo:
    return EnvironmentInfo("e", ARN, revision, "python3.11", "busy", 1, 0, 0, 10)


@contextlib.asynccontextmanager
async def upkeep(
    directory: Path,
    clock: VirtualClock,
    *,
    retired: list[tuple[str, str | None]],
    running: list[EnvironmentInfo],
    used: set[str],
) -> AsyncIterator[tuple[Upkeep, PackageFiles]]:
    async def retire(arn: str, *, keep_revision: str | None) -> None:
        retired.append((arn, keep_revision))

    files = PackageFiles(directory, is_used=used.__contains__)
    keeper = Upkeep(
        retire=retire,
        environments=lambda: running,
        packages=files,
        interpreters={"python3.11": sys.executable},
        clock=clock,
    )
    task = asyncio.create_task(keeper.run())
    yield keeper, files
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def gone(path: Path) -> None:
    deadline = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_a_package_goes_when_its_last_invocation_has_ended(tmp_path: Path) -> None:
    async def main() -> None:
        clock, running = VirtualClock(), [environment("old"), environment("new")]
        retired: list[tuple[str, str | None]] = []
        async with upkeep(tmp_path, clock, retired=retired, running=running, used=set()) as (keeper, files):
            async with files.keep(zipped({"app.py": ""})) as package:
                pass
            keeper.retire(ARN, "new", package=package.sha256)
            await clock.advance(5)
            assert retired == [(ARN, "new")]
            assert files.code_directory(package.sha256).exists()
            running.remove(environment("old"))
            await clock.advance(2)
            await gone(files.code_directory(package.sha256))

    asyncio.run(main())


def test_python_sources_are_compiled_for_their_interpreter(tmp_path: Path) -> None:
    async def main() -> None:
        used: set[str] = set()
        async with upkeep(tmp_path, VirtualClock(), retired=[], running=[], used=used) as (keeper, files):
            async with files.keep(zipped({"app.py": "x = 1", "lib/mod.py": "y = 2", "bad.py": "("})) as package:
                used.add(package.sha256)
            keeper.compile("python3.11", package.sha256)
            keeper.compile("nodejs20.x", package.sha256)
            code = files.code_directory(package.sha256)
            deadline = time.monotonic() + 20
            while len(list(code.rglob("*.pyc"))) < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            assert {one.name.partition(".")[0] for one in code.rglob("*.pyc")} == {"app", "mod"}

    asyncio.run(main())


def test_a_package_deleted_while_it_is_compiled_goes_afterwards_and_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with upkeep(tmp_path, VirtualClock(), retired=[], running=[], used=set()) as (keeper, files):
            async with files.keep(zipped({f"m{number}.py": "x = 1" for number in range(50)})) as package:
                pass
            keeper.compile("python3.11", package.sha256)
            await asyncio.sleep(0)
            keeper.retire(ARN, None, package=package.sha256)
            await gone(tmp_path / package.sha256)
            await asyncio.sleep(0.3)
            assert not (tmp_path / package.sha256).exists()

    asyncio.run(main())
