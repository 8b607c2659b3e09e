"""`GET /_lambent/event-source-mappings`: how far every mapping has got in every shard, with its iterator age."""

from typing import Any, Protocol

import orjson

from lambent.services.caller import Caller
from lambent.wire.http import Request, Response


class Standings(Protocol):
    """`mappings.Mappings`."""

    def standings(self, account_id: str) -> list[dict[str, Any]]: ...


class MappingsPage:
    def __init__(self, mappings: Standings) -> None:
        self._mappings = mappings

    async def serve(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 - there is nothing to choose
        body = orjson.dumps({"eventSourceMappings": self._mappings.standings(caller.account_id)})
        return Response(200, {"content-type": "application/json"}, body)
