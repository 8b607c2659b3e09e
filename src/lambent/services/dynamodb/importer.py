"""The importer: reads the files of imports and puts their items, woken when one is begun.

What was read goes into the table a portion at a time, in one transaction with how far it was read, so a crash repeats
nothing. A record that is no fit item is counted, and what cannot be made out at all ends its file; the import goes on,
is FAILED in the end, and its table has what was fit (ACK's DynamoDB notes, DDB-IMPORT-013). If S3 refuses before
anything was put, there is no table.
"""

import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from lambent.kit.clock import Clock
from lambent.services.dynamodb import drafts, import_store, imports, table_store
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.import_formats import Format, Records, Unreadable, format_of
from lambent.services.dynamodb.imports import Failure, Import
from lambent.services.dynamodb.item_store import Change
from lambent.services.dynamodb.plain_items import weigh
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item
from lambent.storage.database import Database
from lambent.wire.errors import ServiceError

#: What goes into the table in one transaction: records, and bytes of them.
PORTION = 200
PORTION_BYTES = 1024 * 1024
#: Pause after a failure (a full disk, or a bug) before the import goes on.
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Source(NamedTuple):
    """How an import reaches its bucket, with the rights of whoever asked for it. All raise ServiceError as S3 would."""

    list_keys: Callable[[Import, str], Awaitable[list[str]]]
    """A page of those behind a key, in their order; [] if there are none."""
    read_object: Callable[[Import, str], Awaitable[AsyncIterator[bytes]]]


class Importer:
    def __init__(self, database: Database, clock: Clock, source: Source) -> None:
        self._database = database
        self._clock = clock
        self._source = source

    async def run(self) -> None:
        """Import for ever, until cancelled."""
        begun = self._database.subscribe(import_store.IMPORTS_TOPIC)
        while True:
            try:
                await self.work_off()
            except Exception:
                # Whatever it is: the import must wait for its mending, and not stop the platform.
                logger.exception("an import failed; it goes on later")
                await self._clock.sleep(RETRY_SECONDS)
            else:
                await begun.wait()

    async def work_off(self) -> None:
        """All that was begun."""
        while (one := self._database.read(import_store.next_in_progress)) is not None:
            work = _Work(one, self._find_table(one))
            failure: Failure | None
            try:
                await self._read_all(work)
                failure, keeps_table = imports.failure_of(work.progress), True
            except ServiceError as error:
                failure, keeps_table = Failure(f"S3{error.code}", error.message), work.progress.imported > 0
            await self._end(one, failure, keeps_table=keeps_table)

    def _find_table(self, one: Import) -> Table:
        table = self._database.read(lambda tx: table_store.find_table_by_id(tx, one.table_id))
        assert table is not None, "a table cannot be deleted while it is being filled"
        return table

    async def _read_all(self, work: "_Work") -> None:
        while keys := await self._source.list_keys(work.one, work.progress.after_key):
            for key in keys:
                await self._read_object(work, key)

    async def _read_object(self, work: "_Work", key: str) -> None:
        """What is left of it."""
        file = _File(key, format_of(work.one.request), skipped=work.done_of(key))
        try:
            async for record in self._records(work.one, key):
                work.take(file, record)
                if work.is_full:
                    await self._store(work)
        except Unreadable as error:
            work.refuse(file, str(error))
        except ServiceError as error:
            if error.code != "NoSuchKey":
                raise
            work.refuse(file, "it was deleted meanwhile")
        work.finish(key)
        await self._store(work)

    async def _records(self, one: Import, key: str) -> AsyncIterator[bytes]:
        is_compressed = one.request.get("InputCompressionType") == "GZIP"
        records = Records(is_compressed=is_compressed, is_quoted=one.request["InputFormat"] == "CSV")
        async for piece in await self._source.read_object(one, key):
            for record in records.feed(piece):
                yield record
        for record in records.end():
            yield record

    async def _store(self, work: "_Work") -> None:
        changes, progress, now_ms = work.take_changes(), work.progress, self._clock.now_ms()
        await self._database.write(lambda tx: import_store.enter_items(tx, work.one, changes, progress, now_ms=now_ms))

    async def _end(self, one: Import, failure: Failure | None, *, keeps_table: bool) -> None:
        now_ms = self._clock.now_ms()
        await self._database.write(
            lambda tx: import_store.end_import(tx, one, failure, keeps_table=keeps_table, now_ms=now_ms)
        )


class _File:
    """An object that is being read."""

    def __init__(self, key: str, form: Format, *, skipped: int) -> None:
        self.key = key
        self.form = form
        self.skipped = skipped
        """Records of it that were imported before a crash."""
        self.records = 0


class _Work:
    """An import under way: what has been read of it, and what of that has not been put yet."""

    def __init__(self, one: Import, table: Table) -> None:
        self.one = one
        self.progress = one.progress
        self._table = table
        self._changes: list[Change] = []
        self._bytes = 0
        self._taken = 0

    @property
    def is_full(self) -> bool:
        return self._taken >= PORTION or self._bytes >= PORTION_BYTES

    def done_of(self, key: str) -> int:
        """Records of that object that were imported before a crash."""
        return self.progress.records if self.progress.reading_key == key else 0

    def take(self, file: _File, record: bytes) -> None:
        """Raises Unreadable."""
        item = file.form.decode(record)
        if item is None:
            return
        file.records += 1
        if file.records <= file.skipped:
            return
        self._taken += 1
        self._bytes += len(record)
        try:
            self._changes.append(self._change(item))
        except ServiceError as error:
            self._count(file, len(record), f"item {file.records} of {file.key}: {error.message}")
        else:
            self._count(file, len(record))

    def refuse(self, file: _File, reason: str) -> None:
        """The rest of a file, which counts as one record."""
        file.records += 1
        if file.records > file.skipped:
            self._count(file, 0, f"item {file.records} of {file.key}: {reason}")

    def finish(self, key: str) -> None:
        self.progress = dataclasses.replace(self.progress, after_key=key, reading_key="", records=0)

    def take_changes(self) -> list[Change]:
        changes, self._changes, self._bytes, self._taken = self._changes, [], 0, 0
        return changes

    def _change(self, item: Item) -> Change:
        """Raises a ServiceError."""
        checked, size = weigh(item)
        return drafts.change_of(Draft(checked, put=drafts.encode_put(checked, size)), self._table)

    def _count(self, file: _File, size_bytes: int, error: str = "") -> None:
        progress = self.progress
        self.progress = dataclasses.replace(
            progress,
            reading_key=file.key,
            records=file.records,
            processed=progress.processed + 1,
            imported=progress.imported + (not error),
            size_bytes=progress.size_bytes + size_bytes,
            first_error=progress.first_error or error,
        )
