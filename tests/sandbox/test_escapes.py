"""The escape corpus: a function tries everything, fails with the errno we expect, and the platform stays healthy."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

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
        asyncio.run(_attempt_everything(tmp_path))
    finally:
        del os.environ["LAMBENT_TEST_SECRET"]


async def _attempt_everything(directory: Path) -> None:
    async with running_pool(directory) as scene:
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
