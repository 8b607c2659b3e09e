"""Schedules against a model: never twice, never lost, whatever is done in whatever order.

The model knows each schedule's times by plain arithmetic. The platform is stopped at any moment (also while it fires),
stays down for a while, is started again; schedules are made, changed and deleted; the target refuses for a while. In
the end what was sent is exactly what the model says: every time once, and after a downtime the first that was missed.
"""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from delivery.schedule_stage import CALLER, TARGET, Outside, Stage, clock_at, stage

START = "2026-03-01T10:00:00"


@dataclass
class Expected:
    """One schedule as the model sees it; times in whole seconds."""

    period: int
    """0: one time."""
    following: int | None

    def passes(self, now: int, *, is_down: bool) -> list[int]:
        """The times that come by `now`."""
        times = []
        while self.following is not None and self.following <= now:
            times.append(self.following)
            missed = (now - self.following) // self.period if self.period and is_down else 0
            self.following = self.following + (missed + 1) * self.period if self.period else None
        return times


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.outside = Outside(clock_at(START))
        self.stack = contextlib.AsyncExitStack()
        self.stage = self.start()
        self.schedules: dict[str, Expected] = {}
        self.expected: list[tuple[str, int]] = []
        self.made = 0

    def start(self) -> Stage:
        entered = self.stack.enter_async_context(stage(Path(self.folder.name), self.outside))
        return self.runner.run(entered)

    @property
    def now(self) -> int:
        return round(self.outside.clock.now())

    def pass_model(self, *, is_down: bool) -> None:
        for name, schedule in self.schedules.items():
            self.expected += [(name, time) for time in schedule.passes(self.now, is_down=is_down)]

    @rule(period=st.sampled_from([0, 1, 2, 5]), delay=st.integers(1, 300))
    def create(self, period: int, delay: int) -> None:
        self.made += 1
        self.put("create", f"s{self.made}", period, delay)

    @precondition(lambda self: self.schedules)
    @rule(data=st.data(), period=st.sampled_from([0, 3]), delay=st.integers(1, 300))
    def update(self, data: st.DataObject, period: int, delay: int) -> None:
        self.put("update", data.draw(st.sampled_from(sorted(self.schedules))), period, delay)

    def put(self, operation: str, name: str, period: int, delay: int) -> None:
        first = self.now + delay
        text = datetime.fromtimestamp(first, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        expression = f"rate({period} minutes)" if period else f"at({text})"
        more = {"StartDate": text} if period else {}
        self.runner.run(getattr(self.stage, operation)(name, expression, **more))
        self.schedules[name] = Expected(period * 60, first)

    @precondition(lambda self: self.schedules)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.schedules)))
        self.runner.run(self.stage.operations.delete_schedule(CALLER, {"Name": name}))
        del self.schedules[name]

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.stage.pass_time(seconds))
        self.pass_model(is_down=False)

    @rule()
    def stop_at_the_next_due_time(self) -> None:
        """While it fires, or just before."""
        times = [one.following for one in self.schedules.values() if one.following is not None]
        pause = min(times, default=self.now + 1) - self.now
        self.runner.run(self.outside.clock.advance(pause))
        self.restart(0)

    @rule(seconds=st.integers(0, 1_000))
    def restart(self, seconds: int) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.run(self.outside.clock.advance(seconds))
        self.stack = contextlib.AsyncExitStack()
        self.stage = self.start()
        self.runner.run(self.stage.settle())
        self.pass_model(is_down=True)

    @rule()
    def target_refuses(self) -> None:
        self.outside.refusing.add(TARGET)

    @rule()
    def target_recovers(self) -> None:
        self.outside.refusing.clear()

    def teardown(self) -> None:
        try:
            self.outside.refusing.clear()
            self.time_passes(1_000)  # longer than the longest pause between two attempts
            assert sorted(self.sent()) == sorted(self.expected)
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()
            self.folder.cleanup()

    def sent(self) -> list[tuple[str, int]]:
        found = [body.split() for body in self.stage.bodies()]
        return [(name, round(datetime.fromisoformat(time).timestamp())) for name, time in found]


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
