"""Streams as a whole: create, describe, list, delete; and what an account may have of them."""

from lambent.services.caller import Caller
from lambent.services.kinesis import documents, records, stream_store, streams, tokens
from lambent.services.kinesis.errors import (
    ExpiredNextToken,
    InvalidArgument,
    LimitExceeded,
    ResourceInUse,
    ValidationException,
)
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.parts import KinesisParts, Request, Result
from lambent.services.kinesis.streams import Distribution, Mode, Settings, Stream
from lambent.storage.transaction import Transaction

#: API Reference, ListStreams: "If you specify a value greater than 100, at most 100 results are returned".
MAX_LISTED = 100
#: API Reference, ListShards: "Tokens expire after 300 seconds."
TOKEN_MS = 300_000
_KIND = "streams"
#: "Minimum commitment windows" (API Reference, UpdateAccountSettings): 24 hours.
COMMITMENT_MS = 24 * 3_600_000


class StreamOperations:
    SERVED = frozenset((
        "CreateStream", "DeleteStream", "DescribeStream", "DescribeStreamSummary", "ListStreams", "DescribeLimits",
        "DescribeAccountSettings", "UpdateAccountSettings",
    ))  # fmt: skip

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def create_stream(self, caller: Caller, request: Request) -> Result:
        key = StreamKey(caller.account_id, caller.region, request["StreamName"])
        settings = _new_settings(request)
        streams.check_tags(key, settings.tags)
        streams.check_distribution(settings)
        count = _shard_count(settings.mode, request.get("ShardCount"))
        now_ms = self._parts.clock.now_ms()

        def create(tx: Transaction) -> None:
            if stream_store.find_stream(tx, key) is not None:
                raise ResourceInUse(f"Stream {key.name} under account {key.account_id} already exists.")
            shards, on_demand = stream_store.count_in_account(tx, key.account_id, key.region)
            streams.check_shard_limit(key, shards, count)
            if settings.mode is Mode.ON_DEMAND and on_demand >= streams.ON_DEMAND_STREAM_LIMIT:
                raise LimitExceeded(
                    f"This request would exceed the on-demand stream limit for the account {key.account_id} in "
                    f"{key.region}. Limit: {streams.ON_DEMAND_STREAM_LIMIT}."
                )
            stream_store.insert_stream(tx, key, settings, shard_count=count, now_ms=now_ms)

        await self._database.write(create)
        return {}

    async def delete_stream(self, caller: Caller, request: Request) -> Result:
        def delete(tx: Transaction, stream: Stream) -> None:
            if stream_store.count_consumers(tx, stream) and not request.get("EnforceConsumerDeletion"):
                raise ResourceInUse(
                    f"Stream {stream.key.name} under account {stream.key.account_id} has registered consumers: "
                    "deregister them, or set EnforceConsumerDeletion."
                )
            stream_store.delete_stream(tx, stream)

        await self._parts.change(caller, request, "DeleteStream", delete)
        return {}

    async def describe_stream(self, caller: Caller, request: Request) -> Result:
        view = self._parts.view(caller, request, "DescribeStream")
        limit, after = min(request.get("Limit", MAX_LISTED), MAX_LISTED), request.get("ExclusiveStartShardId", "")
        wanted = [shard for shard in view.shards if shard.shard_id > after]
        shards = self._database.read(lambda tx: documents.describe_shards(tx, wanted[:limit]))
        described = documents.describe_stream(view.stream)
        return {"StreamDescription": {**described, "Shards": shards, "HasMoreShards": len(wanted) > limit}}

    async def describe_stream_summary(self, caller: Caller, request: Request) -> Result:
        view = self._parts.view(caller, request, "DescribeStreamSummary")
        consumers = self._database.read(lambda tx: stream_store.count_consumers(tx, view.stream))
        described = documents.describe_stream(view.stream) | documents.describe_capacity(view.stream)
        counts = {"OpenShardCount": len(view.open_shards), "ConsumerCount": consumers}
        return {"StreamDescriptionSummary": {**described, **counts}}

    async def list_streams(self, caller: Caller, request: Request) -> Result:
        limit = min(request.get("Limit", MAX_LISTED), MAX_LISTED)
        after = request.get("ExclusiveStartStreamName", "")
        now_ms = self._parts.clock.now_ms()
        if "NextToken" in request:
            after = _read_token(request, after, now_ms)
        key = StreamKey(caller.account_id, caller.region, after)
        found = await self._database.scan(lambda tx: stream_store.list_streams(tx, key, limit + 1))
        listed = found[:limit]
        result: Result = {
            "StreamNames": [stream.key.name for stream in listed],
            "StreamSummaries": [documents.summarize_stream(stream) for stream in listed],
            "HasMoreStreams": len(found) > limit,
        }
        if len(found) > limit:
            result["NextToken"] = tokens.write(_KIND, (listed[-1].key.name, now_ms))
        return result

    async def describe_limits(self, caller: Caller, request: Request) -> Result:  # noqa: ARG002 - it has no parameters
        shards, on_demand = await self._database.scan(
            lambda tx: stream_store.count_in_account(tx, caller.account_id, caller.region)
        )
        return {
            "ShardLimit": streams.SHARD_LIMIT,
            "OpenShardCount": shards,
            "OnDemandStreamCount": on_demand,
            "OnDemandStreamCountLimit": streams.ON_DEMAND_STREAM_LIMIT,
        }

    async def describe_account_settings(self, caller: Caller, request: Request) -> Result:  # noqa: ARG002
        found = self._database.read(lambda tx: stream_store.find_commitment(tx, caller.account_id, caller.region))
        return {"MinimumThroughputBillingCommitment": _describe_commitment(*found)}

    async def update_account_settings(self, caller: Caller, request: Request) -> Result:
        wanted = request["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED"
        now_ms = self._parts.clock.now_ms()

        def update(tx: Transaction) -> tuple[bool, int | None, int | None]:
            committed, started_ms, _ = stream_store.find_commitment(tx, caller.account_id, caller.region)
            if committed and not wanted and started_ms is not None and now_ms < started_ms + COMMITMENT_MS:
                raise ValidationException("The minimum throughput billing commitment cannot be ended within 24 hours.")
            if wanted != committed:
                started, ended = (now_ms, None) if wanted else (started_ms, now_ms)
                stream_store.save_commitment(
                    tx, caller.account_id, caller.region, is_committed=wanted, started_ms=started, ended_ms=ended
                )
            return stream_store.find_commitment(tx, caller.account_id, caller.region)

        return {"MinimumThroughputBillingCommitment": _describe_commitment(*await self._database.write(update))}


def _new_settings(request: Request) -> Settings:
    mode = Mode(request.get("StreamModeDetails", {}).get("StreamMode", Mode.PROVISIONED.value))
    if mode is not Mode.ON_DEMAND and "WarmThroughputMiBps" in request:
        raise ValidationException("WarmThroughputMiBps is only supported for on-demand data streams.")
    return Settings(
        mode=mode,
        max_record_kib=request.get("MaxRecordSizeInKiB", records.DEFAULT_MAX_KIB),
        distribution=Distribution(request.get("RecordDistributionStrategy", Distribution.BY_KEY.value)),
        warm_mibps=request.get("WarmThroughputMiBps"),
        tags=request.get("Tags", {}),
    )


def _shard_count(mode: Mode, wanted: int | None) -> int:
    if mode is Mode.PROVISIONED:
        if wanted is None:
            raise InvalidArgument("ShardCount must be provided for streams of mode PROVISIONED.")
        return wanted
    if wanted is not None:
        raise ValidationException("ShardCount must not be provided for streams of mode ON_DEMAND.")
    return streams.ON_DEMAND_SHARDS


def _read_token(request: Request, after: str, now_ms: int) -> str:
    """Raises InvalidArgument, ExpiredNextToken."""
    values = tokens.read(_KIND, request["NextToken"], str, int)
    if values is None:
        raise InvalidArgument("Invalid NextToken.")
    name, issued_ms = values
    if now_ms - issued_ms > TOKEN_MS:
        raise ExpiredNextToken("The NextToken has expired.")
    if after:
        raise InvalidArgument("NextToken and ExclusiveStartStreamName cannot be provided together.")
    return str(name)


def _describe_commitment(is_committed: bool, started_ms: int | None, ended_ms: int | None) -> Result:
    described: Result = {"Status": "ENABLED" if is_committed else "DISABLED"}
    if started_ms is not None:
        described["StartedAt"] = started_ms / 1000
    if is_committed and started_ms is not None:
        described["EarliestAllowedEndAt"] = (started_ms + COMMITMENT_MS) / 1000
    if ended_ms is not None:
        described["EndedAt"] = ended_ms / 1000
    return described
