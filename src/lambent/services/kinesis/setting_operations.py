"""What is set on a stream: how long records are kept, how large they may be, its mode, encryption, monitoring."""

import dataclasses
from collections.abc import Callable

from lambent.services.caller import Caller
from lambent.services.kinesis import documents, stream_store, streams
from lambent.services.kinesis.errors import InvalidArgument, ValidationException
from lambent.services.kinesis.parts import KinesisParts, Request, Result
from lambent.services.kinesis.streams import Distribution, Mode, Settings, Stream


class SettingOperations:
    SERVED = frozenset((
        "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod", "UpdateMaxRecordSize", "UpdateStreamMode",
        "UpdateStreamWarmThroughput", "UpdateStreamRecordDistributionStrategy", "StartStreamEncryption",
        "StopStreamEncryption", "EnableEnhancedMonitoring", "DisableEnhancedMonitoring",
    ))  # fmt: skip

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts

    async def increase_stream_retention_period(self, caller: Caller, request: Request) -> Result:
        """What has expired by the old period goes first: it "does not make previous, expired data accessible"."""
        hours: int = request["RetentionPeriodHours"]
        stream = self._parts.view(caller, request, "IncreaseStreamRetentionPeriod").stream
        streams.raised_retention(stream, hours)
        await self._parts.retention.trim_stream(stream)

        def change(stream: Stream) -> Settings:
            return dataclasses.replace(stream.settings, retention_hours=streams.raised_retention(stream, hours))

        await self._parts.set(caller, request, "IncreaseStreamRetentionPeriod", change)
        return {}

    async def decrease_stream_retention_period(self, caller: Caller, request: Request) -> Result:
        hours: int = request["RetentionPeriodHours"]

        def change(stream: Stream) -> Settings:
            return dataclasses.replace(stream.settings, retention_hours=streams.lowered_retention(stream, hours))

        await self._parts.set(caller, request, "DecreaseStreamRetentionPeriod", change)
        await self._parts.retention.trim_stream(
            self._parts.view(caller, request, "DecreaseStreamRetentionPeriod").stream
        )
        return {}

    async def update_max_record_size(self, caller: Caller, request: Request) -> Result:
        return await self._replace(caller, request, "UpdateMaxRecordSize", max_record_kib=request["MaxRecordSizeInKiB"])

    async def update_stream_mode(self, caller: Caller, request: Request) -> Result:
        mode = Mode(request["StreamModeDetails"]["StreamMode"])
        warm = request.get("WarmThroughputMiBps")
        if mode is not Mode.ON_DEMAND and warm is not None:
            raise ValidationException("WarmThroughputMiBps is only supported for on-demand data streams.")

        def change(stream: Stream) -> Settings:
            """Shards stay as they are; what only on-demand streams have goes."""
            if mode is Mode.ON_DEMAND:
                return dataclasses.replace(stream.settings, mode=mode, warm_mibps=warm)
            return dataclasses.replace(stream.settings, mode=mode, warm_mibps=None, distribution=Distribution.BY_KEY)

        await self._parts.set(caller, request, "UpdateStreamMode", change)
        return {}

    async def update_stream_warm_throughput(self, caller: Caller, request: Request) -> Result:
        wanted: int = request["WarmThroughputMiBps"]
        committed, _, _ = self._parts.database.read(
            lambda tx: stream_store.find_commitment(tx, caller.account_id, caller.region)
        )

        def change(stream: Stream) -> Settings:
            if stream.settings.mode is not Mode.ON_DEMAND or not committed:
                raise ValidationException(
                    "Warm throughput is only supported for on-demand data streams, in accounts that have "
                    "MinimumThroughputBillingCommitment enabled."
                )
            return dataclasses.replace(stream.settings, warm_mibps=wanted)

        stream = await self._parts.set(caller, request, "UpdateStreamWarmThroughput", change)
        changed = dataclasses.replace(stream, settings=change(stream))
        described = documents.warm_throughput(changed)
        return {"StreamARN": stream.arn, "StreamName": stream.key.name, **described}

    async def update_stream_record_distribution_strategy(self, caller: Caller, request: Request) -> Result:
        wanted = Distribution(request["RecordDistributionStrategy"])

        def change(stream: Stream) -> Settings:
            settings = dataclasses.replace(stream.settings, distribution=wanted)
            streams.check_distribution(settings)
            return settings

        await self._parts.set(caller, request, "UpdateStreamRecordDistributionStrategy", change)
        return {}

    async def start_stream_encryption(self, caller: Caller, request: Request) -> Result:
        """Records say so; how data lies on the disk is the disk's business."""
        _check_encryption(request)
        return await self._replace(caller, request, "StartStreamEncryption", key_id=request["KeyId"])

    async def stop_stream_encryption(self, caller: Caller, request: Request) -> Result:
        _check_encryption(request)
        return await self._replace(caller, request, "StopStreamEncryption", key_id="")

    async def enable_enhanced_monitoring(self, caller: Caller, request: Request) -> Result:
        return await self._monitor(caller, request, "EnableEnhancedMonitoring", frozenset.union)

    async def disable_enhanced_monitoring(self, caller: Caller, request: Request) -> Result:
        return await self._monitor(caller, request, "DisableEnhancedMonitoring", frozenset.difference)

    async def _replace(self, caller: Caller, request: Request, operation: str, **changes: object) -> Result:
        def change(stream: Stream) -> Settings:
            return dataclasses.replace(stream.settings, **changes)  # type: ignore[arg-type]  # named as its fields

        await self._parts.set(caller, request, operation, change)
        return {}

    async def _monitor(
        self,
        caller: Caller,
        request: Request,
        operation: str,
        combine: Callable[[frozenset[str], frozenset[str]], frozenset[str]],
    ) -> Result:
        wanted = streams.metric_names(request["ShardLevelMetrics"])

        def desired(stream: Stream) -> tuple[str, ...]:
            return tuple(sorted(combine(frozenset(stream.settings.metrics), wanted)))

        def change(stream: Stream) -> Settings:
            return dataclasses.replace(stream.settings, metrics=desired(stream))

        stream = await self._parts.set(caller, request, operation, change)
        return {
            "StreamName": stream.key.name,
            "StreamARN": stream.arn,
            "CurrentShardLevelMetrics": stream.settings.metrics,
            "DesiredShardLevelMetrics": desired(stream),
        }


def _check_encryption(request: Request) -> None:
    """Raises InvalidArgument."""
    if request["EncryptionType"] != "KMS":
        raise InvalidArgument("The only valid EncryptionType is KMS.")
