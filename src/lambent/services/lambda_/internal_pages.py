"""Lambda's internal pages: packages by download link, and what happened lately."""

import os
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from lambent.services.caller import Caller
from lambent.services.lambda_ import links, queue_store
from lambent.services.lambda_.parts import LambdaParts
from lambent.wire.http import FileSlice, Request, Response

MAX_EVENTS = 2_000
DEFAULT_EVENTS = 50


class InternalPages:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts

    async def package(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 (a page like others)
        """The zip a link of GetFunction leads to: whoever has the link."""
        parts = self._parts
        sha256 = links.package_of(request.query, now=parts.clock.now(), secret=parts.link_secret)
        if sha256 is None:
            return _refusal(403, "The link is not valid or has expired.")
        try:
            descriptor = os.open(parts.packages.zip_path(sha256), os.O_RDONLY)
        except FileNotFoundError:
            return _refusal(404, "The package is no longer kept.")
        length = os.fstat(descriptor).st_size
        return Response(200, {"content-type": "application/zip"}, FileSlice(descriptor, 0, length))

    async def recent_events(self, request: Request, caller: Caller) -> Response:
        """`?limit=` (50) newest happenings of the account `&after=` a number, of the chain `&trace=`, of `&function=`.

        `discarded` ones are in the database.
        """
        query = dict(parse_qsl(request.query))
        limit = min(_number(query, "limit", DEFAULT_EVENTS), MAX_EVENTS)
        happened = self._parts.happenings.after(
            _number(query, "after", 0),
            limit,
            account_id=caller.account_id,
            root=query.get("trace", ""),
            function=query.get("function", ""),
        )
        discards = await self._parts.database.scan(lambda tx: queue_store.latest_discards(tx, caller.account_id, limit))
        body = orjson.dumps({"events": happened, "discarded": discards})
        return Response(200, {"content-type": "application/json"}, body)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else default


def _refusal(status: int, sentence: str) -> Response:
    return Response(status, {"content-type": "application/json"}, orjson.dumps({"message": sentence}))
