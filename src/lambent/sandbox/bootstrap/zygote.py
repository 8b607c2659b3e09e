"""The zygote: one warm process per runtime, forked once for every execution environment.

It starts with the platform's rights and an empty environment, builds the read-only root, moves into namespaces of
its own, loads what functions will want (preload.py), and from then on forks children that wait, already confined,
until the platform needs one. Only then is the function known: the zygote mounts its code into the waiting child's
namespace, which it, unlike the platform with its threads, can enter.

Rules it lives by: one thread; no secret ever passes through (its memory is in every child); process 1 of its own pid
namespace, so its death is the death of all its sandboxes; and it ends when the platform's socket does, however the
platform ended. Messages are JSON on a SEQPACKET socket, descriptor 3; `isolation/zygote_link.py` is the other end.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from . import child, confine, preload, root, syscalls

_MESSAGE_BYTES = 262144
_MOST_FDS = 32
_LINK = 3


def main() -> NoReturn:
    _close_inherited()
    link = socket.socket(fileno=_LINK)
    boot = json.loads(link.recv(_MESSAGE_BYTES) or b"{}")
    if not boot:
        sys.exit(0)
    try:
        zygote = Zygote(link, boot)
    except ConnectionError:  # nobody waits for us any more
        sys.exit(0)
    except (OSError, ValueError) as error:
        link.send(json.dumps({"broken": f"{type(error).__name__}: {error}"}).encode())
        sys.exit(1)
    zygote.serve()


class Zygote:
    """The state of the one process: its link, its way back from other namespaces, its children."""

    def __init__(self, link: socket.socket, boot: dict[str, Any]) -> None:
        self._link = link
        self._children: dict[str, int] = {}
        self._host_mounts = _build_root(link, boot)
        _enter_own_namespaces()
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._own_mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        preload.prepare_interpreter(boot["path"])
        preloaded: frozenset[str] = preload.load_sdk(boot["preload"]) if boot["preload"] else frozenset()
        self._inheritance = child.Inheritance(base64.b64decode(boot["filter"]), boot["gid"], preloaded)
        gc.collect()
        gc.freeze()  # a child's collector must not touch, and so copy, what it shares with us
        signal.signal(signal.SIGCHLD, self._reap)
        link.send(json.dumps({"ready": sys.version.split()[0]}).encode())

    def serve(self) -> NoReturn:
        while True:
            data, fds = syscalls.receive_with_fds(self._link, _MESSAGE_BYTES, _MOST_FDS)
            if not data:
                os._exit(0)
            request = json.loads(data)
            try:
                if "spawn" in request:
                    self._spawn(request, fds)
                else:
                    self._assign(request, fds)
            except OSError as error:
                self._tell({"failed": request.get("spawn") or request["assign"], "error": str(error)})
            for fd in fds:
                os.close(fd)

    def _spawn(self, request: dict[str, Any], fds: list[int]) -> None:
        syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            pid = os.fork()
            if pid == 0:
                self._run_child(request, fds)
        finally:
            syscalls.setns(self._own_pids, syscalls.CLONE_NEWPID)
        self._children[request["spawn"]] = pid

    def _run_child(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        """Never returns and never raises: whatever happens, this copy of the zygote must not serve."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child.become(request, fds, self._link, self._inheritance)
        except BaseException:  # noqa: BLE001 - reported on the output, then this process ends
            traceback.print_exc()
        finally:
            os._exit(70)

    def _assign(self, request: dict[str, Any], fds: list[int]) -> None:
        """Mounts code and layers into a waiting child: from descriptors, or from paths as the host sees them."""
        pid = self._children.get(request["assign"])
        if pid is None:
            raise OSError("the child is gone")
        mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if request["paths"]:
                syscalls.setns(self._host_mounts, syscalls.CLONE_NEWNS)
                fds += [syscalls.clone_tree(path) for path in request["paths"]]
            syscalls.setns(mounts, syscalls.CLONE_NEWNS)
            for fd, target in zip(fds, request["targets"]):
                syscalls.place_tree(fd, target)
            confine.resize_tmp(request["tmp_mb"])
        finally:
            syscalls.setns(self._own_mounts, syscalls.CLONE_NEWNS)
            os.close(mounts)
        self._tell({"assigned": request["assign"]})

    def _tell(self, message: dict[str, Any]) -> None:
        self._link.send(json.dumps(message).encode())

    def _reap(self, *_: object) -> None:
        """A child that only stopped has made us its tracer (PTRACE_TRACEME), which would be our end: kill it."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if os.WIFSTOPPED(status):
                    os.kill(pid, signal.SIGKILL)
                    continue
                self._children = {name: known for name, known in self._children.items() if known != pid}


def _close_inherited() -> None:
    """Whatever the platform's own parent left open must not reach a function."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > _LINK:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(fd)


def _build_root(link: socket.socket, boot: dict[str, Any]) -> int:
    """Enters a root of our own, and a user namespace; answers with the host's mounts where we may return to them.

    As root, the root is built with the platform's own rights and left behind for a range of user ids that own
    nothing; from then on the platform has to hand mounts in. As an ordinary user, one id maps to itself and the
    host's view stays within reach, with no more rights than that user has.
    """
    binds = [(host, inside) for host, inside in boot["binds"]]
    user_ids = range(boot["first_uid"], boot["first_uid"] + boot["uids"])
    if boot["rooted"]:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        root.build(binds, user_ids)
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        link.send(json.dumps({"map": os.getpid()}).encode())
        link.recv(_MESSAGE_BYTES)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        syscalls.set_dumpable()
        return -1
    _map_own_id(boot["first_uid"], boot["gid"])
    syscalls.unshare(syscalls.CLONE_NEWNS)
    host_mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.unshare(syscalls.CLONE_NEWNS)
    root.build(binds, user_ids)
    return host_mounts


def _map_own_id(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(content)


def _enter_own_namespaces() -> None:
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWPID)
    if os.fork():
        os._exit(0)  # what goes on is process 1 of the new namespace
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    # A second lock behind the filter: nobody below us nests user namespaces.
    with contextlib.suppress(OSError), open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
