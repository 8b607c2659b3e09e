"""The contract of isolation: make children that wait, give one to a function, end it.

Two implementations: `namespaces.py` (Linux) and `process.py` (elsewhere, and no protection worth the name). The pool
(`sandbox/pool.py`) asks for a Child of a Runtime, keeps it until a function comes, then assigns it once and for all:
no child ever serves two function versions.
"""

import asyncio
import socket
from collections.abc import Awaitable, Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol

from lambent.kit.frozen import frozen
from lambent.sandbox.runtimes import Runtime, Start

#: Where the platform answers inside every sandbox, and where custom runtimes find the Runtime API.
PLATFORM_PORT = 4566
RUNTIME_API_PORT = 9001


class Level(Enum):
    #: Root: namespaces, a host user id of its own for every environment, cgroup limits.
    FULL = "full"
    #: An ordinary user, by unprivileged user namespaces: one host user id, cgroup limits only where delegated.
    USERNS = "userns"
    #: Processes of the platform's own user with resource limits: no protection against hostile code.
    PROCESS = "process"


class IsolationUnavailable(Exception):
    """Functions cannot be isolated here as asked; the message says what to do."""


class ChildFailed(Exception):
    """A child could not be made or prepared; the message says why."""


@frozen
class Kind:
    """What a waiting child is good for."""

    runtime: Runtime
    start: Start
    """As the runtime's, or LAUNCH for a function whose settings need a fresh process."""
    network: bool
    """On the host's network instead of one of its own."""
    uses_sdk: bool = False
    """Rehearsed with the AWS SDK: twice the memory, a third of the time to the first client."""


@frozen
class Resources:
    """What a function is granted when a child becomes its environment."""

    memory_mb: int
    tmp_mb: int
    code_dir: Path
    layer_dirs: tuple[Path, ...]


@frozen
class ExitStatus:
    """How the runtime's process ended: one of the two."""

    code: int | None
    signal: int | None


class Child(Protocol):
    """A sandboxed process tree. All methods are for the event loop's thread; none blocks."""

    @property
    def channel(self) -> socket.socket:
        """The platform's end of descriptor 3; whoever takes it owns it."""
        ...

    @property
    def output(self) -> int:
        """Read end of stdout and stderr, non-blocking."""
        ...

    @property
    def listeners(self) -> Mapping[int, socket.socket]:
        """Port inside -> listening socket, to be served by the platform; empty where sockets cannot be passed out."""
        ...

    @property
    def task_root(self) -> str:
        """Where the function finds its code: /var/task, or the real directory under process isolation."""
        ...

    def memory_bytes(self) -> int:
        """What the tree costs the machine just now."""
        ...

    def holds_more_than(self, limit_bytes: int) -> bool:
        """Whether its processes' own memory, files in /tmp not counted, exceeds the limit. Called often: cheap."""
        ...

    def memory_peak_bytes(self) -> int:
        """The most it has held since it was assigned, files in /tmp not counted. Called after every invocation."""
        ...

    def was_killed_for_memory(self) -> bool: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def kill(self) -> None:
        """The whole tree, at once."""
        ...

    @property
    def end(self) -> "asyncio.Future[ExitStatus]":
        """Done when the runtime and everything it started are gone."""
        ...

    def release(self) -> None:
        """After the end: gives descriptors, user id and control groups back."""
        ...


class Isolation(Protocol):
    @property
    def level(self) -> Level: ...

    def describe(self) -> str:
        """What is enforced, for people."""
        ...

    async def make_child(self, kind: Kind, *, hurry: bool) -> Child:
        """A child of `kind`, isolated and started; its READY frame is still to come. Raises ChildFailed.

        `hurry`: a function waits for it; otherwise it gives way to everything else.
        """
        ...

    def assign(self, child: Child, resources: Resources) -> Awaitable[None]:
        """Shows the code to `child` and sets its limits: begins at once, done when awaited. Raises ChildFailed."""
        ...

    async def close(self) -> None:
        """Ends every child and everything that makes them."""
        ...
