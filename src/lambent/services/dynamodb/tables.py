"""Tables: their definition as it is kept, and what the request path wants to know of it, worked out once.

A `Table` is immutable. Whoever changes a definition writes a new one under the next epoch (`table_store`); a write that
was prepared with an older epoch is prepared again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import destinations
from lambent.services.dynamodb.destinations import Destination, Destinations
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey, table_arn


class IndexStatus(StrEnum):
    #: Being filled; writes keep it up to date, reads are refused.
    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    #: Its entries are being removed; nothing reads or writes it.
    DELETING = "DELETING"


class Projection(StrEnum):
    #: Every attribute.
    ALL = "ALL"
    #: The keys of table and index.
    KEYS_ONLY = "KEYS_ONLY"
    #: The keys, and the attributes named.
    INCLUDE = "INCLUDE"


@frozen
class Throughput:
    """Provisioned capacity units a second; 0 where the table pays per request."""

    read_units: int = 0
    write_units: int = 0
    increased_ms: int = 0
    decreased_ms: int = 0
    decreases_today: int = 0


@frozen
class Index:
    index_id: int
    """0 until it is stored."""
    name: str
    schema: KeySchema
    is_global: bool
    projection: Projection
    included: tuple[str, ...] = ()
    status: IndexStatus = IndexStatus.ACTIVE
    throughput: Throughput = field(default_factory=Throughput)
    extras: Mapping[str, Any] = field(default_factory=dict)
    """OnDemandThroughput and WarmThroughput, as given."""


@frozen
class Restore:
    """Where a restored table came from."""

    backup_arn: str
    """"" of a restore to a point in time."""
    table_arn: str
    """Of the table that was backed up, or restored."""
    time_ms: int
    """Whose state it has."""
    is_in_progress: bool = True


@frozen
class Definition:
    """What is kept of a table beside its identity, as JSON."""

    uuid: str
    created_ms: int
    attributes: tuple[tuple[str, str], ...]
    """Names and types of the attribute definitions, in the order given."""
    schema: KeySchema
    indexes: tuple[Index, ...] = ()
    is_on_demand: bool = False
    on_demand_since_ms: int = 0
    """The last time it was switched to on-demand; 0: never."""
    throughput: Throughput = field(default_factory=Throughput)
    stream_view: str = ""
    """StreamViewType while the stream is enabled, "" while it is not."""
    stream_label: str = ""
    """Of the latest stream, enabled or not."""
    ttl_attribute: str = ""
    """"" while time to live is disabled."""
    is_protected: bool = False
    table_class: str = ""
    """As given; "" means STANDARD."""
    table_class_since_ms: int = 0
    sse: Mapping[str, Any] = field(default_factory=dict)
    """SSESpecification as given."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """OnDemandThroughput and WarmThroughput, as given."""
    tags: Mapping[str, str] = field(default_factory=dict)
    recovery_days: int = 0
    """RecoveryPeriodInDays while point in time recovery is enabled, 0 while it is not."""
    recovery_since_ms: int = 0
    """When it was enabled."""
    is_copied: bool = False
    """A backup or a restore is copying its items as they were at an earlier moment."""
    restore: Restore | None = None
    is_importing: bool = False
    """It is being filled out of a bucket."""
    destinations: Destinations = ()
    """Where its changes go, or went, the latest first."""


#: A tag that makes Lambent refuse what exceeds the provisioned throughput, so that clients' back-off can be tested.
THROTTLE_TAG = "lambent:throttle"


@dataclass(frozen=True)
class Table:
    table_id: int
    epoch: int
    key: TableKey
    definition: Definition

    @property
    def name(self) -> str:
        return self.key.name

    @cached_property
    def arn(self) -> str:
        return table_arn(self.key)

    @cached_property
    def schema(self) -> KeySchema:
        return self.definition.schema

    @cached_property
    def key_names(self) -> tuple[str, ...]:
        return self.definition.schema.names

    @cached_property
    def indexes(self) -> tuple[Index, ...]:
        """Those that writes keep up to date."""
        return tuple(index for index in self.definition.indexes if index.status is not IndexStatus.DELETING)

    @cached_property
    def local_indexes(self) -> tuple[Index, ...]:
        return tuple(index for index in self.definition.indexes if not index.is_global)

    @cached_property
    def global_indexes(self) -> tuple[Index, ...]:
        return tuple(index for index in self.definition.indexes if index.is_global)

    @cached_property
    def ttl_attribute(self) -> str:
        return self.definition.ttl_attribute

    @cached_property
    def stream_view(self) -> str:
        return self.definition.stream_view

    @cached_property
    def destination(self) -> Destination | None:
        """The Kinesis data stream that changes go to."""
        return destinations.active(self.definition.destinations)

    @cached_property
    def records_changes(self) -> bool:
        """Does anybody read them?"""
        return bool(self.stream_view) or self.destination is not None

    @cached_property
    def keeps_past(self) -> bool:
        """Do writes keep what items were before?"""
        return self.definition.recovery_days > 0 or self.definition.is_copied

    @cached_property
    def is_filling(self) -> bool:
        """It has not got all its items yet: it can be described, and nothing else."""
        restore = self.definition.restore
        return self.definition.is_importing or (restore is not None and restore.is_in_progress)

    @cached_property
    def stream_arn(self) -> str:
        """Of the latest stream; "" if there never was one."""
        label = self.definition.stream_label
        return f"{self.arn}/stream/{label}" if label else ""

    @cached_property
    def is_throttled(self) -> bool:
        return not self.definition.is_on_demand and self.definition.tags.get(THROTTLE_TAG) == "on"

    def index(self, name: str) -> Index | None:
        return next((index for index in self.definition.indexes if index.name == name), None)
