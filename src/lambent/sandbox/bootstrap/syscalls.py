"""The Linux calls that sandboxes are made of and that Python's os module lacks, by ctypes.

Every call raises OSError with the kernel's errno. Kernel 5.12 or later (mount_setattr), x86_64 or aarch64.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import platform
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_MNT_DETACH = 2
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1
_MOUNT_ATTR_NOSUID = 2
_MOUNT_ATTR_NODEV = 4

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_SET_MODE_FILTER = 1
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40

#: x86_64 and aarch64 agree on every call younger than 2011 (424 and up), not on the older ones.
_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "seccomp": 277},
}.get(platform.machine(), {})
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_MOUNT_SETATTR = 442

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    _check(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    result = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options))
    _check(result, f"mount {source} on {target}")


def detach_mount(target: str) -> None:
    _check(_libc.umount2(_bytes(target), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    _syscall(_NUMBERS["pivot_root"], _bytes(new), _bytes(old), what="pivot_root")


def clone_tree(path: str) -> int:
    """A detached, read-only copy of the mount at `path`, as a descriptor for `place_tree`."""
    try:
        fd = _open_tree(path, 0)
        recursive = 0
    except OSError:  # a user namespace may not lift what is mounted below: take that along
        fd = _open_tree(path, _AT_RECURSIVE)
        recursive = _AT_RECURSIVE
    _set_mount(fd, recursive, _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV)
    return fd


def clone_device(path: str) -> int:
    """A detached copy of a device node, which stays a device."""
    return _open_tree(path, 0)


def place_tree(fd: int, target: str) -> None:
    _syscall(
        _MOVE_MOUNT, fd, b"", _AT_FDCWD, _bytes(target), ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH), what=f"mount {target}"
    )


def make_root_read_only() -> None:
    fd = os.open("/", os.O_PATH)
    _set_mount(fd, 0, _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV)
    os.close(fd)


def set_dumpable() -> None:
    """Lets the zygote, which differs from us in nothing but namespaces, open our /proc/<pid>/ns."""
    _prctl(_PR_SET_DUMPABLE, 1)


def forbid_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_set() -> None:
    """While CAP_SETPCAP is still there."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            return


def drop_capabilities() -> None:
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    _syscall(_NUMBERS["capset"], header, bytes(24), what="capset")


def install_filter(program: bytes) -> None:
    """A seccomp program of 8-byte instructions, as `isolation/seccomp.py` makes it."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _syscall(_NUMBERS["seccomp"], _SECCOMP_SET_MODE_FILTER, 0, header, what="seccomp")


def set_host_name(name: str) -> None:
    _check(_libc.sethostname(_bytes(name), len(name)), "sethostname")


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))


def send_with_fds(sock: socket.socket, data: bytes, fds: list[int]) -> None:
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], ancillary)


def receive_with_fds(sock: socket.socket, size: int, most_fds: int) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, ancillary, _, _ = sock.recvmsg(size, socket.CMSG_LEN(most_fds * fds.itemsize), flags)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, list(fds)


def _open_tree(path: str, flags: int) -> int:
    flags |= _OPEN_TREE_CLONE | os.O_CLOEXEC
    return _syscall(_OPEN_TREE, _AT_FDCWD, _bytes(path), ctypes.c_uint(flags), what=f"open_tree {path}")


def _set_mount(fd: int, flags: int, attributes: int) -> None:
    request = struct.pack("<QQQQ", attributes, 0, 0, 0)
    _syscall(
        _MOUNT_SETATTR,
        fd,
        b"",
        ctypes.c_uint(_AT_EMPTY_PATH | flags),
        request,
        ctypes.c_size_t(len(request)),
        what="mount_setattr",
    )


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")


def _syscall(number: int, *arguments: object, what: str) -> int:
    return _check(_libc.syscall(ctypes.c_long(number), *arguments), what)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)
