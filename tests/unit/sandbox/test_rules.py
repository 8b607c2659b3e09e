"""The pure rules around an environment: its life, its log lines, its failures, its variables."""

import json
from pathlib import Path

import pytest

from lambent.sandbox import failures, log_lines, variables
from lambent.sandbox.environment import Event, ImpossibleTransition, State, after
from lambent.sandbox.isolation.cgroup_layout import find_layout
from lambent.sandbox.isolation.contract import ExitStatus
from lambent.sandbox.runtimes import Dialect, Runtime, Start

LIVES = [
    [
        Event.ASSIGN,
        Event.READY,
        Event.INVOKE,
        Event.ANSWER,
        Event.FREEZE,
        Event.INVOKE,
        Event.ANSWER,
        Event.KILL,
        Event.EXIT,
    ],
    [Event.KILL, Event.EXIT],
    [Event.ASSIGN, Event.EXIT],
    [Event.ASSIGN, Event.READY, Event.INVOKE, Event.KILL, Event.KILL, Event.EXIT],
]


@pytest.mark.parametrize("events", LIVES)
def test_lives_that_may_be_lived(events: list[Event]) -> None:
    state = State.WAITING
    for event in events:
        state = after(state, event)
    assert state is State.ENDED


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.WAITING, Event.INVOKE),
        (State.IDLE, Event.ASSIGN),
        (State.BUSY, Event.INVOKE),
        (State.BUSY, Event.FREEZE),
        (State.ENDING, Event.INVOKE),
        *[(State.ENDED, event) for event in Event],
    ],
)
def test_what_cannot_happen(state: State, event: Event) -> None:
    with pytest.raises(ImpossibleTransition):
        after(state, event)


def test_log_lines() -> None:
    assert log_lines.start_line("id", "$LATEST") == b"START RequestId: id Version: $LATEST"
    assert log_lines.end_line("id") == b"END RequestId: id"
    report = log_lines.Report("id", 1.234, 128, 31)
    assert log_lines.report_line(report) == (
        b"REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 31 MB\t"
    )
    cold = log_lines.Report("id", 3000, 128, 31, init_ms=100.5, status="timeout", error_type="Sandbox.Timedout")
    assert log_lines.report_line(cold).endswith(
        b"Billed Duration: 3101 ms\tMemory Size: 128 MB\tMax Memory Used: 31 MB\tInit Duration: 100.50 ms\t"
        b"Status: timeout\tError Type: Sandbox.Timedout"
    )
    assert (
        log_lines.timeout_line("id", 1_700_000_000.25, 3)
        == b"2023-11-14T22:13:20.250Z id Task timed out after 3.00 seconds"
    )
    assert log_lines.stream_name(1_700_000_000, "$LATEST", "ab" * 16) == f"2023/11/14/[$LATEST]{'ab' * 16}"
    assert log_lines.init_report_line(9.5, "error", "Runtime.Unknown") == (
        b"INIT_REPORT Init Duration: 9.50 ms\tPhase: init\tStatus: error\tError Type: Runtime.Unknown"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ExitStatus(code=0, signal=None), "Runtime exited without providing a reason"),
        (ExitStatus(code=3, signal=None), "Runtime exited with error: exit status 3"),
        (ExitStatus(code=None, signal=9), "Runtime exited with error: signal: killed"),
        (ExitStatus(code=None, signal=11), "Runtime exited with error: signal: segmentation fault"),
        (ExitStatus(code=None, signal=40), "Runtime exited with error: signal: signal 40"),
    ],
)
def test_how_a_runtime_ended(status: ExitStatus, reason: str) -> None:
    document = json.loads(failures.exited("id", status).document())
    assert document == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: id Error: {reason}"}


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("COLOUR", False),
        ("PYTHONPATH", True),
        ("LD_PRELOAD", True),
        ("NODE_OPTIONS", True),
        ("NODE_ENV", False),
        ("AWS_LAMBDA_EXEC_WRAPPER", True),
    ],
)
def test_settings_that_need_a_fresh_process(name: str, *, needed: bool) -> None:
    assert variables.needs_fresh_process({"A": "b", name: "x"}) is needed


def test_a_wrapper_comes_before_the_runtime() -> None:
    runtime = Runtime("python3.11", Start.FORK, Dialect.FRAMES, Path("/usr/bin/python3.11"), argv=("python", "x"))
    assert variables.launch_arguments(runtime, {}) == ["python", "x"]
    assert variables.launch_arguments(runtime, {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/w"}) == ["/opt/w", "python", "x"]


HYBRID = """\
30 23 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 23 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "29 23 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
CONTAINER = "29 23 0:25 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"


def test_where_control_groups_are() -> None:
    hybrid = find_layout(HYBRID, "4:memory:/api/x\n2:cpu,cpuacct:/\n0::/\n")
    assert hybrid.v1 == {
        "memory": Path("/sys/fs/cgroup/memory/api/x"),
        "cpu": Path("/sys/fs/cgroup/cpu,cpuacct"),
    }
    assert hybrid.v2 == Path("/sys/fs/cgroup/unified")
    unified = find_layout(UNIFIED, "0::/user.slice/session-1.scope\n")
    assert (unified.v1, unified.v2, unified.v2_root) == (
        {},
        Path("/sys/fs/cgroup/user.slice/session-1.scope"),
        Path("/sys/fs/cgroup"),
    )
    inside = find_layout(CONTAINER, "4:memory:/docker/abc\n")
    assert inside.v1 == {"memory": Path("/sys/fs/cgroup/memory")}
    assert find_layout("", "") == find_layout("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "0::/\n")
