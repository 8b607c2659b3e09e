"""All parts of the platform, built and connected: who exists, and who knows whom.

Nothing here decides anything. A service never imports another, it is given a callable here. `services` has the table of
what the gateway serves, `platform` runs it all.
"""

import random
import secrets
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from lambent.app.access import Access
from lambent.delivery import (
    bus_target,
    function_target,
    log_group_target,
    notifications,
    outcomes,
    queue_target,
    schedule_messages,
    stream_target,
    topic_target,
)
from lambent.delivery.async_invocations import AsyncInvocations, AsyncSettings
from lambent.delivery.burials import Burials
from lambent.delivery.event_source_mappings import event_counts, mappings, source_finder
from lambent.delivery.event_source_mappings.mappings import Mappings
from lambent.delivery.event_source_mappings.parts import MappingParts
from lambent.delivery.http_posts import HttpPosts
from lambent.delivery.log_subscriptions import LogSubscriptions
from lambent.delivery.message_signer import MessageSigner
from lambent.delivery.notifications import Notifications
from lambent.delivery.outcomes import NewObject
from lambent.delivery.parcels import Parcels
from lambent.delivery.replays import Replays
from lambent.delivery.retries import RetrySchedule
from lambent.delivery.rules import Rules
from lambent.delivery.scheduled_rules import ScheduledRules
from lambent.delivery.schedules import Schedules
from lambent.delivery.table_replication import TableReplication
from lambent.delivery.targets import Targets
from lambent.delivery.topics import Topics
from lambent.delivery.universal_calls import UniversalCalls
from lambent.gateway.credentials import CredentialStore
from lambent.gateway.dispatch import Gateway
from lambent.gateway.process_figures import ProcessFigures, Sources
from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter
from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.contract import Level
from lambent.sandbox.pool import Outside, Pool, PoolSettings
from lambent.sandbox.types import FunctionSpec
from lambent.services.caller import Caller
from lambent.services.cloudwatch.publisher import Publisher
from lambent.services.cloudwatch.retention import MetricRetention
from lambent.services.dynamodb.backup_retention import BackupRetention
from lambent.services.dynamodb.exporter import ExportedObject, Exporter
from lambent.services.dynamodb.importer import Importer, Source
from lambent.services.dynamodb.imports import Import
from lambent.services.dynamodb.lifetime import Lifetime
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.replication import Replication
from lambent.services.dynamodb.stream_retention import StreamRetention
from lambent.services.dynamodb.table_cache import TableCache
from lambent.services.dynamodb.table_meters import TableMeters
from lambent.services.dynamodb.table_upkeep import TableUpkeep
from lambent.services.dynamodb.throttling import Throttle
from lambent.services.events.retention import ArchiveRetention
from lambent.services.happenings import Happenings
from lambent.services.kinesis.parts import KinesisParts
from lambent.services.kinesis.retention import RecordRetention
from lambent.services.kinesis.stream_cache import StreamCache
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle as ShardThrottle
from lambent.services.lambda_ import store as lambda_store
from lambent.services.lambda_.invoker import Invoker
from lambent.services.lambda_.package_files import PackageFiles
from lambent.services.lambda_.parts import LambdaParts
from lambent.services.lambda_.upkeep import Upkeep
from lambent.services.logs.live_tail import LiveTails
from lambent.services.logs.names import GroupKey
from lambent.services.logs.retention import Retention
from lambent.services.logs.writer import LogWriter
from lambent.services.s3.operations import S3Operations
from lambent.services.scheduler import templated_targets, universal_targets
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queue_gauges import QueueGauges
from lambent.services.sqs.queue_meters import QueueMeters
from lambent.services.sqs.receiving import Receiver
from lambent.services.sqs.upkeep import Upkeep as QueueUpkeep
from lambent.settings import Settings
from lambent.storage.blobs import BlobStore
from lambent.storage.database import Database
from lambent.wire.http import BytesBody


class Parts:
    """Public are those that `platform` runs, and `services` shows to clients."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, ids: Ids) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.ids = ids
        self.credentials = CredentialStore(settings.credentials, clock=clock, ids=ids)
        self.access = Access(self.credentials)
        self.blobs = BlobStore(settings.data / "blobs", ids)
        self.happenings = Happenings()
        self.meter = Meter()
        self._build_logs()
        self._build_sending()
        self._build_functions()
        self._build_objects()
        self._build_tables()
        self._build_streams()
        self._build_log_subscriptions()
        self._build_queues()
        self._build_topics()
        self._build_buses()
        self._build_mappings()
        self._build_schedules()
        self._build_metrics()
        self.gateway: Gateway
        """Made by `platform` when all else is there."""

    def _build_logs(self) -> None:
        database, clock = self.database, self.clock
        self.tails = LiveTails()
        self.log_writer = LogWriter(database, self.tails, clock)
        self.retention = Retention(database, clock)

    def _build_log_subscriptions(self) -> None:
        database, clock, ids = self.database, self.clock, self.ids
        self.log_subscriptions = LogSubscriptions(
            database=database, targets=self.targets, happenings=self.happenings, clock=clock, ids=ids
        )

    def _build_functions(self) -> None:
        settings, database, clock, ids = self.settings, self.database, self.clock, self.ids
        self.packages = PackageFiles(
            settings.data / "packages",
            is_used=lambda sha256: database.read(lambda tx: lambda_store.package_is_used(tx, sha256)),
        )
        self.pool = self._build_pool()
        self.invoker = Invoker(
            database=database,
            run=self.pool.invoke,
            packages=self.packages,
            clock=clock,
            happenings=self.happenings,
            meter=self.meter,
            account_concurrency=settings.concurrency,
        )
        self.upkeep = Upkeep(
            retire=self.pool.retire,
            environments=self.pool.snapshot,
            packages=self.packages,
            interpreters=self.pool.supported_runtimes(),
            clock=clock,
        )
        self.async_invocations = AsyncInvocations(
            database=database,
            invoke=self.invoker.invoke_queued,
            functions=self.invoker,
            happenings=self.happenings,
            meter=self.meter,
            clock=clock,
            parcels=self.parcels,
            settings=AsyncSettings(
                schedule=RetrySchedule(after_errors=settings.retry_delays_seconds),
                max_running=settings.async_concurrency,
            ),
        )
        self.notifications = Notifications(
            database=database,
            parcels=self.parcels,
            clock=clock,
            ids=ids,
            start_early=self.async_invocations.start_early,
        )

    def _build_pool(self) -> Pool:
        settings = self.settings
        return Pool(
            Outside(
                clock=self.clock,
                ids=self.ids,
                log=self._log_line,
                credentials=self.access.issue,
                serve_platform=self.access.serve,
            ),
            PoolSettings(
                isolation=_isolation_policy(settings),
                waiting_per_runtime=settings.pool_size,
                max_environments=settings.max_environments,
                idle_seconds=settings.idle_seconds,
            ),
        )

    def _build_objects(self) -> None:
        self.objects = S3Operations(
            database=self.database,
            blobs=self.blobs,
            clock=self.clock,
            ids=self.ids,
            tell=notifications.tell(self.targets, self.clock, self.ids),
        )
        self.functions = LambdaParts(
            database=self.database,
            packages=self.packages,
            invoker=self.invoker,
            upkeep=self.upkeep,
            happenings=self.happenings,
            clock=self.clock,
            ids=self.ids,
            installed_runtimes=self.pool.supported_runtimes(),
            prepare_runtime=self.pool.prepare,
            fetch_object=self.objects.read_object,
            begin_reading=lambda tx, mapping: mappings.begin(tx, mapping, source_finder.find),
            link_secret=secrets.token_bytes(32),
        )

    def _build_tables(self) -> None:
        database, clock, ids = self.database, self.clock, self.ids
        self.table_replication = TableReplication(database=database, meter=self.meter, clock=clock, ids=ids)
        into_streams = Replication(self.table_replication.replicate, self.table_replication.find_failure)
        self.tables = DynamoParts(
            database, TableCache(database), Throttle(clock), clock, ids, TableMeters(self.meter), into_streams
        )
        self.table_upkeep = TableUpkeep(database, clock)
        self.lifetime = Lifetime(database, clock, into_streams.replicate)
        self.stream_retention = StreamRetention(database, clock)
        self.backup_retention = BackupRetention(database, clock)
        self.exporter = Exporter(database, clock, self._put_exported)
        self.importer = Importer(database, clock, Source(self._list_imported, self._read_imported))

    def _build_streams(self) -> None:
        database, clock = self.database, self.clock
        self.record_retention = RecordRetention(database, clock)
        self.subscriptions = Subscriptions(clock)
        self.streams = KinesisParts(
            database=database,
            streams=StreamCache(database),
            retention=self.record_retention,
            subscriptions=self.subscriptions,
            throttle=ShardThrottle(clock),
            meters=StreamMeters(self.meter),
            clock=clock,
            ids=self.ids,
        )

    def _build_sending(self) -> None:
        """What events are sent on to, and what becomes of those that are refused."""
        self.targets = Targets(
            {
                "lambda": function_target.send,
                "kinesis": stream_target.send,
                "sqs": queue_target.send,
                "sns": topic_target.send,
                "events": bus_target.send,
                "logs": log_group_target.sender(self.tails),
            }
        )
        self.parcels = Parcels(
            database=self.database,
            targets=self.targets,
            happenings=self.happenings,
            meter=self.meter,
            clock=self.clock,
            ids=self.ids,
        )
        self.parcels.register(notifications.owner())
        self.parcels.register(outcomes.owner(self._put_object, partial(event_counts.count_end, self.meter)))

    def _build_queues(self) -> None:
        self.receiver = Receiver(self.database, self.clock)
        self.queues = QueueParts(self.database, self.receiver, QueueMeters(self.meter), self.clock, self.ids)
        self.queue_upkeep = QueueUpkeep(self.database, self.clock, self.ids)
        self.burials = Burials(database=self.database, happenings=self.happenings, clock=self.clock)
        self.meter.gauge(QueueGauges(self.database, self.clock).read)

    def _build_topics(self) -> None:
        self.signer = MessageSigner(self.database, self.clock)
        self.topics = Topics(
            database=self.database,
            sending=self.parcels,
            carry=self._build_posts().carry,
            signer=self.signer,
            meter=self.meter,
            clock=self.clock,
        )

    def _build_posts(self) -> HttpPosts:
        return HttpPosts(self.clock)

    def _build_buses(self) -> None:
        database, clock, ids = self.database, self.clock, self.ids
        self.rules = Rules(database=database, parcels=self.parcels, meter=self.meter, clock=clock)
        self.scheduled_rules = ScheduledRules(database=database, clock=clock, ids=ids)
        self.replays = Replays(database, clock)
        self.archive_retention = ArchiveRetention(database, clock)

    def _build_metrics(self) -> None:
        self.publisher = Publisher(self.database, self.meter, self.clock)
        self.metric_retention = MetricRetention(self.database, self.clock)
        self.figures = ProcessFigures(
            Sources(
                commits=self.database.commits,
                environments=self.pool.snapshot,
                connections=self.access.connections,
                backlog=self.async_invocations.depths,
            )
        )

    def _build_mappings(self) -> None:
        self.mappings = Mappings(
            MappingParts(
                database=self.database,
                functions=self.invoker,
                parcels=self.parcels,
                find_source=source_finder.find,
                happenings=self.happenings,
                meter=self.meter,
                clock=self.clock,
                ids=self.ids,
                jitter=random.random,
            )
        )

    def _build_schedules(self) -> None:
        calls = UniversalCalls(self._call_api, self.ids)
        self.parcels.register(schedule_messages.owner(calls.carry, random.random, self.meter))
        self.schedules = Schedules(
            database=self.database,
            parcels=self.parcels,
            clock=self.clock,
            ids=self.ids,
            spread=random.random,
        )

    async def _call_api(self, caller: Caller, service: str, action: str, request: Mapping[str, Any]) -> None:
        """What the gateway does for clients, from inside."""
        await self.gateway.calls.call(caller, service, action, request)

    def is_target_of_schedules(self, arn: str) -> bool:
        action = universal_targets.parse(arn)
        return (
            templated_targets.is_one(arn) if action is None else self.gateway.calls.knows(action.service, action.action)
        )

    async def _put_exported(self, put: ExportedObject) -> str:
        """As DynamoDB does with the rights of who asked for the export."""
        table, given = put.export.key.table, put.export.request
        caller = Caller(
            table.account_id, table.region, put.export.caller_arn, put.export.access_key_id, self.ids.uuid()
        )
        request: dict[str, Any] = {"Bucket": put.export.bucket, "Key": put.key, "Body": BytesBody(put.content)}
        if given.get("S3SseAlgorithm") == "KMS":
            request["ServerSideEncryption"] = "aws:kms"
        if "S3BucketOwner" in given:
            request["ExpectedBucketOwner"] = given["S3BucketOwner"]
        stored = await self.objects.put_object(caller, request)
        return str(stored["ETag"]).strip('"')

    async def _list_imported(self, one: Import, after: str) -> list[str]:
        request = {**self._source_of(one), "Prefix": one.prefix, "StartAfter": after}
        page = await self.objects.list_objects_v2(self._importer_of(one), request)
        return [listed["Key"] for listed in page.get("Contents", ())]

    async def _read_imported(self, one: Import, key: str) -> AsyncIterator[bytes]:
        return await self.objects.stream_object(self._importer_of(one), {**self._source_of(one), "Key": key})

    def _importer_of(self, one: Import) -> Caller:
        """As DynamoDB does with the rights of who asked for the import."""
        table = one.key.table
        return Caller(table.account_id, table.region, one.caller_arn, one.access_key_id, self.ids.uuid())

    def _source_of(self, one: Import) -> dict[str, str]:
        owner = one.request["S3BucketSource"].get("S3BucketOwner")
        return {"Bucket": one.bucket, **({"ExpectedBucketOwner": owner} if owner else {})}

    async def _put_object(self, put: NewObject) -> None:
        """As Lambda would with the permissions of the function's account."""
        arn = f"arn:aws:iam::{put.account_id}:root"
        caller = Caller(put.account_id, put.region, arn, "lambda.amazonaws.com", self.ids.uuid(), trace=put.trace)
        request = {"Bucket": put.bucket, "Key": put.key, "Body": BytesBody(put.content)}
        await self.objects.put_object(caller, {**request, "ContentType": "application/json"})

    def _log_line(self, spec: FunctionSpec, stream: str, time_ms: int, line: bytes) -> None:
        self.log_writer.append(GroupKey(spec.account_id, spec.region, spec.log_group), stream, time_ms, line)


def _isolation_policy(settings: Settings) -> IsolationPolicy:
    """`process` is the only level that must be asked for by name; `auto` never ends there."""
    level = None if settings.isolation == "auto" else Level(settings.isolation)
    return IsolationPolicy(level, allow_process=level is Level.PROCESS, cpu_quota=settings.cpu_quota)
