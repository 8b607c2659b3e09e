"""The composition root: builds every part, hands each what it needs, and runs them in one TaskGroup.

Nothing here decides anything. Read it to see what exists and who knows whom: a service never imports another, it is
given a callable here. `Platform.started` is the whole of Lambent as a context manager (`lambent demo` uses it), `run`
is `lambent up`.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import resource
import secrets
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

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
from lambent.delivery.event_source_mappings import mappings, source_finder
from lambent.delivery.event_source_mappings.internal_page import MappingsPage
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
from lambent.delivery.targets import Targets
from lambent.delivery.topics import Topics
from lambent.delivery.universal_calls import UniversalCalls
from lambent.gateway.auth import Authenticator
from lambent.gateway.credentials import CredentialStore
from lambent.gateway.dispatch import Gateway, Page
from lambent.gateway.endpoints import ServedService
from lambent.gateway.metrics_page import MetricsPage
from lambent.gateway.process_figures import ProcessFigures, Sources
from lambent.gateway.website import WebsiteServer
from lambent.kit.clock import Clock, SystemClock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids, RandomIds
from lambent.kit.meter import Meter
from lambent.net import doorway
from lambent.net.listener import Adopted, Listener, PortInUse
from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.contract import IsolationUnavailable, Level
from lambent.sandbox.pool import Outside, Pool, PoolSettings
from lambent.sandbox.types import FunctionSpec, RoleCredentials
from lambent.services.caller import Caller
from lambent.services.cloudwatch.operations import CloudWatchOperations
from lambent.services.cloudwatch.publisher import Publisher
from lambent.services.cloudwatch.retention import MetricRetention
from lambent.services.dynamodb.lifetime import Lifetime
from lambent.services.dynamodb.operations import DynamoOperations
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.stream_operations import StreamOperations
from lambent.services.dynamodb.stream_retention import StreamRetention
from lambent.services.dynamodb.table_cache import TableCache
from lambent.services.dynamodb.table_meters import TableMeters
from lambent.services.dynamodb.table_upkeep import TableUpkeep
from lambent.services.dynamodb.throttling import Throttle
from lambent.services.events.operations import EventsOperations
from lambent.services.events.retention import ArchiveRetention
from lambent.services.happenings import Happenings
from lambent.services.kinesis.operations import KinesisOperations
from lambent.services.kinesis.parts import KinesisParts
from lambent.services.kinesis.retention import RecordRetention
from lambent.services.kinesis.stream_cache import StreamCache
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle as ShardThrottle
from lambent.services.lambda_ import store as lambda_store
from lambent.services.lambda_.internal_pages import InternalPages
from lambent.services.lambda_.invoker import Invoker
from lambent.services.lambda_.operations import LambdaOperations
from lambent.services.lambda_.package_files import PackageFiles
from lambent.services.lambda_.parts import LambdaParts
from lambent.services.lambda_.upkeep import Upkeep
from lambent.services.logs.live_tail import LiveTails
from lambent.services.logs.names import GroupKey
from lambent.services.logs.operations import LogsOperations
from lambent.services.logs.retention import Retention
from lambent.services.logs.tail_operations import TailPage
from lambent.services.logs.writer import LogWriter
from lambent.services.s3 import checksums
from lambent.services.s3.operations import S3Operations
from lambent.services.scheduler import universal_targets
from lambent.services.scheduler.operations import SchedulerOperations
from lambent.services.sns.envelopes import CERTIFICATE_PAGE
from lambent.services.sns.operations import SnsOperations
from lambent.services.sns.topic_meters import TopicMeters
from lambent.services.sqs import query_names
from lambent.services.sqs.operations import SqsOperations
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queue_gauges import QueueGauges
from lambent.services.sqs.queue_meters import QueueMeters
from lambent.services.sqs.receiving import Receiver
from lambent.services.sqs.upkeep import Upkeep as QueueUpkeep
from lambent.settings import Settings
from lambent.storage.blobs import BlobStore
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.lock import DirectoryLock
from lambent.wire.http import BytesBody
from lambent.wire.model import load_service

#: Other threads (the writer, blobs) wait at most so long for a busy event loop to let go of the interpreter.
SWITCH_INTERVAL_SECONDS = 0.0005

#: Objects allocated between two looks for cycles; requests make hardly any, and each look costs them.
GARBAGE_THRESHOLD = 20_000

#: After the start: what the first request would otherwise wait for, and the first answer need not.
PRELOAD_SECONDS = 0.3

log = logging.getLogger("lambent")


class StartError(Exception):
    """The platform cannot start; the message says why and what to do."""


@frozen
class Ready:
    """What somebody who waits for the platform wants to know."""

    endpoint: str
    data: Path
    isolation: str


class Access:
    """What an execution environment has of the platform: its endpoint and its role's credentials, while it lives."""

    def __init__(self, credentials: CredentialStore) -> None:
        self._credentials = credentials
        self._keys: dict[str, str] = {}
        self.listener: Listener

    def issue(self, spec: FunctionSpec, environment_id: str) -> RoleCredentials:
        issued = self._credentials.issue(spec.role_arn, spec.name, account_id=spec.account_id)
        self._keys[environment_id] = issued.access_key_id
        return issued

    async def serve(self, listening: socket.socket, _spec: FunctionSpec, environment_id: str) -> "Visit":
        return Visit(self, await self.listener.adopt(listening, environment_id), environment_id)

    def connections(self) -> Counter[str]:
        return self.listener.connections()

    def revoke(self, environment_id: str) -> None:
        key = self._keys.pop(environment_id, None)
        if key is not None:
            self._credentials.revoke(key)


class Visit:
    """An environment's listening socket; closing it ends the environment's access."""

    def __init__(self, access: Access, adopted: Adopted, environment_id: str) -> None:
        self._access = access
        self._adopted = adopted
        self._environment_id = environment_id

    async def close(self) -> None:
        self._adopted.close()
        self._access.revoke(self._environment_id)


class Platform:
    """All parts, built and connected; `serve` runs them."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, ids: Ids) -> None:
        self.settings = settings
        self._database = database
        self._clock = clock
        self._ids = ids
        self._credentials = CredentialStore(settings.credentials, clock=clock, ids=ids)
        self._access = Access(self._credentials)
        self.blobs = BlobStore(settings.data / "blobs", ids)
        self._happenings = Happenings()
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
        self._build_gateway()

    def _build_logs(self) -> None:
        database, clock = self._database, self._clock
        self._tails = LiveTails()
        self.log_writer = LogWriter(database, self._tails, clock)
        self.retention = Retention(database, clock)

    def _build_log_subscriptions(self) -> None:
        database, clock, ids = self._database, self._clock, self._ids
        self.log_subscriptions = LogSubscriptions(database=database, targets=self.targets, clock=clock, ids=ids)
        self._logs = LogsOperations(database, self.log_writer, self._tails, clock, ids, self.log_subscriptions.probe)

    def _build_functions(self) -> None:
        settings, database, clock, ids = self.settings, self._database, self._clock, self._ids
        self._packages = PackageFiles(
            settings.data / "packages",
            is_used=lambda sha256: database.read(lambda tx: lambda_store.package_is_used(tx, sha256)),
        )
        self.pool = self._build_pool()
        self.invoker = Invoker(
            database=database,
            run=self.pool.invoke,
            packages=self._packages,
            clock=clock,
            happenings=self._happenings,
            meter=self.meter,
            account_concurrency=settings.concurrency,
        )
        self.upkeep = Upkeep(
            retire=self.pool.retire,
            environments=self.pool.snapshot,
            packages=self._packages,
            interpreters=self.pool.supported_runtimes(),
            clock=clock,
        )
        self.async_invocations = AsyncInvocations(
            database=database,
            invoke=self.invoker.invoke_queued,
            functions=self.invoker,
            happenings=self._happenings,
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
                clock=self._clock,
                ids=self._ids,
                log=self._log_line,
                credentials=self._access.issue,
                serve_platform=self._access.serve,
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
            database=self._database,
            blobs=self.blobs,
            clock=self._clock,
            ids=self._ids,
            tell=notifications.tell(self.targets, self._clock, self._ids),
        )
        self._lambda_parts = LambdaParts(
            database=self._database,
            packages=self._packages,
            invoker=self.invoker,
            upkeep=self.upkeep,
            happenings=self._happenings,
            clock=self._clock,
            ids=self._ids,
            installed_runtimes=self.pool.supported_runtimes(),
            prepare_runtime=self.pool.prepare,
            fetch_object=self.objects.read_object,
            begin_reading=lambda tx, mapping: mappings.begin(tx, mapping, source_finder.find),
            link_secret=secrets.token_bytes(32),
        )

    def _build_tables(self) -> None:
        database, clock = self._database, self._clock
        self.tables = DynamoParts(
            database, TableCache(database), Throttle(clock), clock, self._ids, TableMeters(self.meter)
        )
        self.table_upkeep = TableUpkeep(database, clock)
        self.lifetime = Lifetime(database, clock)
        self.stream_retention = StreamRetention(database, clock)

    def _build_streams(self) -> None:
        database, clock = self._database, self._clock
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
            ids=self._ids,
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
                "logs": log_group_target.sender(self._tails),
            }
        )
        self.parcels = Parcels(
            database=self._database,
            targets=self.targets,
            happenings=self._happenings,
            meter=self.meter,
            clock=self._clock,
            ids=self._ids,
        )
        self.parcels.register(notifications.owner())
        self.parcels.register(outcomes.owner(self._put_object, self._clock, self._ids))

    def _build_queues(self) -> None:
        self.receiver = Receiver(self._database, self._clock)
        self.queues = QueueParts(self._database, self.receiver, QueueMeters(self.meter), self._clock, self._ids)
        self.queue_upkeep = QueueUpkeep(self._database, self._clock, self._ids)
        self.meter.gauge(QueueGauges(self._database, self._clock).read)

    def _build_topics(self) -> None:
        self._signer = MessageSigner(self._database, self._clock)
        self.topics = Topics(
            database=self._database,
            sending=self.parcels,
            carry=HttpPosts(self._clock).carry,
            signer=self._signer,
            clock=self._clock,
        )

    def _build_buses(self) -> None:
        database, clock, ids = self._database, self._clock, self._ids
        self.rules = Rules(database=database, parcels=self.parcels, meter=self.meter, clock=clock)
        self.scheduled_rules = ScheduledRules(database=database, clock=clock, ids=ids)
        self.replays = Replays(database, clock)
        self.archive_retention = ArchiveRetention(database, clock)
        self._events = EventsOperations(
            database=database, clock=clock, ids=ids, meter=self.meter, serves_target=self.targets.serves
        )

    def _build_metrics(self) -> None:
        self.publisher = Publisher(self._database, self.meter, self._clock)
        self.metric_retention = MetricRetention(self._database, self._clock)
        self.figures = ProcessFigures(
            Sources(
                commits=self._database.commits,
                environments=self.pool.snapshot,
                connections=self._access.connections,
                backlog=self.async_invocations.depths,
            )
        )

    def _build_mappings(self) -> None:
        self.mappings = Mappings(
            MappingParts(
                database=self._database,
                functions=self.invoker,
                parcels=self.parcels,
                find_source=source_finder.find,
                happenings=self._happenings,
                meter=self.meter,
                clock=self._clock,
                ids=self._ids,
                jitter=random.random,
            )
        )

    def _build_schedules(self) -> None:
        calls = UniversalCalls(self._call_api, self._ids)
        self.parcels.register(schedule_messages.owner(calls.carry, random.random))
        self.schedules = Schedules(
            database=self._database,
            parcels=self.parcels,
            clock=self._clock,
            ids=self._ids,
            spread=random.random,
        )
        self._scheduler = SchedulerOperations(
            self._database, self._clock, accepts=self._is_target_of_schedules, spread=random.random
        )

    async def _call_api(self, caller: Caller, service: str, action: str, request: Mapping[str, Any]) -> None:
        """What the gateway does for clients, from inside."""
        await self.gateway.calls.call(caller, service, action, request)

    def _is_target_of_schedules(self, arn: str) -> bool:
        action = universal_targets.parse(arn)
        return self.targets.serves(arn) if action is None else self.gateway.calls.knows(action.service, action.action)

    async def _put_object(self, put: NewObject) -> None:
        """As Lambda would with the permissions of the function's account."""
        arn = f"arn:aws:iam::{put.account_id}:root"
        caller = Caller(put.account_id, put.region, arn, "lambda.amazonaws.com", self._ids.uuid(), trace=put.trace)
        request = {"Bucket": put.bucket, "Key": put.key, "Body": BytesBody(put.content)}
        await self.objects.put_object(caller, {**request, "ContentType": "application/json"})

    def _build_gateway(self) -> None:
        settings = self.settings
        functions = LambdaOperations(self._lambda_parts)
        pages = InternalPages(self._lambda_parts)
        tail = TailPage(self._tails)
        self.gateway = Gateway(
            [
                ServedService(
                    load_service("s3", S3Operations.SERVED, amendments=S3Operations.AMENDMENTS),
                    self.objects,
                    allows_anonymous=True,
                ),
                ServedService(
                    load_service(
                        "lambda",
                        LambdaOperations.SERVED,
                        open_enums=["Runtime"],
                        amendments=LambdaOperations.AMENDMENTS,
                    ),
                    functions,
                ),
                ServedService(load_service("logs", LogsOperations.SERVED), self._logs),
                ServedService(load_service("events", EventsOperations.SERVED), self._events),
                ServedService(
                    load_service("cloudwatch", CloudWatchOperations.SERVED),
                    CloudWatchOperations(self._database, self._clock),
                ),
                ServedService(
                    load_service("dynamodb", DynamoOperations.SERVED, opaque={"AttributeValue"}),
                    DynamoOperations(self.tables),
                ),
                ServedService(
                    load_service("dynamodbstreams", StreamOperations.SERVED, opaque={"AttributeValue"}),
                    StreamOperations(self._database, self._clock),
                ),
                ServedService(load_service("kinesis", KinesisOperations.SERVED), KinesisOperations(self.streams)),
                ServedService(
                    load_service("sns", SnsOperations.SERVED, amendments=SnsOperations.AMENDMENTS),
                    SnsOperations(self._database, self._clock, self._ids, TopicMeters(self.meter)),
                ),
                ServedService(load_service("scheduler", SchedulerOperations.SERVED), self._scheduler),
                self._queue_service(),
            ],
            authenticator=Authenticator(
                self._credentials,
                clock=self._clock,
                region=settings.region,
                account_id=settings.account_id,
                is_open=not settings.auth,
            ),
            ids=self._ids,
            website=WebsiteServer(self.objects.site),
            pages={
                "events": Page(pages.recent_events),
                "packages": Page(pages.package, is_public=True),
                "event-source-mappings": Page(MappingsPage(self.mappings).serve),
                "tail": Page(tail.serve),
                CERTIFICATE_PAGE: Page(self._signer.serve_certificate, is_public=True),
                "metrics": Page(MetricsPage(self.meter, self.figures.families).serve, takes_password=True),
            },
        )

    def _queue_service(self) -> ServedService:
        served, open_enums = SqsOperations.SERVED, query_names.OPEN_ENUMS
        return ServedService(
            load_service("sqs", served, open_enums=open_enums, amendments=query_names.AMENDMENTS),
            SqsOperations(self.queues),
            allows_anonymous=True,
            query=load_service("sqs", served, open_enums=open_enums, amendments=query_names.QUERY_AMENDMENTS),
        )

    def _log_line(self, spec: FunctionSpec, stream: str, time_ms: int, line: bytes) -> None:
        self.log_writer.append(GroupKey(spec.account_id, spec.region, spec.log_group), stream, time_ms, line)

    @property
    def endpoint(self) -> str:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """From listening to drained. Raises StartError."""
        settings = self.settings
        async with asyncio.TaskGroup() as tasks, Listener(self.gateway.handle) as listener:
            self._access.listener = listener
            await self.objects.sweep()
            await self._packages.sweep()
            await self._listen(listener)
            await self._start_pool()
            background = [tasks.create_task(part) for part in self._background()]
            yield
            self._tails.close()
            self.subscriptions.close()
            self.receiver.close()
            await listener.drain(settings.drain_seconds)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.drain_seconds):
                    await asyncio.gather(self.async_invocations.drain(), self.mappings.drain(), self.parcels.drain())
            for task in background:
                task.cancel()
            await self.pool.close()
            await self.log_writer.close()
            await self.publisher.close()

    def _background(self) -> list[Any]:
        """The loops that run as long as the platform; one that ends takes everything with it."""
        return [
            self.log_writer.run(),
            self.retention.run(),
            self.invoker.follow_changes(),
            self.upkeep.run(),
            self.notifications.run(),
            self.async_invocations.run(),
            self.mappings.run(),
            self.topics.run(),
            self.rules.run(),
            self.scheduled_rules.run(),
            self.replays.run(),
            self.archive_retention.run(),
            self.log_subscriptions.run(),
            self.parcels.run(),
            self.schedules.run(),
            self.table_upkeep.run(),
            self.lifetime.run(),
            self.stream_retention.run(),
            self.record_retention.run(),
            self.queue_upkeep.run(),
            self.publisher.run(),
            self.metric_retention.run(),
            self.figures.run(),
        ]

    async def _start_pool(self) -> None:
        try:
            await self.pool.start()
        except IsolationUnavailable as error:
            raise StartError(str(error)) from error
        for runtime in self._database.read(lambda_store.runtimes_in_use):
            self.pool.prepare(runtime)

    async def _listen(self, listener: Listener) -> None:
        settings = self.settings
        try:
            await listener.bind(settings.host, settings.port)
        except PortInUse as error:
            raise StartError(f"{error}; stop that one, or choose another with --port") from error
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise StartError(f"cannot listen on {settings.host} ({why}); choose another --host") from error
        self.port = listener.port

    @classmethod
    @asynccontextmanager
    async def started(
        cls, settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None
    ) -> AsyncIterator["Platform"]:
        """The whole of Lambent, listening. Raises StartError, StorageError, IsolationUnavailable."""
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        lock = DirectoryLock.acquire(settings.data)
        try:
            database = Database.open(settings.data / "lambent.db")
            try:
                platform = cls(settings, database, clock or SystemClock(), ids or RandomIds())
                async with platform.serving():
                    lock.note(platform.endpoint)
                    yield platform
                platform.blobs.close()
            finally:
                await database.close()
        finally:
            lock.release()


def _isolation_policy(settings: Settings) -> IsolationPolicy:
    """`process` is the only level that must be asked for by name; `auto` never ends there."""
    level = None if settings.isolation == "auto" else Level(settings.isolation)
    return IsolationPolicy(level, allow_process=level is Level.PROCESS, cpu_quota=settings.cpu_quota)


def _settle_garbage() -> None:
    """What start-up made lives as long as the process: never look at it again. And look less often at the rest.

    It is not searched for garbage either: that took 30 ms of the start and found none.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()


def run(settings: Settings, *, on_ready: Callable[[Ready], None]) -> int:
    """`lambent up`: serve until SIGTERM or Ctrl-C, drain, and return 0. Raises StartError."""
    _raise_file_limit()
    gc.disable()  # until all is built
    try:
        uvloop.run(_run(settings, on_ready))
    except ExceptionGroup as group:  # how a TaskGroup passes on what was raised in it
        expected, unexpected = group.split(_REFUSALS)
        if expected is None or unexpected is not None:
            raise
        raise StartError(str(_first(expected))) from group
    except _REFUSALS as error:
        raise StartError(str(error)) from error
    return 0


#: For connections, objects being read, and a handful per execution environment.
_WANTED_FILES = 65_536


def _raise_file_limit() -> None:
    """Systems start a process with 1,024 descriptors, which a few busy functions would use up; it may take more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError):  # macOS has a further limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


#: What keeps a platform from starting, for reasons its operator can do something about.
_REFUSALS = (StartError, StorageError, IsolationUnavailable)


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _run(settings: Settings, on_ready: Callable[[Ready], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Platform.started(settings) as platform:
        _settle_garbage()
        for preload in (checksums.preload, doorway.preload):
            loop.call_later(PRELOAD_SECONDS, preload)
        on_ready(Ready(platform.endpoint, settings.data, platform.pool.isolation))
        await stop.wait()
