"""A function that tries to get out. It runs inside the sandbox: standard library only.

Every attempt answers with the name of the errno it ran into, or with what it got.
"""

# What is tried is the system call, not its wrapping:
# ruff: noqa: PTH110, PTH112, PTH115, PTH123, PTH208, SIM115

import ctypes
import errno
import os
import platform
import socket
import struct
import subprocess
from collections.abc import Callable
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
ATTEMPTS: dict[str, Callable[[Any], Any]] = {}
ARM = platform.machine() == "aarch64"


def attempt(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    ATTEMPTS[function.__name__] = function
    return function


def call(number_x86: int, number_arm: int, *arguments: object) -> int:
    result: int = libc.syscall(ctypes.c_long(number_arm if ARM else number_x86), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


@attempt
def read_shadow(event: Any) -> Any:
    return open("/etc/shadow").read()


@attempt
def read_host_file(event: Any) -> Any:
    return open(event["host_file"]).read()


@attempt
def list_host_directories(event: Any) -> Any:
    return [
        name
        for name in ("/home", "/root", "/srv", "/mnt", "/boot", "/sys")
        if os.path.isdir(name) and os.listdir(name) and name != "/root"
    ]


@attempt
def who_else_is_in_passwd(event: Any) -> Any:
    return sorted({line.split(":")[0] for line in open("/etc/passwd")})


@attempt
def host_environment(event: Any) -> Any:
    seen: set[str] = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            content = open(f"/proc/{pid}/environ").read()
        except OSError:
            continue
        seen.update(entry.split("=")[0] for entry in content.split("\0") if entry)
    return sorted(name for name in seen if name.startswith("LAMBENT_TEST"))


@attempt
def first_process(event: Any) -> Any:
    return open("/proc/1/environ").read()


@attempt
def other_processes(event: Any) -> Any:
    return sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit())


@attempt
def kill_host_process(event: Any) -> Any:
    os.kill(event["host_pid"], 0)


@attempt
def look_through_other_roots(event: Any) -> Any:
    return sorted(os.listdir("/proc/1/root")) == sorted(os.listdir("/"))


@attempt
def write_root(event: Any) -> Any:
    open("/new", "w")


@attempt
def write_usr(event: Any) -> Any:
    open("/usr/new", "w")


@attempt
def write_etc(event: Any) -> Any:
    open("/etc/new", "w")


@attempt
def write_task(event: Any) -> Any:
    open("/var/task/new", "w")


@attempt
def write_runtime(event: Any) -> Any:
    open("/var/runtime/lambent/new", "w")


@attempt
def mount_tmpfs(event: Any) -> Any:
    check(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None))


@attempt
def remount_root_writable(event: Any) -> Any:
    check(libc.mount(None, b"/", None, 32 | 4096, None))


@attempt
def unmount_proc(event: Any) -> Any:
    check(libc.umount2(b"/proc", 2))


@attempt
def new_mount_interface(event: Any) -> Any:
    call(430, 430, b"tmpfs", 0)


@attempt
def open_tree(event: Any) -> Any:
    call(428, 428, -100, b"/", 1)


@attempt
def pivot(event: Any) -> Any:
    call(155, 41, b"/tmp", b"/tmp")


@attempt
def change_root(event: Any) -> Any:
    os.chroot("/tmp")


@attempt
def unshare_user(event: Any) -> Any:
    check(libc.unshare(0x10000000))


@attempt
def unshare_mounts(event: Any) -> Any:
    check(libc.unshare(0x00020000))


@attempt
def clone_user(event: Any) -> Any:
    if ARM:
        call(220, 220, 0x10000000 | 17, 0, 0, 0, 0)
    pid = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)


@attempt
def clone3(event: Any) -> Any:
    call(435, 435, struct.pack("<11Q", 0x10000000, *[0] * 10), 88)


@attempt
def enter_first_namespace(event: Any) -> Any:
    fd = os.open("/proc/1/ns/mnt", os.O_RDONLY)
    try:
        check(libc.setns(fd, 0))
    finally:
        os.close(fd)


@attempt
def trace_first_process(event: Any) -> Any:
    check(libc.ptrace(16, 1, 0, 0))


@attempt
def ask_to_be_traced(event: Any) -> Any:
    check(libc.ptrace(0, 0, 0, 0))


@attempt
def read_other_memory(event: Any) -> Any:
    vector = struct.pack("PN", 0, 0)
    call(310, 270, 1, vector, 1, vector, 1, 0)


@attempt
def take_descriptor(event: Any) -> Any:
    pidfd = os.pidfd_open(1)
    try:
        call(438, 438, pidfd, 0, 0)
    finally:
        os.close(pidfd)


@attempt
def kernel_keys(event: Any) -> Any:
    call(250, 219, 0, -3, 0)


@attempt
def add_key(event: Any) -> Any:
    call(248, 217, b"user", b"name", b"secret", 6, -2)


@attempt
def bpf(event: Any) -> Any:
    call(321, 280, 0, ctypes.create_string_buffer(128), 128)


@attempt
def perf_events(event: Any) -> Any:
    call(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)


@attempt
def io_uring(event: Any) -> Any:
    call(425, 425, 8, ctypes.create_string_buffer(256))


@attempt
def userfaultfd(event: Any) -> Any:
    call(323, 282, 0)


@attempt
def open_by_handle(event: Any) -> Any:
    call(304, 265, -100, ctypes.create_string_buffer(128), 0)


@attempt
def load_module(event: Any) -> Any:
    call(313, 273, 0, b"", 0)


@attempt
def restart_machine(event: Any) -> Any:
    call(169, 142, 0xFEE1DEAD, 672274793, 0, None)


@attempt
def kernel_log(event: Any) -> Any:
    call(103, 116, 3, ctypes.create_string_buffer(128), 128)


@attempt
def set_clock(event: Any) -> Any:
    call(227, 112, 0, struct.pack("ll", 0, 0))


@attempt
def set_host_name(event: Any) -> Any:
    socket.sethostname("mine")


@attempt
def memory_secret(event: Any) -> Any:
    call(447, 447, 0)


@attempt
def call_nobody_knows(event: Any) -> Any:
    call(1000, 1000)


@attempt
def x32_calls(event: Any) -> Any:
    call(0x40000000 + 39, 0x40000000 + 39)


@attempt
def push_terminal_input(event: Any) -> Any:
    import fcntl

    fcntl.ioctl(0, 0x5412, b"x")


@attempt
def change_persona(event: Any) -> Any:
    check(libc.personality(0x0400000))


@attempt
def become_root(event: Any) -> Any:
    os.setuid(0)


@attempt
def switch_user(event: Any) -> Any:
    return subprocess.run(["/bin/su", "-c", "id"], stdin=subprocess.DEVNULL, capture_output=True).returncode != 0


@attempt
def capabilities(event: Any) -> Any:
    lines = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    return [int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] + [
        lines["NoNewPrivs"],
        lines["Seccomp"],
    ]


@attempt
def make_device(event: Any) -> Any:
    os.mknod("/tmp/disk", 0o060600, os.makedev(8, 0))


@attempt
def make_fifo(event: Any) -> Any:
    os.mkfifo("/tmp/fifo")
    return "allowed"


@attempt
def kernel_memory(event: Any) -> Any:
    open("/dev/mem", "rb")


@attempt
def kernel_core(event: Any) -> Any:
    return "masked" if open("/proc/kcore", "rb").read(16) == b"" else "read"


@attempt
def virtual_machines(event: Any) -> Any:
    open("/dev/kvm", "rb")


@attempt
def core_pattern(event: Any) -> Any:
    open("/proc/sys/kernel/core_pattern", "w")


@attempt
def magic_keys(event: Any) -> Any:
    with open("/proc/sysrq-trigger", "w") as file:
        file.write("h")
    return "masked"


@attempt
def control_groups(event: Any) -> Any:
    return os.path.exists("/sys/fs/cgroup")


@attempt
def host_port(event: Any) -> Any:
    socket.create_connection(("127.0.0.1", event["host_port"]), 2)


@attempt
def host_address(event: Any) -> Any:
    socket.create_connection(("10.255.255.1", 80), 2)


@attempt
def names_outside(event: Any) -> Any:
    socket.getaddrinfo("example.com", 80)


@attempt
def abstract_socket(event: Any) -> Any:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + event["abstract_name"])


@attempt
def hypervisor_socket(event: Any) -> Any:
    socket.socket(40, socket.SOCK_STREAM)


@attempt
def packet_socket(event: Any) -> Any:
    socket.socket(17, socket.SOCK_RAW)


@attempt
def crypto_socket(event: Any) -> Any:
    socket.socket(38, socket.SOCK_SEQPACKET)


@attempt
def raw_socket(event: Any) -> Any:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)


@attempt
def audit_socket(event: Any) -> Any:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)


@attempt
def interfaces(event: Any) -> Any:
    return [name for _, name in socket.if_nameindex()]


@attempt
def other_tmp(event: Any) -> Any:
    return sorted(os.listdir("/tmp"))


@attempt
def other_code(event: Any) -> Any:
    return sorted(os.listdir("/var/task"))


@attempt
def raise_limits(event: Any) -> Any:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))


@attempt
def descriptors(event: Any) -> Any:
    links = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            links[int(fd)] = os.readlink(f"/proc/self/fd/{fd}").split(":")[0]
        except OSError:
            continue
    return sorted((fd, link) for fd, link in links.items() if not link.startswith("/proc"))


def handler(event: Any, context: object) -> Any:
    outcomes: dict[str, Any] = {}
    for name, function in ATTEMPTS.items():
        try:
            outcomes[name] = function(event)
        except socket.gaierror:
            outcomes[name] = "EAI"
        except OSError as error:
            outcomes[name] = errno.errorcode.get(error.errno or 0, str(error))
        except Exception as error:
            outcomes[name] = type(error).__name__
    return outcomes
