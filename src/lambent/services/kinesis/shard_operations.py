"""Shards: list them, split one, merge two, or let all of them become so many."""

from collections.abc import Callable

from lambent.services.caller import Caller
from lambent.services.kinesis import documents, shard_filters, shards, stream_store, streams
from lambent.services.kinesis.errors import InvalidArgument, ResourceNotFound
from lambent.services.kinesis.parts import KinesisParts, Request, Result, check_created
from lambent.services.kinesis.shard_filters import Listing
from lambent.services.kinesis.shards import Layout, Resharding, Shard
from lambent.services.kinesis.streams import Stream, StreamView
from lambent.storage.transaction import Transaction

#: API Reference, ListShards: "The maximum number of shards to return in a single call ... 1000".
DEFAULT_PAGE, MAX_PAGE = 1_000, 10_000
#: What a NextToken says already.
_WITHOUT_TOKEN = ("StreamName", "StreamARN", "StreamCreationTimestamp", "ExclusiveStartShardId", "ShardFilter")

Reshard = Callable[[StreamView, Layout], Resharding]


class ShardOperations:
    SERVED = frozenset(("ListShards", "SplitShard", "MergeShards", "UpdateShardCount"))

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts

    async def list_shards(self, caller: Caller, request: Request) -> Result:
        now_ms = self._parts.clock.now_ms()
        view, listing = self._listing(caller, request, now_ms)
        limit = min(request.get("MaxResults", DEFAULT_PAGE), MAX_PAGE)
        wanted = shard_filters.select(view, listing, now_ms=now_ms)
        listed = wanted[:limit]
        result: Result = {
            "Shards": await self._parts.database.scan(lambda tx: documents.describe_shards(tx, listed)),
        }
        if len(wanted) > limit:
            result["NextToken"] = shard_filters.write_token(listing, listed[-1].shard_id, now_ms=now_ms)
        return result

    async def split_shard(self, caller: Caller, request: Request) -> Result:
        at = int(request["NewStartingHashKey"])

        def split(view: StreamView, layout: Layout) -> Resharding:
            return shards.split(layout, _eligible(view, request["ShardToSplit"]), at)

        await self._reshard(caller, request, "SplitShard", split)
        return {}

    async def merge_shards(self, caller: Caller, request: Request) -> Result:
        def merge(view: StreamView, layout: Layout) -> Resharding:
            first = _eligible(view, request["ShardToMerge"])
            return shards.merge(layout, first, _eligible(view, request["AdjacentShardToMerge"]))

        await self._reshard(caller, request, "MergeShards", merge)
        return {}

    async def update_shard_count(self, caller: Caller, request: Request) -> Result:
        target: int = request["TargetShardCount"]

        def scale(view: StreamView, layout: Layout) -> Resharding:
            streams.check_target(len(view.open_shards), target)
            return shards.scale(layout, target)

        view = await self._reshard(caller, request, "UpdateShardCount", scale)
        return {
            "StreamName": view.stream.key.name,
            "StreamARN": view.stream.arn,
            "CurrentShardCount": len(view.open_shards),
            "TargetShardCount": target,
        }

    def _listing(self, caller: Caller, request: Request, now_ms: int) -> tuple[StreamView, Listing]:
        """Raises ResourceNotFound, InvalidArgument, ExpiredNextToken."""
        if "NextToken" not in request:
            view = self._parts.view(caller, request, "ListShards")
            check_created(view.stream, request)
            after = request.get("ExclusiveStartShardId", "")
            return view, shard_filters.read_filter(view.stream.stream_id, after, request.get("ShardFilter"))
        clashing = [name for name in _WITHOUT_TOKEN if name in request]
        if clashing:
            raise InvalidArgument(f"NextToken and {clashing[0]} cannot be provided together.")
        listing = shard_filters.read_token(request["NextToken"], now_ms=now_ms)
        found = self._parts.streams.find_by_id(listing.stream_id)
        if found is None or found.stream.key.region != caller.region:
            raise ResourceNotFound("The stream that NextToken was made for does not exist.")
        self._parts.check_access(caller, found.stream, "ListShards")
        return found, listing

    async def _reshard(self, caller: Caller, request: Request, operation: str, decide: Reshard) -> StreamView:
        """Split and merge as decided, in one transaction; the stream as it was."""
        now_ms = self._parts.clock.now_ms()

        def reshard(tx: Transaction, stream: Stream) -> StreamView:
            streams.check_mode(stream, operation)
            view = stream_store.find_view(tx, stream.key)
            assert view is not None, "it is there in this transaction"
            layout = Layout(
                stream.key, {one.index: one for one in view.open_shards}, now_ms, stream_store.next_index(tx, stream)
            )
            change = decide(view, layout)
            added = len(layout.shards) - len(view.open_shards)
            if added > 0:
                current, _ = stream_store.count_in_account(tx, stream.key.account_id, stream.key.region)
                streams.check_shard_limit(stream.key, current, added)
            if change.opened:
                stream_store.apply(tx, stream, change)
            return view

        return await self._parts.change(caller, request, operation, reshard)


def _eligible(view: StreamView, shard_id: str) -> Shard:
    """Raises ResourceNotFound."""
    shard = view.by_id.get(shard_id)
    if shard is None:
        key = view.stream.key
        raise ResourceNotFound(f"Could not find shard {shard_id} in stream {key.name} under account {key.account_id}.")
    return shard
