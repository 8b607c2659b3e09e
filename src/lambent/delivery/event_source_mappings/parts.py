"""What the shells of event source mappings work with, and the places of a mapping for people who look."""

from collections.abc import Callable
from dataclasses import field
from typing import Any, Protocol

from lambent.delivery.event_source_mappings.sources import FindSource
from lambent.delivery.parcels import Parcels
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen, mutable
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter
from lambent.sandbox.types import Outcome
from lambent.services.happenings import Happenings
from lambent.services.lambda_.invoker import Address
from lambent.storage.database import Database


class Functions(Protocol):
    """`lambda_.invoker.Invoker`."""

    async def invoke(
        self, address: Address, *, request_id: str, payload: bytes, trace_id: str = ..., source: str = ...
    ) -> Outcome:
        """Raises ResourceNotFound, TooManyRequests, RecursiveInvocation."""
        ...


@frozen
class MappingParts:
    database: Database
    functions: Functions
    parcels: Parcels
    find_source: FindSource
    happenings: Happenings
    meter: Meter
    clock: Clock
    ids: Ids
    jitter: Callable[[], float]
    """From 0 to 1: spreads retries."""


@mutable
class LaneStanding:
    """One lane since the process began; the iterator age is that of the last record that reached the function."""

    position: int = 0
    iterator_age_ms: int | None = None
    invocations: int = 0
    errors: int = 0
    records: int = 0
    discarded: int = 0


@mutable
class MappingStanding:
    """Kept in memory only, but for the last result, which has a column."""

    uuid: str
    last_result: str
    lanes: dict[tuple[str, int], LaneStanding] = field(default_factory=dict)
    """By (shard id, lane)."""

    def document(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "lastProcessingResult": self.last_result,
            "lanes": [
                {
                    "shardId": shard_id,
                    "lane": lane,
                    "position": one.position,
                    "iteratorAgeMs": one.iterator_age_ms,
                    "invocations": one.invocations,
                    "errors": one.errors,
                    "records": one.records,
                    "discarded": one.discarded,
                }
                for (shard_id, lane), one in sorted(self.lanes.items())
            ],
        }


@mutable
class QueueStanding:
    """A mapping over a queue, since the process began; as `MappingStanding`."""

    uuid: str
    last_result: str
    running: int = 0
    """Batches that are with the function now."""
    invocations: int = 0
    errors: int = 0
    refused: int = 0
    """Invocations that did not come to the function."""
    records: int = 0
    filtered: int = 0
    """Messages that no filter wanted."""

    def document(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "lastProcessingResult": self.last_result,
            "lanes": [],
            "queue": {
                "running": self.running,
                "invocations": self.invocations,
                "errors": self.errors,
                "refused": self.refused,
                "records": self.records,
                "filtered": self.filtered,
            },
        }
