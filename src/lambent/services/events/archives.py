"""Archives and replays: what they are, and what CreateArchive and StartReplay take.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
"""

from collections.abc import Sequence
from enum import Enum

from lambent.kit.frozen import frozen
from lambent.services.events.names import BusKey, ResourceKey

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: "10 active concurrent replays".
MAX_REPLAYS = 10

DAY_MS = 86_400_000


@frozen
class Archive:
    key: ResourceKey
    archive_id: int
    """0 until it is stored."""
    bus: str
    pattern: str
    """"": every event."""
    description: str
    retention_days: int
    """0: for ever."""
    created_ms: int
    event_count: int = 0
    size_bytes: int = 0

    @property
    def bus_key(self) -> BusKey:
        return BusKey(self.key.account_id, self.key.region, self.bus)


class ReplayState(Enum):
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    #: Its archive was deleted.
    FAILED = "FAILED"


#: States in which there is still something to do.
ACTIVE = (ReplayState.STARTING, ReplayState.RUNNING, ReplayState.CANCELLING)


@frozen
class Replay:
    key: ResourceKey
    archive_id: int
    archive: str
    bus: str
    rules: Sequence[str]
    """ARNs; all rules of the bus if there are none."""
    description: str
    state: ReplayState
    first_ms: int
    end_ms: int
    """Not included."""
    time_ms: int
    """The last event that was replayed, and the next one, where it stands; -1 before the first."""
    position: int
    started_ms: int
    ended_ms: int | None

    @property
    def bus_key(self) -> BusKey:
        return BusKey(self.key.account_id, self.key.region, self.bus)
