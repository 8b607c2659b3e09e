"""What a fork of the zygote does to become a waiting execution environment.

Process 1 (this one) confines itself, forks the runtime, and stays as the reaper. The runtime waits on descriptor 3.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from typing import Any, NamedTuple, NoReturn

from . import confine, reaper, runtime, syscalls

_CHANNEL = 3
_STATUS = 4
_LINK = 5
#: Above every descriptor a zygote holds, so that moving one never lands on another.
_ABOVE_ALL = 64


class Inheritance(NamedTuple):
    """What every child has from its zygote."""

    filter_program: bytes
    gid: int
    preloaded: frozenset[str]


def become(request: dict[str, Any], fds: list[int], link: socket.socket, inheritance: Inheritance) -> NoReturn:
    """`fds`: channel, output, status, then `cgroup.procs` files to enter."""
    for fd in fds[3:]:
        os.write(fd, b"0")
    null = os.open("/dev/null", os.O_RDWR)
    _keep_only([null, fds[1], fds[1], fds[0], fds[2], link.detach()])
    sockets = confine.enter(network=request["network"], ports=request["ports"], tmp_mb=request["tmp_mb"])
    _report(request["spawn"], sockets)
    confine.confine(uid=request["uid"], gid=inheritance.gid, filter_program=inheritance.filter_program)
    runtime_pid = os.fork()
    if runtime_pid:
        os.closerange(0, _STATUS)
        reaper.reap(runtime_pid, _STATUS)
    os.close(_STATUS)
    if request["argv"]:
        runtime.execute(request["argv"], request["env"])
    runtime.wait(inheritance.preloaded, uses_sdk=request["uses_sdk"])


def _keep_only(fds: list[int]) -> None:
    """Makes them descriptors 0, 1, 2, ... and closes every other: namespaces, the zygote's link, others' channels."""
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE_ALL) for fd in fds]
    for number, fd in enumerate(moved):
        os.dup2(fd, number, inheritable=number <= 2)
    os.closerange(len(fds), _ABOVE_ALL + len(moved) + 1)


def _report(name: str, sockets: list[socket.socket]) -> None:
    """Hands the platform our pidfd and the sockets it shall serve, then lets go of its link."""
    pidfd = os.pidfd_open(os.getpid())
    fds = [pidfd] + [sock.fileno() for sock in sockets]
    with socket.socket(fileno=_LINK) as link:
        syscalls.send_with_fds(link, json.dumps({"child": name}).encode(), fds)
    os.close(pidfd)
    for sock in sockets:
        sock.close()
