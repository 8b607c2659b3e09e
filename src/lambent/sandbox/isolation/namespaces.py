"""Isolation by Linux namespaces: sandboxes forked from zygotes (levels `full` and `userns`).

For a Kind of child this makes, or already has, the zygote of its runtime:

- FORK runtimes: `runtime.program` with the AWS SDK preloaded; the child it forks is the runtime.
- EXEC and LAUNCH runtimes: the interpreter we run on, bare; the child executes `runtime.argv` (EXEC, at once) or
  what the LAUNCH frame says (LAUNCH). Either way it is confined before it executes anything, and finds the frames'
  socket as descriptor 3.

Inside, `runtime.binds` and our own `bootstrap/` (at /var/runtime/lambent) are visible read-only beside /usr; the code
appears at /var/task and a layer at /opt when the child is assigned. As root every sandbox has a host user id of its
own from a range that owns nothing; as an ordinary user all share that user's. See docs/sandbox.md.
"""

import asyncio
import base64
import contextlib
import os
import platform
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lambent.kit.frozen import mutable
from lambent.sandbox.bootstrap import syscalls
from lambent.sandbox.conversation import SOCKET_BUFFER_BYTES
from lambent.sandbox.isolation import process_tree, seccomp
from lambent.sandbox.isolation.cgroups import Cgroup, Cgroups, Grant
from lambent.sandbox.isolation.contract import (
    PLATFORM_PORT,
    RUNTIME_API_PORT,
    Child,
    ChildFailed,
    ExitStatus,
    Kind,
    Level,
    Resources,
)
from lambent.sandbox.isolation.zygote_link import LAUNCH_FILE, IdMap, ZygoteLink
from lambent.sandbox.runtimes import Dialect, Runtime, Start

#: Host ids that no distribution, container engine or systemd hands out (systemd.io/UIDS-GIDS: above its containers).
_FIRST_HOST_ID = 0x7A00_0000
_HOST_IDS = 65536
_GID = 990
_SINGLE_UID = 993
_FIRST_SLOT_UID = 1000
_SLOTS = 1024
_DEFAULT_TMP_MB = 512
#: Clients that zygotes make before they fork, so that a function's own costs little.
_PRELOADED_CLIENTS = ("s3", "dynamodb")
_OWN_INTERPRETER = Path(os.path.realpath(sys.executable))
_WALK_SECONDS = 0.05
#: Telling files in /tmp from memory costs 0.2 ms: not worth it for what a small function has used.
_NEGLIGIBLE_BYTES = 32 << 20
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33


@mutable
class NamespaceChild:
    """One sandbox. `end` is done when process 1 of its pid namespace has ended, and everything with it."""

    name: str
    zygote: ZygoteLink
    channel: socket.socket
    output: int
    listeners: Mapping[int, socket.socket]
    status_fd: int
    pidfd: int
    uid: int
    group: Cgroup | None
    give_back_uid: Callable[[int], None]
    end: asyncio.Future[ExitStatus]
    task_root: str = "/var/task"
    released: bool = False
    is_frozen: bool = False
    charged_peak: int = 0
    peak: int = 0
    uncounted: int = 0
    uncounted_at: float = 0.0
    uncounted_peak: int = 0

    def watch(self) -> None:
        asyncio.get_running_loop().add_reader(self.pidfd, self._on_exit)

    def memory_bytes(self) -> int:
        charged = self.group.usage_bytes() if self.group is not None else None
        return self._uncounted_bytes() if charged is None else charged

    def holds_more_than(self, limit_bytes: int) -> bool:
        """The charge, quickly read, includes files; only if it is over the limit, it is looked at more closely."""
        charged = self.group.usage_bytes() if self.group is not None else None
        if self.group is None or charged is None:
            return self._uncounted_bytes() > limit_bytes
        return charged > limit_bytes and (self.group.anonymous_bytes() or 0) > limit_bytes

    def memory_peak_bytes(self) -> int:
        peak = self.group.peak_bytes() if self.group is not None else None
        if self.group is None or peak is None:
            self._uncounted_bytes()
            return self.uncounted_peak
        if peak != self.charged_peak:
            self.charged_peak = peak
            files = self.group.file_bytes() if peak > _NEGLIGIBLE_BYTES else 0
            self.peak = max(self.peak, peak - files)
        return self.peak

    def was_killed_for_memory(self) -> bool:
        return self.group is not None and self.group.oom_kills() > 0

    def freeze(self) -> None:
        self.is_frozen = True
        if self.group is None or not self.group.freeze(frozen=True):
            self._signal(signal.SIGUSR1)

    def thaw(self) -> None:
        self.is_frozen = False
        if self.group is None or not self.group.freeze(frozen=False):
            self._signal(signal.SIGUSR2)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.group is not None:
            self.group.kill()
            if self.is_frozen:  # version 1: what is frozen cannot even die
                self.group.freeze(frozen=False)

    def release(self) -> None:
        if self.released:
            return
        self.released = True
        if not self.end.done():
            asyncio.get_running_loop().remove_reader(self.pidfd)
        for fd in (self.output, self.status_fd, self.pidfd):
            os.close(fd)
        for sock in self.listeners.values():
            sock.close()
        self.channel.close()
        self.give_back_uid(self.uid)
        if self.group is not None:
            asyncio.get_running_loop().run_in_executor(None, self.group.remove)

    def _uncounted_bytes(self) -> int:
        """Walking /proc costs up to a millisecond: what was found a moment ago will do."""
        now = time.monotonic()
        if now - self.uncounted_at > _WALK_SECONDS:
            self.uncounted_at = now
            self.uncounted = process_tree.private_bytes(process_tree.pid_of(self.pidfd))
            self.uncounted_peak = max(self.uncounted_peak, self.uncounted)
        return self.uncounted

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pidfd)
        if not self.end.done():
            self.end.set_result(_exit_status(self.status_fd))


class Namespaces:
    """Zygotes by runtime, and the children they make."""

    def __init__(self, level: Level, cgroups: Cgroups, *, cpu_quota: bool) -> None:
        self.level = level
        self._cgroups = cgroups
        self._cpu_quota = cpu_quota
        self._filter = base64.b64encode(seccomp.build(platform.machine())).decode()
        self._id_map = _id_map(Path("/proc/self/uid_map").read_text()) if level is Level.FULL else None
        self._uids = list(range(_FIRST_SLOT_UID + _SLOTS - 1, _FIRST_SLOT_UID - 1, -1))
        self._zygotes: dict[str, asyncio.Future[ZygoteLink]] = {}
        self._children: dict[str, NamespaceChild] = {}
        self._count = 0

    def describe(self) -> str:
        return self._cgroups.describe()

    async def make_child(self, kind: Kind, *, hurry: bool) -> Child:
        zygote = await self._zygote(kind.runtime)
        self._count += 1
        name = str(self._count)
        group = await asyncio.to_thread(self._create_group, name, waiting=not hurry)
        try:
            child = await self._spawn(name, kind, zygote, group)
        except BaseException:
            if group is not None:
                await asyncio.to_thread(group.remove)
            raise
        self._children = {other.name: other for other in self._children.values() if not other.released}
        self._children[name] = child
        child.watch()
        return child

    def assign(self, child: Child, resources: Resources) -> Awaitable[None]:
        assert isinstance(child, NamespaceChild)
        mounted = self._mount(child, resources)
        if child.group is not None:  # while the zygote mounts
            child.group.grant(Grant(resources.memory_mb, resources.tmp_mb, cpu_quota=self._cpu_quota))
        return mounted

    def _mount(self, child: NamespaceChild, resources: Resources) -> Awaitable[None]:
        mounts = {"/var/task": str(resources.code_dir)}
        for layer in resources.layer_dirs[:1]:
            mounts["/opt"] = str(layer)
        request = {"targets": list(mounts), "paths": [], "tmp_mb": resources.tmp_mb}
        if self.level is Level.USERNS:
            return child.zygote.assign(child.name, {**request, "paths": list(mounts.values())}, [])
        try:
            trees = [syscalls.clone_tree(path) for path in mounts.values()]
        except OSError as error:
            raise ChildFailed(str(error)) from error
        try:
            return child.zygote.assign(child.name, request, trees)
        finally:
            for fd in trees:
                os.close(fd)

    async def end_zygote(self, runtime: Runtime) -> None:
        """Lets go of a runtime that is not needed any more, and of its children."""
        booting = self._zygotes.pop(runtime.name, None)
        if booting is not None and _succeeded(booting):
            booting.result().close()

    async def close(self) -> None:
        zygotes = [booting.result() for booting in self._zygotes.values() if _succeeded(booting)]
        for booting in self._zygotes.values():
            booting.cancel()
        for zygote in zygotes:
            zygote.close()
        for child in self._children.values():
            if not child.released:
                await child.end
                child.release()
        await asyncio.to_thread(self._cgroups.close)

    async def _zygote(self, runtime: Runtime) -> ZygoteLink:
        """The runtime's zygote; everyone who asks while it boots waits for the same one."""
        key = runtime.name
        known = self._zygotes.get(key)
        if known is None or (known.done() and not _alive(known)):
            known = asyncio.ensure_future(self._boot_zygote(runtime))
            self._zygotes[key] = known
        return await asyncio.shield(known)

    async def _boot_zygote(self, runtime: Runtime) -> ZygoteLink:
        forks = runtime.start is Start.FORK
        program = runtime.program if forks else _OWN_INTERPRETER
        binds = [(str(bind.host), bind.inside) for bind in runtime.binds]
        if not forks:
            binds += interpreter_binds(program)
        boot = {
            "rooted": self.level is Level.FULL,
            "filter": self._filter,
            "binds": [*binds, (str(LAUNCH_FILE.parent), "/var/runtime/lambent")],
            "path": ["/var/runtime"],
            "preload": list(_PRELOADED_CLIENTS) if forks else [],
            "gid": _GID,
            "first_uid": _FIRST_SLOT_UID if self._id_map else _SINGLE_UID,
            "uids": _SLOTS if self._id_map else 1,
        }
        return await ZygoteLink.boot(program, boot, self._id_map)

    async def _spawn(self, name: str, kind: Kind, zygote: ZygoteLink, group: Cgroup | None) -> NamespaceChild:
        if not self._uids:
            raise ChildFailed(f"more than {_SLOTS} execution environments")
        uid = self._uids.pop()
        ports = _ports(kind)
        ours, theirs = socket.socketpair()
        output, output_end = os.pipe()
        status, status_end = os.pipe()
        entrances = group.open_entrances() if group is not None else []
        request = {
            "argv": list(kind.runtime.argv) if kind.start is Start.EXEC else [],
            "env": dict(kind.runtime.environment),
            "network": kind.network,
            "uses_sdk": kind.uses_sdk,
            "ports": ports,
            "tmp_mb": _DEFAULT_TMP_MB,
            "uid": uid if self._id_map else _SINGLE_UID,
        }
        try:
            _widen(ours)
            _widen(theirs)
            answer = await zygote.spawn(name, request, [theirs.fileno(), output_end, status_end, *entrances])
        except BaseException:
            self._uids.append(uid)
            ours.close()
            os.close(output)
            os.close(status)
            raise
        finally:
            theirs.close()
            for fd in (output_end, status_end, *entrances):
                os.close(fd)
        os.set_blocking(output, False)
        os.set_blocking(status, False)
        return NamespaceChild(
            name=name,
            zygote=zygote,
            channel=ours,
            output=output,
            listeners={port: socket.socket(fileno=fd) for port, fd in zip(ports, answer[1:], strict=True)},
            status_fd=status,
            pidfd=answer[0],
            uid=uid,
            group=group,
            give_back_uid=self._uids.append,
            end=asyncio.get_running_loop().create_future(),
        )

    def _create_group(self, name: str, *, waiting: bool) -> Cgroup | None:
        try:
            return self._cgroups.create(name, waiting=waiting)
        except OSError as error:
            raise ChildFailed(f"no control group for a sandbox: {error}") from error


def interpreter_binds(program: Path) -> list[tuple[str, str]]:
    """What an interpreter needs beside /usr: its own tree, in the same place, where that is elsewhere."""
    prefix = program.parent.parent
    return [] if prefix.is_relative_to("/usr") else [(str(prefix), str(prefix))]


def _ports(kind: Kind) -> list[int]:
    if kind.network:
        return []
    return [PLATFORM_PORT, RUNTIME_API_PORT] if kind.runtime.dialect is Dialect.RUNTIME_API else [PLATFORM_PORT]


def _id_map(uid_map: str) -> IdMap:
    """A range no one uses or, in a container with fewer ids, the last ones it has."""
    available = max((int(line.split()[0]) + int(line.split()[2]) for line in uid_map.splitlines()), default=1)
    if available >= _FIRST_HOST_ID + _HOST_IDS:
        return IdMap(_FIRST_HOST_ID, _HOST_IDS)
    count = _FIRST_SLOT_UID + _SLOTS
    return IdMap(max(available - count, 0), min(count, available))


def _widen(sock: socket.socket) -> None:
    """Both buffers to 4 MB where we may, else to what the host allows."""
    for forced, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, SOCKET_BUFFER_BYTES)


def _exit_status(status_fd: int) -> ExitStatus:
    """What the reaper wrote before it ended; nothing if it was killed, and everything with it."""
    try:
        written = os.read(status_fd, 16)
    except BlockingIOError:
        written = b""
    if not written:
        return ExitStatus(code=None, signal=int(signal.SIGKILL))
    code = os.waitstatus_to_exitcode(int(written))
    return ExitStatus(code=None, signal=-code) if code < 0 else ExitStatus(code=code, signal=None)


def _succeeded(booting: "asyncio.Future[ZygoteLink]") -> bool:
    return booting.done() and not booting.cancelled() and booting.exception() is None


def _alive(booting: "asyncio.Future[ZygoteLink]") -> bool:
    return _succeeded(booting) and booting.result().alive
