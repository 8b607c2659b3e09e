"""Whatever is configured, whatever fails, wherever it is restarted: every record that was committed and is wanted
reaches the function or the failure destination, in order per key.

Random options, records and failures; between any two steps everything may be cancelled where it stands and started
again on the same directory.
"""

import asyncio
import contextlib
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.event_source_mappings.stage import BUCKET_ARN, Bucket, Event, Function, Stage, Stream, stage
from lambent.delivery.outcomes import NewObject
from lambent.kit.clock import VirtualClock

#: A value of that many and more fails for ever.
FOREVER = 4
UNWANTED = "unwanted"

Options = dict[str, Any]
Step = tuple[str, Any]

_options = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 5),
        "batching_window_seconds": st.sampled_from([0, 0, 3]),
        "bisects": st.booleans(),
        "reports_item_failures": st.booleans(),
        "max_retries": st.sampled_from([-1, 0, 1, 3]),
        "max_record_age_seconds": st.sampled_from([-1, -1, 60]),
        "parallelization": st.integers(1, 4),
        "tumbling_window_seconds": st.sampled_from([0, 0, 30]),
    }
)
_record = st.tuples(st.sampled_from("abc"), st.sampled_from([0, 0, 0, 0, 1, 2, FOREVER]), st.booleans())
_step = st.one_of(
    st.tuples(st.just("put"), st.lists(_record, min_size=1, max_size=8)),
    st.tuples(st.just("put"), st.lists(_record, min_size=1, max_size=8)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 1.0, 40.0])),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("split"), st.sampled_from([1, 2])),
    st.tuples(st.just("change"), _options),
)


@dataclass
class World:
    """What outlives a restart: the stream's shards, what fails how often, and what came of every value."""

    stream: Stream = field(default_factory=lambda: Stream.of(1))
    clock: VirtualClock = field(default_factory=VirtualClock)
    failures: dict[int, int] = field(default_factory=dict)
    keys: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Wanted values, in the order they were committed."""
    outcomes: list[tuple[str, int]] = field(default_factory=list)
    """(delivered or discarded, value), in the order it happened."""
    shards: int = 1
    count: int = 0
    reports: bool = False

    async def behave(self, event: Event) -> Any:
        """Handles records one after the other; the first that fails ends it."""
        await asyncio.sleep(0)
        handled: list[int] = []
        for record in event["Records"]:
            value = record["value"]
            if self.failures.get(value):
                self.failures[value] -= self.failures[value] < FOREVER
                if not self.reports:
                    raise ValueError(f"{value} fails")
                self.outcomes += [("delivered", one) for one in handled]
                return {"state": {}, "batchItemFailures": [{"itemIdentifier": record["sequenceNumber"]}]}
            handled.append(value)
        self.outcomes += [("delivered", one) for one in handled]
        return {"state": {"seen": len(handled)}}

    async def put(self, scene: Stage, records: list[tuple[str, int, bool]]) -> None:
        made: list[tuple[str, Any]] = []
        for key, failures, is_wanted in records:
            self.count += 1
            if is_wanted:
                self.failures[self.count] = failures
                self.keys[key].append(self.count)
            made.append((key, self.count if is_wanted else UNWANTED))
        await scene.put_records(made)

    def check(self) -> None:
        first: dict[int, int] = {}
        for place, (_, value) in enumerate(self.outcomes):
            first.setdefault(value, place)
        for key, values in self.keys.items():
            assert [value for value in values if value not in first] == [], f"{key} lost"
            delivered = [value for value in values if self.outcomes[first[value]][0] == "delivered"]
            assert sorted(delivered, key=first.__getitem__) == delivered, f"{key} out of order"
        assert set(first) == {value for values in self.keys.values() for value in values}


class ReportingBucket(Bucket):
    world: World

    async def put(self, put: NewObject) -> None:
        before = len(self.values)
        await super().put(put)
        self.world.outcomes += [("discarded", value) for value in self.values[before:]]


async def play(directory: Path, options: Options, steps: list[Step]) -> World:
    world = World(reports=options["reports_item_failures"])
    function = Function(world.behave)
    bucket = ReportingBucket()
    bucket.world = world
    async with contextlib.AsyncExitStack() as stack:

        async def enter() -> Stage:
            return await stack.enter_async_context(
                stage(directory, stream=world.stream, clock=world.clock, function=function, bucket=bucket)
            )

        scene = await enter()
        uuid = await scene.create(
            on_failure=BUCKET_ARN, filters=(f'{{"value": [{{"anything-but": "{UNWANTED}"}}]}}',), **options
        )
        for name, argument in steps:
            if name == "put":
                await world.put(scene, argument)
            elif name == "wait":
                await asyncio.sleep(0.002)
                await world.clock.advance(argument)
            elif name == "restart":
                await stack.aclose()
                scene = await enter()
            elif name == "split":
                parent = next(shard for shard in world.stream.shards if not shard.is_closed)
                children = [f"shard-{world.shards + number}" for number in range(argument)]
                world.shards += argument
                await scene.split(parent.shard_id, *children)
            else:
                # how the function answers stays as it is
                await scene.change(uuid, **{**argument, "reports_item_failures": world.reports})
        # what fails for ever may be tried until the source forgets it, a day later
        await scene.advance_until(lambda: scene.is_settled(uuid) and scene.is_reported(), step=1800)
    return world


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_options, st.lists(_step, min_size=1, max_size=10))
def test_every_record_arrives_in_order_or_is_reported(options: Options, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(Path(directory), options, steps)).check()
