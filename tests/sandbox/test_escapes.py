"""The escape corpus: a function tries everything, fails with the errno we expect, and the platform stays healthy."""

import asyncio
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.contract import IsolationUnavailable, Level
from lambent.sandbox.pool import PoolSettings
from sandbox import escape_attempts
from sandbox.pools import Scene, running_pool

#: Covered by the null device, or not in this kernel at all.
MASKED = ("masked", "ENOENT")
#: Not allowed to be root, or there is no root in this user namespace.
NO_ROOT = ("EPERM", "EINVAL")

EXPECTED: dict[str, Any] = {
    "read_shadow": "ENOENT",
    "read_host_file": "ENOENT",
    "list_host_directories": [],
    "who_else_is_in_passwd": ["root", "sbx_user1051"],
    "host_environment": [],
    "first_process": "",
    "other_processes": [1, 2],
    "kill_host_process": "ESRCH",
    "look_through_other_roots": True,
    "write_root": "EROFS",
    "write_usr": "EROFS",
    "write_etc": "EROFS",
    "write_task": "EROFS",
    "write_runtime": "EROFS",
    "mount_tmpfs": "EPERM",
    "remount_root_writable": "EPERM",
    "unmount_proc": "EPERM",
    "new_mount_interface": "EPERM",
    "open_tree": "EPERM",
    "pivot": "EPERM",
    "change_root": "EPERM",
    "unshare_user": "EPERM",
    "unshare_mounts": "EPERM",
    "clone_user": "EPERM",
    "clone3": "ENOSYS",
    "enter_first_namespace": "EPERM",
    "trace_first_process": "EPERM",
    "ask_to_be_traced": "EPERM",
    "read_other_memory": "EPERM",
    "take_descriptor": "EPERM",
    "kernel_keys": "EPERM",
    "add_key": "EPERM",
    "bpf": "EPERM",
    "perf_events": "EPERM",
    "io_uring": "ENOSYS",
    "userfaultfd": "EPERM",
    "open_by_handle": "EPERM",
    "load_module": "EPERM",
    "restart_machine": "EPERM",
    "kernel_log": "EPERM",
    "set_clock": "EPERM",
    "set_host_name": "EPERM",
    "memory_secret": "EPERM",
    "call_nobody_knows": "ENOSYS",
    "x32_calls": "ENOSYS",
    "push_terminal_input": "EPERM",
    "change_persona": "EPERM",
    "become_root": NO_ROOT,
    "switch_user": True,
    "capabilities": [0, 0, 0, 0, 0, "1", "2"],
    "make_device": "EPERM",
    "make_fifo": "allowed",
    "kernel_memory": "ENOENT",
    "kernel_core": MASKED,
    "virtual_machines": "ENOENT",
    "core_pattern": "EACCES",
    "magic_keys": MASKED,
    "control_groups": False,
    "host_port": "ECONNREFUSED",
    "host_address": "ENETUNREACH",
    "names_outside": "EAI",
    "abstract_socket": "ECONNREFUSED",
    "hypervisor_socket": "EAFNOSUPPORT",
    "packet_socket": "EAFNOSUPPORT",
    "crypto_socket": "EAFNOSUPPORT",
    "raw_socket": "EPERM",
    "audit_socket": "EPROTONOSUPPORT",
    "interfaces": ["lo"],
    "other_tmp": ["fifo"],
    "other_code": ["app.py"],
    "raise_limits": "ValueError",
    "descriptors": [[0, "/dev/null"], [1, "pipe"], [2, "pipe"], [3, "socket"]],
}


def test_every_attempt_fails_as_expected_and_the_platform_stays_healthy(tmp_path: Path) -> None:
    os.environ["LAMBENT_TEST_SECRET"] = "of the host"
    try:
        asyncio.run(_attempt_everything(tmp_path, None))
    finally:
        del os.environ["LAMBENT_TEST_SECRET"]


async def _attempt_everything(directory: Path, level: Level | None) -> None:
    settings = PoolSettings(waiting_per_runtime=1, isolation=IsolationPolicy(level=level))
    async with running_pool(directory, settings) as scene:
        await _leave_something_to_find(scene)
        host_file = directory / "secret"
        host_file.write_text("of the host")
        host_file.chmod(0o644)
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(socket.AF_UNIX) as abstract:
            name = f"lambent-test-{os.getpid()}"
            abstract.bind("\0" + name)
            abstract.listen()
            event = {
                "host_file": str(host_file),
                "host_pid": os.getpid(),
                "host_port": listening.getsockname()[1],
                "abstract_name": name,
            }
            source = Path(escape_attempts.__file__).read_text()
            spec = scene.function("fugitive", source, memory_mb=512, timeout_seconds=20)
            outcomes = await scene.result(spec, event)
        assert outcomes.keys() == EXPECTED.keys()
        different = {name: got for name, got in outcomes.items() if not _is_expected(got, EXPECTED[name])}
        assert different == {}, f"expected otherwise: {different}"
        healthy = scene.function("healthy", "def handler(event, context):\n    return 'fine'\n")
        assert await scene.result(healthy) == "fine"
        assert {info.state for info in scene.pool.snapshot()} <= {"idle", "waiting", "frozen"}


def _is_expected(got: Any, expected: Any) -> bool:
    return got in expected if isinstance(expected, tuple) else got == expected


async def _leave_something_to_find(scene: Scene) -> None:
    source = "def handler(event, context):\n    open('/tmp/secret', 'w').write('mine')\n    return 'left'\n"
    assert await scene.result(scene.function("neighbour", source)) == "left"


def test_the_same_as_an_ordinary_user(tmp_path: Path) -> None:
    """This file once more, as a user who owns nothing: by unprivileged user namespaces."""
    if os.geteuid() != 0:
        pytest.skip("we already are an ordinary user: the other test is this one")
    interpreter = _interpreter_for_everybody()
    if interpreter is None:
        pytest.skip("no interpreter of this version that an ordinary user may execute")
    directory = tmp_path / "ordinary"
    directory.mkdir()
    for parent in (directory, *directory.parents):
        if parent != Path("/") and parent.is_relative_to(tmp_path.parents[2]):
            parent.chmod(0o755)
    os.chown(directory, 65001, 65001)
    result = subprocess.run(
        [interpreter, "-B", __file__, str(directory)],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": "/usr/bin:/bin", "HOME": str(directory)},
        user=65001,
        group=65001,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    if result.returncode == 77:
        pytest.skip(f"ordinary users may not make namespaces here: {result.stdout.strip()}")
    assert result.returncode == 0, result.stdout + result.stderr


def _interpreter_for_everybody() -> str | None:
    """The one that runs us may live where only root may look."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        asked = [candidate, "-c", "import ctypes, ssl"]
        try:
            if subprocess.run(asked, user=65001, group=65001, cwd="/", capture_output=True).returncode == 0:
                return candidate
        except OSError:
            continue
    return None


if __name__ == "__main__":
    assert platform.system() == "Linux"
    try:
        asyncio.run(_attempt_everything(Path(sys.argv[1]), Level.USERNS))
    except IsolationUnavailable as unavailable:
        print(unavailable)
        sys.exit(77)
