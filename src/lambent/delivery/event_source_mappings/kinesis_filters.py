"""FilterCriteria of Kinesis mappings: patterns speak of the record itself, and of its data as JSON.

"Using event filtering with a Kinesis event source", https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html:
`data` is matched against the decoded JSON; a record whose data is no JSON object is dropped by a pattern that asks for
`data`, and judged by its metadata by one that does not.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from lambent.delivery.event_source_mappings.filters import IsWanted
from lambent.services.event_patterns import compile_pattern

DATA = "data"


def compile_filters(patterns: Sequence[str]) -> IsWanted | None:
    """None: everything is wanted. The patterns were checked when the mapping was made."""
    compiled = [(compile_pattern(pattern), _asks_for_data(orjson.loads(pattern))) for pattern in patterns]
    if not compiled:
        return None
    asks_for_data = any(asks for _, asks in compiled)

    def is_wanted(event: dict[str, Any]) -> bool:
        view = {**event, **event["kinesis"]}
        encoded = view.pop(DATA)
        if asks_for_data:
            data = _json_object(encoded)
            if data is not None:
                view[DATA] = data
        return any(_matches(view, matches, asks=asks) for matches, asks in compiled)

    return is_wanted


def _asks_for_data(pattern: dict[str, Any]) -> bool:
    return any(key.partition(".")[0] == DATA for key in pattern)


def _matches(view: dict[str, Any], matches: Callable[[dict[str, Any]], bool], *, asks: bool) -> bool:
    return (not asks or DATA in view) and matches(view)


def _json_object(encoded: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(base64.b64decode(encoded))
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
