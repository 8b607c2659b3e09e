"""The platform at work: listening, its background loops in one TaskGroup, and the way down again."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lambent.app import services
from lambent.app.parts import Parts
from lambent.kit.clock import Clock, SystemClock
from lambent.kit.ids import Ids, RandomIds
from lambent.net.listener import Listener, PortInUse
from lambent.sandbox.isolation.contract import IsolationUnavailable
from lambent.services.lambda_ import store as lambda_store
from lambent.settings import Settings
from lambent.storage.database import Database
from lambent.storage.lock import DirectoryLock

#: Other threads (the writer, blobs) wait at most so long for a busy event loop to let go of the interpreter.
SWITCH_INTERVAL_SECONDS = 0.00005


class StartError(Exception):
    """The platform cannot start; the message says why and what to do."""


class Platform:
    """`started` is the whole of Lambent as a context manager."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        parts.gateway = services.build_gateway(parts)

    @property
    def endpoint(self) -> str:
        host = self.parts.settings.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """From listening to drained. Raises StartError."""
        parts = self.parts
        async with asyncio.TaskGroup() as tasks, Listener(parts.gateway.handle) as listener:
            parts.access.listener = listener
            await parts.objects.sweep()
            await parts.packages.sweep()
            await self._listen(listener)
            await self._start_pool()
            background = [tasks.create_task(part) for part in self.background()]
            yield
            parts.tails.close()
            parts.subscriptions.close()
            parts.receiver.close()
            await listener.drain(parts.settings.drain_seconds)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(parts.settings.drain_seconds):
                    await asyncio.gather(parts.async_invocations.drain(), parts.mappings.drain(), parts.parcels.drain())
            for task in background:
                task.cancel()
            await parts.pool.close()
            await parts.log_writer.close()
            await parts.publisher.close()

    def background(self) -> list[Any]:
        """The loops that run as long as the platform; one that ends takes everything with it."""
        parts = self.parts
        return [
            parts.log_writer.run(),
            parts.retention.run(),
            parts.invoker.follow_changes(),
            parts.upkeep.run(),
            parts.notifications.run(),
            parts.burials.run(),
            parts.async_invocations.run(),
            parts.mappings.run(),
            parts.topics.run(),
            parts.rules.run(),
            parts.scheduled_rules.run(),
            parts.replays.run(),
            parts.archive_retention.run(),
            parts.log_subscriptions.run(),
            parts.parcels.run(),
            parts.schedules.run(),
            parts.table_upkeep.run(),
            parts.lifetime.run(),
            parts.table_replication.run(),
            parts.stream_retention.run(),
            parts.backup_retention.run(),
            parts.exporter.run(),
            parts.importer.run(),
            parts.record_retention.run(),
            parts.queue_upkeep.run(),
            parts.publisher.run(),
            parts.metric_retention.run(),
            parts.figures.run(),
        ]

    async def _start_pool(self) -> None:
        try:
            await self.parts.pool.start()
        except IsolationUnavailable as error:
            raise StartError(str(error)) from error
        for runtime in self.parts.database.read(lambda_store.runtimes_in_use):
            self.parts.pool.prepare(runtime)

    async def _listen(self, listener: Listener) -> None:
        settings = self.parts.settings
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
                platform = cls(Parts(settings, database, clock or SystemClock(), ids or RandomIds()))
                async with platform.serving():
                    lock.note(platform.endpoint)
                    yield platform
                platform.parts.blobs.close()
            finally:
                await database.close()
        finally:
            lock.release()
