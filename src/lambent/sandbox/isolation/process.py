"""Isolation in name only: functions as processes of the platform's own user, for machines without namespaces.

They get a session and resource limits of their own, nothing more: they see the user's files and processes, and the
network. `choice.py` says so loudly and uses this only if it is asked to. Paths are the host's, so /var/task in a
program's text does not work; LAMBDA_TASK_ROOT does. Custom runtimes, and settings that need a fresh process, do not
work here.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Mapping
from dataclasses import field
from pathlib import Path

from lambent.kit.frozen import mutable
from lambent.sandbox.isolation import process_tree
from lambent.sandbox.isolation.contract import Child, ChildFailed, ExitStatus, Kind, Level, Resources
from lambent.sandbox.isolation.zygote_link import LAUNCH_FILE
from lambent.sandbox.runtimes import Bind, Runtime, Start

#: The channel arrives as stdin and becomes descriptor 3; then limits, then the program.
_WRAPPER = 'exec 3<&0 0</dev/null; ulimit -n 1024; ulimit -c 0; exec "$@"'


@mutable
class ProcessChild:
    process: asyncio.subprocess.Process
    channel: socket.socket
    output: int
    end: "asyncio.Future[ExitStatus]"
    task_root: str = ""
    listeners: Mapping[int, socket.socket] = field(default_factory=dict)
    peak: int = 0
    released: bool = False

    def memory_bytes(self) -> int:
        """0 where there is no /proc."""
        return process_tree.private_bytes(self.process.pid)

    def holds_more_than(self, limit_bytes: int) -> bool:
        held = self.memory_bytes()
        self.peak = max(self.peak, held)
        return held > limit_bytes

    def memory_peak_bytes(self) -> int:
        return self.peak

    def was_killed_for_memory(self) -> bool:
        return False

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def release(self) -> None:
        if not self.released:
            self.released = True
            self.channel.close()
            os.close(self.output)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Processes:
    def __init__(self) -> None:
        self.level = Level.PROCESS
        self._children: list[ProcessChild] = []

    def describe(self) -> str:
        return "no protection: only a session and resource limits"

    async def make_child(self, kind: Kind, *, hurry: bool) -> Child:  # noqa: ARG002 - there is no slower way
        if kind.start is Start.LAUNCH:
            raise ChildFailed(f"{kind.runtime.name} with these settings cannot run without namespaces")
        ours, theirs = socket.socketpair()
        output, output_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                _WRAPPER,
                "sh",
                *_arguments_on_host(kind.runtime),
                stdin=theirs.fileno(),
                stdout=output_end,
                stderr=output_end,
                env=dict(kind.runtime.environment),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            os.close(output)
            raise ChildFailed(f"{kind.runtime.name}: {error}") from error
        finally:
            theirs.close()
            os.close(output_end)
        os.set_blocking(output, False)
        child = ProcessChild(process, ours, output, asyncio.ensure_future(_wait(process)))
        self._children = [other for other in self._children if not other.released] + [child]
        return child

    def assign(self, child: Child, resources: Resources) -> Awaitable[None]:
        assert isinstance(child, ProcessChild)
        child.task_root = str(resources.code_dir)
        return asyncio.sleep(0)

    async def close(self) -> None:
        for child in self._children:
            if not child.released:
                child.kill()
                await child.end
                child.release()


async def _wait(process: asyncio.subprocess.Process) -> ExitStatus:
    code = await process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):  # what it left behind dies with it
        os.killpg(process.pid, signal.SIGKILL)
    return ExitStatus(code=None, signal=-code) if code < 0 else ExitStatus(code=code, signal=None)


def _arguments_on_host(runtime: Runtime) -> list[str]:
    binds = [*runtime.binds, Bind(LAUNCH_FILE.parent, "/var/runtime/lambent")]
    return [_on_host(argument, binds) for argument in runtime.argv]


def _on_host(argument: str, binds: list[Bind]) -> str:
    """A path inside becomes the host's: what is bound there, or the place whose entries are bound there one by one."""
    path = Path(argument)
    for bind in binds:
        if path.is_relative_to(bind.inside):
            return str(bind.host / path.relative_to(bind.inside)) if path != Path(bind.inside) else str(bind.host)
    for bind in binds:
        if Path(bind.inside).parent == path:
            return str(bind.host.parent)
    return argument
