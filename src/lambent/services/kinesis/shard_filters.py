"""ListShards: which shards a ShardFilter wants, and the token that carries it from page to page.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html: AT_ asks for the shards that were open at
a moment, FROM_ for those and all that were opened later.
"""

from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.kinesis import tokens
from lambent.services.kinesis.errors import ExpiredNextToken, InvalidArgument
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import StreamView

#: API Reference, ListShards: "Tokens expire after 300 seconds."
TOKEN_MS = 300_000
_KIND = "shards"


@frozen
class Listing:
    """What is left to list."""

    stream_id: int
    after: str = ""
    """Shard id of the last one that was listed."""
    kind: str = ""
    """A ShardFilter's type; "" for all shards."""
    time_ms: int = 0
    """A ShardFilter's timestamp."""


def read_filter(stream_id: int, after: str, given: Mapping[str, Any] | None) -> Listing:
    """Raises InvalidArgument."""
    if given is None:
        return Listing(stream_id, after)
    kind, shard_id, timestamp = given["Type"], given.get("ShardId"), given.get("Timestamp")
    if (kind == "AFTER_SHARD_ID") != (shard_id is not None):
        raise InvalidArgument("ShardId must be specified in ShardFilter with type AFTER_SHARD_ID, and only with it.")
    if kind.endswith("_TIMESTAMP") != (timestamp is not None):
        raise InvalidArgument(
            "Timestamp must be specified in ShardFilter with types AT_TIMESTAMP and FROM_TIMESTAMP, and only with them."
        )
    if shard_id is not None:
        return Listing(stream_id, max(after, shard_id))
    return Listing(stream_id, after, kind, max(round((timestamp or 0) * 1000), 0))


def select(view: StreamView, listing: Listing, *, now_ms: int) -> list[Shard]:
    horizon_ms = max(now_ms - view.stream.retention_ms, view.stream.created_ms)
    behind = [shard for shard in view.shards if shard.shard_id > listing.after]
    match listing.kind:
        case "" | "FROM_TRIM_HORIZON":
            return behind
        case "AT_LATEST":
            return [shard for shard in behind if not shard.is_closed]
        case "AT_TRIM_HORIZON":
            return [shard for shard in behind if shard.was_open_at(horizon_ms)]
    time_ms = max(listing.time_ms, horizon_ms)
    if listing.kind == "AT_TIMESTAMP":
        return [shard for shard in behind if shard.was_open_at(time_ms)]
    return [shard for shard in behind if shard.closed_ms is None or shard.closed_ms > time_ms]


def write_token(listing: Listing, after: str, *, now_ms: int) -> str:
    return tokens.write(_KIND, (listing.stream_id, after, listing.kind, listing.time_ms, now_ms))


def read_token(token: str, *, now_ms: int) -> Listing:
    """Raises InvalidArgument, ExpiredNextToken."""
    values = tokens.read(_KIND, token, int, str, str, int, int)
    if values is None:
        raise InvalidArgument("Invalid NextToken.")
    *listing, issued_ms = values
    if now_ms - issued_ms > TOKEN_MS:
        raise ExpiredNextToken("The NextToken has expired.")
    return Listing(*listing)
