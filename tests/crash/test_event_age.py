"""kill -9 while an asynchronous event waits for its retry: it has become too old by the time the platform is back.

MaximumEventAgeInSeconds is 60 at least, so the later lives run in this process, by a clock that is ahead.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lambent.app import Platform
from lambent.kit.clock import SystemClock
from lambent.services.lambda_ import queue_store
from lambent.settings import DEFAULT_ACCOUNT_ID, Settings
from lambent.storage.transaction import Transaction
from platform_process import PlatformProcess
from zips import zipped

PATIENCE_SECONDS = 20.0
AGE_SECONDS = 60
RETRY_DELAYS = (30.0, 300.0)
SOURCE = "def handler(event, context):\n    raise ValueError('try again')\n"


class ClockAhead(SystemClock):
    """The time it will be `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds

    def now_ms(self) -> int:
        return super().now_ms() + round(self._seconds * 1000)


@dataclass(frozen=True, slots=True)
class Queue:
    """By the name of the function."""

    failed: dict[str, int]
    """Attempts so far of what waits."""
    discarded: dict[str, tuple[str, int]]
    """Why, and after how many attempts."""

    @classmethod
    def read(cls, tx: Transaction) -> "Queue":
        waiting = queue_store.invocations_after(tx, 0, 10)
        discards = queue_store.latest_discards(tx, DEFAULT_ACCOUNT_ID, 10)
        return cls(
            {name_of(one.function_arn): one.errors for one in waiting},
            {name_of(one.function_arn): (one.reason, one.attempts) for one in discards},
        )


def name_of(function_arn: str) -> str:
    return function_arn.split(":")[6]


def accept_and_kill(data: Path) -> None:
    """One event to a function that gives up on old ones, one to another; both have failed once."""
    with PlatformProcess.started(data) as platform:
        functions = platform.client("lambda")
        for name, age in (("impatient", AGE_SECONDS), ("patient", 6 * 3600)):
            functions.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Handler="app.handler",
                Role="arn:aws:iam::000000000000:role/r",
                Code={"ZipFile": zipped({"app.py": SOURCE})},
            )
            functions.get_waiter("function_active_v2").wait(FunctionName=name)
            functions.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=age)
            functions.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
        logs = platform.client("logs")
        for name in ("impatient", "patient"):
            eventually(lambda name=name: reports(logs, name))  # type: ignore[misc]  # bound
        platform.kill()


def eventually(look: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def reports(logs: Any, function: str) -> Any:
    try:
        return logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="REPORT")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []


async def look_after(data: Path, seconds: float, *, decided: Callable[[Queue], bool]) -> Queue:
    """The queue of a platform that starts so much later, as soon as it has decided."""
    settings = Settings(data, port=0, retry_delays_seconds=RETRY_DELAYS)
    async with Platform.started(settings, clock=ClockAhead(seconds)) as platform:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not decided(queue := platform.parts.database.read(Queue.read)):
            assert time.monotonic() < deadline, queue
            await asyncio.sleep(0.02)
        return queue


@pytest.mark.slow
def test_the_age_of_an_event_counts_on_while_nobody_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", ",".join(map(str, RETRY_DELAYS)))
    accept_and_kill(tmp_path)

    early = asyncio.run(look_after(tmp_path, RETRY_DELAYS[0] / 3, decided=lambda _: True))
    assert early == Queue(failed={"impatient": 1, "patient": 1}, discarded={})

    late = asyncio.run(look_after(tmp_path, AGE_SECONDS + 1, decided=lambda queue: queue.failed == {"patient": 2}))
    assert late.discarded == {"impatient": ("EventAgeExceeded", 1)}
