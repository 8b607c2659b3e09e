"""How streams and their consumers are named: keys, ARNs, and the several ways a request may say which one it means."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambent.kit.arn import Arn
from lambent.services.caller import Caller
from lambent.services.kinesis.errors import InvalidArgument, ResourceNotFound

SERVICE = "kinesis"
_is_name = re.compile(r"[a-zA-Z0-9_.-]{1,128}").fullmatch


class StreamKey(NamedTuple):
    account_id: str
    region: str
    name: str


class ConsumerKey(NamedTuple):
    stream: StreamKey
    name: str
    created_seconds: int
    """Tells it from consumers of that name before it."""


def stream_arn(key: StreamKey) -> str:
    return f"arn:aws:kinesis:{key.region}:{key.account_id}:stream/{key.name}"


def consumer_arn(key: ConsumerKey) -> str:
    return f"{stream_arn(key.stream)}/consumer/{key.name}:{key.created_seconds}"


def parse_stream_arn(text: str) -> StreamKey | None:
    """None if it is not the ARN of a stream."""
    found = _parse(text)
    return found[0] if found and not found[1] else None


def parse_consumer_arn(text: str) -> ConsumerKey | None:
    """None if it is not the ARN of a consumer."""
    stream, rest = _parse(text) or (None, "")
    name, _, created = rest.removeprefix("consumer/").partition(":")
    if stream is None or not rest.startswith("consumer/") or not _is_name(name) or not created.isdecimal():
        return None
    return ConsumerKey(stream, name, int(created))


def _parse(text: str) -> tuple[StreamKey, str] | None:
    """The stream, and what stands behind it in the ARN."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        return None
    kind, _, resource = arn.resource.partition("/")
    name, _, rest = resource.partition("/")
    if arn.service != SERVICE or kind != "stream" or not _is_name(name):
        return None
    return StreamKey(arn.account_id, arn.region, name), rest


def requested_stream(caller: Caller, request: Mapping[str, Any]) -> StreamKey:
    """By StreamARN, StreamName or both. Raises InvalidArgument."""
    name, arn = request.get("StreamName"), request.get("StreamARN")
    if arn is None:
        if name is None:
            raise InvalidArgument("Either StreamName or StreamARN must be provided.")
        return StreamKey(caller.account_id, caller.region, name)
    key = parse_stream_arn(arn)
    if key is None:
        raise InvalidArgument(f"StreamARN {arn} is not the ARN of a stream.")
    if name not in (None, key.name):
        raise InvalidArgument(f"StreamName {name} and StreamARN {arn} name different streams.")
    return key


def stream_not_found(key: StreamKey) -> ResourceNotFound:
    return ResourceNotFound(f"Stream {key.name} under account {key.account_id} not found.")


def consumer_not_found(stream: StreamKey, named: str) -> ResourceNotFound:
    return ResourceNotFound(f"Consumer {named} under stream {stream.name}, account {stream.account_id} not found.")
