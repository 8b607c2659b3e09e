"""Streams: what one is set to, and what may be asked of it.

Service quotas: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from lambent.kit.frozen import frozen
from lambent.services.kinesis import records, shards
from lambent.services.kinesis.errors import InvalidArgument, LimitExceeded, ValidationException
from lambent.services.kinesis.names import ConsumerKey, StreamKey, consumer_arn, stream_arn
from lambent.services.kinesis.shards import Shard

HOUR_MS = 3_600_000
MIN_RETENTION_HOURS = 24
MAX_RETENTION_HOURS = 8760

#: Shards of a new on-demand stream.
ON_DEMAND_SHARDS = 4
#: Of all streams of an account in a Region: the default in the large Regions.
SHARD_LIMIT = 20_000
#: AWS starts with 50 and raises it on request.
ON_DEMAND_STREAM_LIMIT = 1_000
#: API Reference, UpdateShardCount: "Scale up to more than 10000 shards in a stream".
MAX_TARGET_SHARDS = 10_000
#: API Reference, RegisterStreamConsumer, for on-demand standard and provisioned streams.
MAX_CONSUMERS = 20
MAX_TAGS = 50

#: A tag that makes Lambent refuse what exceeds the throughput of a shard, so that clients' back-off can be tested.
THROTTLE_TAG = "lambent:throttle"

ALL_METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)


class Mode(Enum):
    """Values are AWS's."""

    #: So many shards as somebody said.
    PROVISIONED = "PROVISIONED"
    #: Shards are the service's business.
    ON_DEMAND = "ON_DEMAND"


class Distribution(Enum):
    """Which shard a record belongs to; values are AWS's."""

    #: The one that covers the hash of its partition key.
    BY_KEY = "USER_PARTITION_KEY"
    #: Any.
    AUTO = "AUTO"


@frozen
class Settings:
    mode: Mode
    retention_hours: int = MIN_RETENTION_HOURS
    max_record_kib: int = records.DEFAULT_MAX_KIB
    metrics: tuple[str, ...] = ()
    """Of enhanced monitoring."""
    key_id: str = ""
    """Of KMS; "": not encrypted."""
    distribution: Distribution = Distribution.BY_KEY
    warm_mibps: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""


@dataclass(frozen=True)
class Stream:
    stream_id: int
    key: StreamKey
    epoch: int
    """Grows with every change of its shards or settings."""
    created_ms: int
    settings: Settings

    @cached_property
    def arn(self) -> str:
        return stream_arn(self.key)

    @cached_property
    def is_throttled(self) -> bool:
        return self.settings.tags.get(THROTTLE_TAG) == "on"

    @property
    def retention_ms(self) -> int:
        return self.settings.retention_hours * HOUR_MS


@dataclass(frozen=True)
class StreamView:
    """A stream with all its shards, as of one commit."""

    stream: Stream
    shards: tuple[Shard, ...]
    """Those that are left, by index."""

    @cached_property
    def open_shards(self) -> tuple[Shard, ...]:
        """By hash keys."""
        return tuple(sorted((one for one in self.shards if not one.is_closed), key=lambda one: one.hashes.first))

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        return tuple(one.hashes.first for one in self.open_shards)

    @cached_property
    def by_id(self) -> Mapping[str, Shard]:
        return {one.shard_id: one for one in self.shards}

    def owner_of(self, hash_key: int) -> Shard:
        return shards.owner_of(self.open_shards, self.firsts, hash_key)


@frozen
class Consumer:
    """A registered consumer: enhanced fan-out."""

    key: ConsumerKey
    stream_id: int
    created_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""

    @property
    def arn(self) -> str:
        return consumer_arn(self.key)


def raised_retention(stream: Stream, hours: int) -> int:
    """IncreaseStreamRetentionPeriod. Raises InvalidArgument."""
    _check_retention(hours)
    current = stream.settings.retention_hours
    if hours < current:
        raise InvalidArgument(
            f"Requested retention period ({hours} hours) for stream {stream.key.name} can not be shorter than existing "
            f"retention period ({current} hours). Use DecreaseRetentionPeriod API."
        )
    return hours


def lowered_retention(stream: Stream, hours: int) -> int:
    """DecreaseStreamRetentionPeriod. Raises InvalidArgument."""
    _check_retention(hours)
    current = stream.settings.retention_hours
    if hours > current:
        raise InvalidArgument(
            f"Requested retention period ({hours} hours) for stream {stream.key.name} can not be longer than existing "
            f"retention period ({current} hours). Use IncreaseRetentionPeriod API."
        )
    return hours


def _check_retention(hours: int) -> None:
    """The range comes first, in both directions (so AWS answers: the tests of kinesalite were run against it)."""
    if hours < MIN_RETENTION_HOURS:
        raise InvalidArgument(
            f"Minimum allowed retention period is {MIN_RETENTION_HOURS} hours. Requested retention period "
            f"({hours} hours) is too short."
        )
    if hours > MAX_RETENTION_HOURS:
        raise InvalidArgument(
            f"Maximum allowed retention period is {MAX_RETENTION_HOURS} hours. Requested retention period "
            f"({hours} hours) is too long."
        )


def check_target(current: int, target: int) -> None:
    """UpdateShardCount's limits. Raises InvalidArgument, LimitExceeded."""
    if target > MAX_TARGET_SHARDS:
        raise LimitExceeded(f"UpdateShardCount cannot scale up to more than {MAX_TARGET_SHARDS} shards.")
    if target > 2 * current:
        raise InvalidArgument(
            "UpdateShardCount cannot scale up over double your current open shard count. "
            f"Current open shard count: {current} Target shard count: {target}"
        )
    if 2 * target < current:
        raise InvalidArgument(
            "UpdateShardCount cannot scale down below half your current open shard count. "
            f"Current open shard count: {current} Target shard count: {target}"
        )


def check_shard_limit(key: StreamKey, current: int, added: int) -> None:
    """`current` shards are open in the account and Region. Raises LimitExceeded."""
    if added > 0 and current + added > SHARD_LIMIT:
        raise LimitExceeded(
            f"This request would exceed the shard limit for the account {key.account_id} in {key.region}. Current "
            f"shard count for the account: {current}. Limit: {SHARD_LIMIT}. Number of additional shards that would "
            f"have resulted from this request: {added}. Refer to the AWS Service Limits page "
            "(https://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to "
            "request higher limits."
        )


def check_mode(stream: Stream, operation: str) -> None:
    """Shards of on-demand streams are not split and merged by hand. Raises ValidationException."""
    if stream.settings.mode is Mode.ON_DEMAND:
        raise ValidationException(
            f"Request is invalid. Stream {stream.key.name} under account {stream.key.account_id} is in On-Demand mode: "
            f"{operation} is only supported for the data streams with the provisioned capacity mode."
        )


def check_distribution(settings: Settings) -> None:
    """Raises InvalidArgument."""
    if settings.mode is not Mode.ON_DEMAND and settings.distribution is Distribution.AUTO:
        raise InvalidArgument("RecordDistributionStrategy AUTO is only supported for on-demand data streams.")


def check_tags(key: StreamKey, tags: Mapping[str, str]) -> None:
    """Of a stream or a consumer, all together. Raises InvalidArgument."""
    if len(tags) > MAX_TAGS:
        raise InvalidArgument(
            f"Failed to add tags to stream {key.name} under account {key.account_id} because a given stream cannot "
            f"have more than {MAX_TAGS} tags associated with it."
        )
    if any(name.startswith("aws:") for name in tags):
        raise InvalidArgument("Tag keys starting with 'aws:' are reserved for system use.")
    if not all(_is_tag_text(text) for pair in tags.items() for text in pair):
        raise InvalidArgument(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, "
            "_ . / = + - % @."
        )


def _is_tag_text(text: str) -> bool:
    return all(char.isalnum() or char.isspace() or char in "_./=+-%@:" for char in text)


def metric_names(wanted: Sequence[str]) -> frozenset[str]:
    """ALL stands for every one of them."""
    return frozenset(ALL_METRICS) if "ALL" in wanted else frozenset(wanted)
