"""The read-only file system that every sandbox of a zygote sees: built once, on a tmpfs, then made the root.

It holds /usr and what the runtime needs (bind mounts, read-only), an /etc of our own making, six device nodes, and
empty places for what comes later: /tmp, /var/task, /opt.
"""

from __future__ import annotations

import os
import stat

from . import syscalls

#: Taken from the host: dynamic loader's cache, certificates, what libraries look names up in. Nothing about people.
_ETC = (
    "ld.so.cache",
    "ld.so.conf.d",
    "ssl",
    "pki",
    "ca-certificates",
    "crypto-policies",
    "alternatives",
    "mime.types",
    "localtime",
    "nsswitch.conf",
    "services",
    "protocols",
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DIRECTORIES = (
    "usr",
    "etc",
    "dev",
    "dev/shm",
    "proc",
    "tmp",
    "var",
    "var/task",
    "var/runtime",
    "var/lang",
    "opt",
    "run",
    "root",
)
#: Any directory will do that every Linux has and that nothing is bound from; only this process sees the tmpfs on it.
_SCAFFOLD = "/sys"
_GROUP_ID = 990


def build(binds: list[tuple[str, str]], user_ids: range) -> None:
    """Makes the root of (host path, path inside) pairs and enters it. The caller owns its mount namespace."""
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    trees = [(syscalls.clone_tree(host), inside) for host, inside in [*_system_binds(), *binds]]
    devices = [(syscalls.clone_device(f"/dev/{name}"), f"/dev/{name}") for name in _DEVICES]
    files = {name: _read(f"/etc/{name}") for name in _ETC if os.path.isfile(f"/etc/{name}")}
    links = {name: os.readlink(f"/{name}") for name in _linked_libraries()}
    syscalls.mount("tmpfs", _SCAFFOLD, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755,size=4m")
    os.chdir(_SCAFFOLD)
    _lay_out(files, links, user_ids)
    for fd, inside in trees + devices:
        _place(fd, inside)
    # A child may mount a procfs of its own only where one is in sight.
    syscalls.mount("/proc", "proc", None, syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.pivot_root(".", ".")
    syscalls.detach_mount(".")
    os.chdir("/")
    syscalls.make_root_read_only()


def _system_binds() -> list[tuple[str, str]]:
    directories = ["usr"] + [name for name in ("bin", "sbin", "lib", "lib64") if os.path.isdir(f"/{name}")]
    return [(f"/{name}", f"/{name}") for name in directories if not os.path.islink(f"/{name}")] + [
        (f"/etc/{name}", f"/etc/{name}") for name in _ETC if os.path.isdir(f"/etc/{name}")
    ]


def _linked_libraries() -> list[str]:
    return [name for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32") if os.path.islink(f"/{name}")]


def _lay_out(files: dict[str, bytes], links: dict[str, str], user_ids: range) -> None:
    """Relative to the current directory, the root to be."""
    for name in _DIRECTORIES:
        os.mkdir(name, 0o755)
    for name, target in links.items():
        os.symlink(target, name)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"dev/{name}")
    os.symlink("/proc/self/fd", "dev/fd")
    for name, content in {**files, **_own_etc(user_ids)}.items():
        with open(f"etc/{name}", "wb") as file:
            file.write(content)


def _own_etc(user_ids: range) -> dict[str, bytes]:
    """Every user id that a sandbox may run under bears the one name that Lambda's have."""
    users = [f"sbx_user1051:x:{uid}:{_GROUP_ID}::/tmp:/sbin/nologin\n" for uid in user_ids]
    return {
        "passwd": "".join(["root:x:0:0::/root:/sbin/nologin\n", *users]).encode(),
        "group": f"root:x:0:\nsbx_user1051:x:{_GROUP_ID}:\n".encode(),
        "hosts": b"127.0.0.1 localhost\n",
        "resolv.conf": b"nameserver 127.0.0.1\n",
        "os-release": b'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n',
    }


def _place(fd: int, inside: str) -> None:
    target = inside.lstrip("/")
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb"):
            pass
    syscalls.place_tree(fd, target)
    os.close(fd)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
