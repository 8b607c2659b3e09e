"""The edge where functions run: in place of the sandbox pool, Python that decides by the records of an event.

A record has a fate drawn when it was made: it is handled, fails so many times before it is, or fails for ever; failing
is to raise, to run out of time, to crash, or to find no environment to run in. What came of it is written down here
and outlives restarts.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import orjson

from delivery.conservation.records import Document, first_of, names_in
from lambent.kit.clock import Clock
from lambent.sandbox.isolation.contract import ChildFailed
from lambent.sandbox.types import EnvironmentInfo, FunctionSpec, Invocation, Outcome

FOREVER = 1_000_000

#: A function of that ending does the work of the one without it, and its books are the same.
RELIEF = "-relief"


class Failing(Enum):
    #: The handler raises.
    ERROR = "error"
    #: The function runs into its timeout.
    TIMEOUT = "timeout"
    #: The environment dies.
    CRASH = "crash"
    #: No environment can be made: not the function's fault.
    FAULT = "fault"


@dataclass
class Fate:
    failing: Failing = Failing.ERROR
    times: int = 0
    """How often it fails before it is handled, in each line."""


@dataclass
class Edge:
    """What functions do, and what became of it; outlives the platform."""

    clock: Clock
    random: random.Random
    fates: dict[str, Fate] = field(default_factory=dict)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(function or URL, name) -> how often it has failed so far."""
    handled: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Function or URL -> what it handled, in the order it did."""
    running: int = 0
    invocations: Counter[str] = field(default_factory=Counter)
    """What they came to."""

    async def run(self, spec: FunctionSpec, event: Document) -> Outcome:
        answers, names = spec.environment["ANSWERS"], names_in(event.get("Records", event))
        line = spec.name.removesuffix(RELIEF)
        if answers == "reports":
            return await self._run_one_by_one(line, spec, event["Records"])
        if answers == "always":
            return self._succeed(f"{line} of {teller(event)}", names_in(event["requestPayload"]), None)
        for name in names:
            failing = self.fails_at(line, name)
            if failing is not None:
                return await self._fail(spec, failing)
        return self._succeed(line, names, {"state": {"last": names[-1:]}} if answers == "state" else None)

    def fails_at(self, line: str, name: str) -> Failing | None:
        """And then that is one time less."""
        fate = self.fates[first_of(name)]
        if self.failures[line, name] >= fate.times:
            return None
        self.failures[line, name] += 1
        return fate.failing

    async def _run_one_by_one(self, line: str, spec: FunctionSpec, records: list[Document]) -> Outcome:
        """Of what is ordered, nothing behind a failure is looked at: of a shard, or of a message group."""
        done: list[str] = []
        failed: list[str] = []
        stopped: set[str] = set()
        for record in records:
            (name,) = names_in(record)
            order = _order_of(record)
            if order and order in stopped:
                continue
            failing = self.fails_at(line, name)
            if failing is None:
                done.append(name)
            elif failing is Failing.ERROR:
                failed.append(_identifier(record))
                stopped.add(order)
            else:
                return await self._fail(spec, failing)
        return self._succeed(line, done, {"batchItemFailures": [{"itemIdentifier": one} for one in failed]})

    async def take_time(self, spec: FunctionSpec) -> None:
        """Mostly none; a crash of the platform may come in any of it."""
        await asyncio.sleep(0)
        if self.random.random() < 0.2:
            await self.clock.sleep(self.random.choice((0.05, 0.5, spec.timeout_seconds / 2)))

    async def _fail(self, spec: FunctionSpec, failing: Failing) -> Outcome:
        self.invocations[failing.value] += 1
        match failing:
            case Failing.ERROR:
                return _failure("no", "ValueError")
            case Failing.CRASH:
                return _failure("RequestId: 1 Error: Runtime exited with error: exit status 1", "Runtime.ExitError")
            case Failing.FAULT:
                raise ChildFailed("no environment")
        await self.clock.sleep(spec.timeout_seconds)
        return _failure(f"Task timed out after {spec.timeout_seconds}.00 seconds", "Sandbox.Timedout")

    def _succeed(self, line: str, names: list[str], answer: Document | None) -> Outcome:
        self.invocations["partial" if answer and answer.get("batchItemFailures") else "ok"] += 1
        self.handled[line] += names
        return Outcome(orjson.dumps(answer), None, b"", None, 1.0, 10)


@dataclass
class Door:
    """The edge as one life of the platform sees it: `sandbox.pool.Pool`, as far as the rest of the platform knows it.

    It closes with a cut, since the parts of a life need a few turns of the event loop to find out that it is over.
    """

    edge: Edge
    is_closed: bool = False

    async def invoke(self, spec: FunctionSpec, invocation: Invocation) -> Outcome:
        self.edge.running += 1
        try:
            await self.edge.take_time(spec)
            if self.is_closed:
                await asyncio.get_running_loop().create_future()
            return await self.edge.run(spec, orjson.loads(invocation.payload))
        finally:
            self.edge.running -= 1

    def supported_runtimes(self) -> Mapping[str, str]:
        return {"python3.11": ""}

    def prepare(self, runtime: str) -> None:
        """There is nothing to get ready."""

    async def retire(self, arn: str, *, keep_revision: str | None) -> None:
        """There are no environments."""

    def snapshot(self) -> list[EnvironmentInfo]:
        return []


def teller(record: Document) -> str:
    """The function that an invocation record is about."""
    return str(record["requestContext"]["functionArn"].split(":")[6].removesuffix(RELIEF))


def _failure(message: str, kind: str) -> Outcome:
    payload = orjson.dumps({"errorMessage": message, "errorType": kind})
    return Outcome(payload, "Unhandled", b"", None, 1.0, 10)


def _identifier(record: Document) -> str:
    if "kinesis" in record:
        return str(record["kinesis"]["sequenceNumber"])
    if "dynamodb" in record:
        return str(record["dynamodb"]["SequenceNumber"])
    return str(record["messageId"])


def _order_of(record: Document) -> str:
    """What must stay in order behind a record that fails; "" where nothing must."""
    if "messageId" in record:
        return str(record["attributes"].get("MessageGroupId", ""))
    return "shard"
