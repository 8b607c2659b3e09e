"""Upkeep: what a change leaves behind, done after the answer was sent.

An update retires the environments of the old revision; then, when their last invocation has ended, the old package goes
if no function refers to it any more. Python sources of a new package are compiled for the interpreter that will run
them, because the package is read-only where it runs. All of it may be lost to a crash: the next start sweeps packages.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.sandbox.types import EnvironmentInfo
from lambent.services.lambda_.package_files import PackageFiles

#: Compiling is a convenience; a package that takes longer runs from its sources.
COMPILE_TIMEOUT_SECONDS = 60

log = logging.getLogger(__name__)


#: Pause before looking again whether the last invocation with an old package has ended.
LOOK_AGAIN_SECONDS = 1.0


class Retire(Protocol):
    """`Pool.retire`: ends the idle environments now, the busy ones when they are done."""

    def __call__(self, arn: str, *, keep_revision: str | None) -> Awaitable[None]: ...


@frozen
class _Retirement:
    arn: str
    keep_revision: str | None
    package_sha256: str


@frozen
class _Compilation:
    runtime: str
    package_sha256: str


#: What the interpreter is told: compile a directory. Sources are only parsed, but their parse may be made expensive.
#: Unchecked hashes: nobody can change a source afterwards.
_COMPILE = """
import compileall, py_compile, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
compileall.compile_dir(sys.argv[1], quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


class Upkeep:
    def __init__(
        self,
        *,
        retire: Retire,
        environments: Callable[[], Sequence[EnvironmentInfo]],
        packages: PackageFiles,
        interpreters: Mapping[str, str],
        clock: Clock,
    ) -> None:
        """`environments` is `Pool.snapshot`; `interpreters`: runtime -> path, as `Pool.supported_runtimes()`."""
        self._retire = retire
        self._environments = environments
        self._clock = clock
        self._packages = packages
        self._interpreters = interpreters
        self._jobs: asyncio.Queue[_Retirement | _Compilation] = asyncio.Queue()

    def retire(self, arn: str, keep_revision: str | None, *, package: str = "") -> None:
        """`package` is the sha256 the function referred to before, if that changed."""
        self._jobs.put_nowait(_Retirement(arn, keep_revision, package))

    def compile(self, runtime: str, package: str) -> None:
        if runtime.startswith("python"):
            self._jobs.put_nowait(_Compilation(runtime, package))

    async def run(self) -> None:
        """Runs for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                job = await self._jobs.get()
                if isinstance(job, _Retirement):
                    tasks.create_task(self._carry_out(job))
                else:
                    tasks.create_task(self._compile(job))

    async def _carry_out(self, job: _Retirement) -> None:
        await self._retire(job.arn, keep_revision=job.keep_revision)
        if job.package_sha256:
            while self._is_running_old(job):
                await self._clock.sleep(LOOK_AGAIN_SECONDS)
            await self._packages.remove(job.package_sha256)

    def _is_running_old(self, job: _Retirement) -> bool:
        """Whether an invocation may still read files of the old package."""
        return any(one.arn == job.arn and one.revision != job.keep_revision for one in self._environments())

    async def _compile(self, job: _Compilation) -> None:
        code = self._packages.code_directory(job.package_sha256)
        interpreter = self._interpreters.get(job.runtime)
        if not interpreter or not code.exists():
            return
        with self._packages.hold(job.package_sha256):
            await _compile_sources(interpreter, code)
        await self._packages.remove(job.package_sha256)  # if it was deleted meanwhile


async def _compile_sources(interpreter: str, code: Path) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            interpreter,
            *("-I", "-S", "-c", _COMPILE, str(code)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:  # no descriptors or processes left just now, or the interpreter is gone
        log.warning("could not compile %s: %s; it runs from its sources", code, error)
        return
    try:
        await asyncio.wait_for(process.wait(), COMPILE_TIMEOUT_SECONDS)
    except TimeoutError:
        log.warning("compiling %s took longer than %d seconds: it runs from its sources", code, COMPILE_TIMEOUT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
