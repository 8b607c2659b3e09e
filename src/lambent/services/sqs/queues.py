"""Queues: their names, URLs and ARNs, and what the attributes of one come to.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html. A queue URL is known by its
path alone: whatever host a client reached us by, `/<account>/<name>` is the queue, in the region the request is for.
"""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.sqs.errors import InvalidAddress, InvalidParameterValue

FIFO_SUFFIX = ".fifo"

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_MESSAGE_BYTES = 1_048_576
MAX_IN_FLIGHT = 120_000
MAX_VISIBILITY_SECONDS = 43_200
MAX_DELAY_SECONDS = 900

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_REMEMBERED = 1024


class QueueKey(NamedTuple):
    account_id: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return str(Arn("sqs", self.region, self.account_id, self.name))

    @property
    def is_fifo(self) -> bool:
        return self.name.endswith(FIFO_SUFFIX)

    @property
    def topic(self) -> str:
        """What a commit announces after which a message may be received, or the queue has come or gone."""
        return f"sqs:{self.region}:{self.account_id}:{self.name}"

    def url(self, endpoint: str) -> str:
        return f"{endpoint}/{self.account_id}/{self.name}"


@frozen
class DeadLetters:
    """A redrive policy."""

    target_arn: str
    max_receives: int


@frozen
class Settings:
    """What a queue's attributes say about messages."""

    visibility_seconds: int = 30
    delay_seconds: int = 0
    wait_seconds: int = 0
    retention_seconds: int = 345_600
    max_message_bytes: int = MAX_MESSAGE_BYTES
    content_based_deduplication: bool = False
    deduplicates_by_group: bool = False
    dead_letters: DeadLetters | None = None


@frozen
class Queue:
    key: QueueKey
    queue_id: int
    box_id: int
    stored: str
    """JSON of the attributes that were set."""
    tags: str
    """JSON."""
    created_ms: int
    modified_ms: int
    purged_ms: int

    @property
    def settings(self) -> Settings:
        return settings_of(self.stored)

    @property
    def attributes(self) -> Mapping[str, str]:
        return attributes_of(self.stored)

    @property
    def policy(self) -> str:
        return self.attributes.get("Policy", "")

    @property
    def topic(self) -> str:
        return self.key.topic


@functools.lru_cache(_REMEMBERED)
def attributes_of(stored: str) -> Mapping[str, str]:
    found: dict[str, str] = orjson.loads(stored)
    return found


@functools.lru_cache(_REMEMBERED)
def settings_of(stored: str) -> Settings:
    attributes = attributes_of(stored)
    defaults = Settings()

    def number(name: str, default: int) -> int:
        return int(attributes.get(name, default))

    return Settings(
        visibility_seconds=number("VisibilityTimeout", defaults.visibility_seconds),
        delay_seconds=number("DelaySeconds", defaults.delay_seconds),
        wait_seconds=number("ReceiveMessageWaitTimeSeconds", defaults.wait_seconds),
        retention_seconds=number("MessageRetentionPeriod", defaults.retention_seconds),
        max_message_bytes=number("MaximumMessageSize", defaults.max_message_bytes),
        content_based_deduplication=attributes.get("ContentBasedDeduplication") == "true",
        deduplicates_by_group=attributes.get("DeduplicationScope") == "messageGroup",
        dead_letters=_dead_letters(attributes.get("RedrivePolicy", "")),
    )


def _dead_letters(policy: str) -> DeadLetters | None:
    if not policy:
        return None
    document = orjson.loads(policy)
    return DeadLetters(document["deadLetterTargetArn"], int(document["maxReceiveCount"]))


def check_name(name: str, *, is_fifo: bool) -> None:
    """Raises InvalidParameterValue."""
    if is_fifo and not _FIFO_NAME.match(name):
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length."
        )
    if not is_fifo and not _NAME.match(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


@functools.lru_cache(_REMEMBERED)
def parse_url(url: str, region: str) -> QueueKey:
    """A queue URL, or only its path. Raises InvalidAddress."""
    try:
        parts = urlsplit(url).path.rstrip("/").split("/")
    except ValueError:
        parts = []
    if len(parts) < 3 or not _ACCOUNT.match(parts[-2]) or not parts[-1]:
        raise InvalidAddress(f"The address {url[:200]} is not valid for this endpoint.")
    return QueueKey(parts[-2], region, parts[-1])


def parse_arn(arn: str) -> QueueKey | None:
    """None if it is not a queue's."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return None
    is_queue = parsed.service == "sqs" and parsed.region and _ACCOUNT.match(parsed.account_id)
    return QueueKey(parsed.account_id, parsed.region, parsed.resource) if is_queue else None
