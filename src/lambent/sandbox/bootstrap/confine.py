"""From a fork of the zygote to a confined process, in two steps that both run in the child.

`enter` gives it namespaces and mounts of its own and opens the sockets the platform will serve; `confine` then
takes every privilege away, for good. Between them lies nothing a function could touch.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket

from . import syscalls

#: /proc files that tell of the machine or reach the kernel: covered with the null device.
_MASKED = ("kcore", "keys", "timer_list", "kallsyms", "cmdline", "sysrq-trigger", "config.gz", "kmsg")
_LIMITS = (
    (resource.RLIMIT_NOFILE, 1024),  # AWS: 1,024 file descriptors, 1,024 processes and threads
    (resource.RLIMIT_NPROC, 1024),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_MEMLOCK, 64 * 1024),
    (resource.RLIMIT_MSGQUEUE, 0),
)
_BACKLOG = 128


def enter(*, network: bool, ports: list[int], tmp_mb: int) -> list[socket.socket]:
    """Namespaces, /proc, /tmp, /dev/shm, loopback; answers with listening sockets on `ports`."""
    flags = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
    syscalls.unshare(flags if network else flags | syscalls.CLONE_NEWNET)
    hardened = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("proc", "/proc", "proc", hardened | syscalls.MS_NOEXEC)
    for name in _MASKED:
        if os.path.exists(f"/proc/{name}"):
            syscalls.mount("/dev/null", f"/proc/{name}", None, syscalls.MS_BIND)
    syscalls.mount("tmpfs", "/dev/shm", "tmpfs", hardened, "mode=1777,size=64m")
    syscalls.mount("tmpfs", "/tmp", "tmpfs", hardened, f"mode=1777,size={tmp_mb}m,nr_inodes=65536")
    if network:
        return []
    syscalls.set_host_name("169")
    syscalls.bring_loopback_up()
    return [_listen(port) for port in ports]


def resize_tmp(tmp_mb: int) -> None:
    """For the mount namespace this process is in just now."""
    flags = syscalls.MS_REMOUNT | syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("tmpfs", "/tmp", None, flags, f"size={tmp_mb}m")


def confine(*, uid: int, gid: int, filter_program: bytes) -> None:
    for limit, value in _LIMITS:
        hard = resource.getrlimit(limit)[1]
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lowered, lowered))
    syscalls.forbid_new_privileges()
    syscalls.drop_bounding_set()
    with contextlib.suppress(PermissionError):  # a user namespace of one id may not, and has no groups but its own
        os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    syscalls.drop_capabilities()
    syscalls.set_dumpable()
    os.umask(0o022)
    syscalls.install_filter(filter_program)


def _listen(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(_BACKLOG)
    return sock
