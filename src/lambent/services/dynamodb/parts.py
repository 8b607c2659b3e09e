"""What the operations of DynamoDB share: the database, the tables they know, the clock, who is throttled or told."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.item_store import Change, Outcome, TableChanged, Write, Written
from lambent.services.dynamodb.replication import Replication
from lambent.services.dynamodb.table_cache import TableCache
from lambent.services.dynamodb.table_meters import TableMeters
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.throttling import Throttle
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

T = TypeVar("T")


class Prepared(NamedTuple):
    """A change of one item, ready for the writer."""

    name: str
    """As the request calls the table."""
    table: Table
    change: Change


@frozen
class DynamoParts:
    database: Database
    tables: TableCache
    throttle: Throttle
    clock: Clock
    ids: Ids
    meters: TableMeters
    replication: Replication

    async def write_one(self, caller: Caller, name: str, draft: Draft) -> tuple[Table, Written]:
        """One item of one table, in a transaction of its own."""
        while True:
            table = self.tables.find(caller, name)
            change = drafts.change_of(draft, table, caller.trace)
            if table.is_throttled:
                self.throttle.admit(table, is_write=True)
            write = Write(table, change, self.clock.now_ms())
            try:
                (outcome,) = await self.database.write_shared(self._write_requests, (write,))
            except TableChanged:
                continue
            if isinstance(outcome, ServiceError):
                raise outcome
            self.meters.wrote(table, outcome)
            if table.is_throttled:
                self.throttle.charge(table, capacity.of_write(outcome).total, is_write=True)
            return table, outcome

    def prepare(self, caller: Caller, named_drafts: Sequence[tuple[str, Draft]]) -> list[Prepared]:
        """Raises ResourceNotFound, ValidationException."""
        prepared = []
        for name, draft in named_drafts:
            table = self.tables.find(caller, name)
            prepared.append(Prepared(name, table, drafts.change_of(draft, table, caller.trace)))
        return prepared

    async def write_each(self, prepare: Callable[[], list[Prepared]]) -> tuple[list[Prepared], list[Outcome]]:
        """Many items, each for itself, in one commit; prepared again when a table has changed."""
        while True:
            prepared = prepare()
            now_ms = self.clock.now_ms()
            writes = [Write(one.table, one.change, now_ms) for one in prepared]
            try:
                return prepared, await self.database.write_shared(self._write_requests, writes)
            except TableChanged:
                continue

    async def write_prepared(
        self,
        prepare: Callable[[], list[Prepared]],
        work: Callable[[Transaction, Sequence[Prepared], int], T],
    ) -> tuple[list[Prepared], T]:
        """`work` on many items of perhaps many tables, in one transaction; prepared again when a table has changed."""
        while True:
            prepared = prepare()
            now_ms = self.clock.now_ms()
            try:
                result = await self.database.write(lambda tx: work(tx, prepared, now_ms))  # noqa: B023 (awaited here)
            except TableChanged:
                continue
            return prepared, result

    def _write_requests(self, tx: Transaction, requests: Sequence[Sequence[Write]]) -> list[list[Outcome] | Exception]:
        return item_store.write_requests(tx, requests, self.replication.replicate)

    def charge_writes(self, prepared: Sequence[Prepared], written: Sequence[Written], *, factor: int = 1) -> None:
        for one, outcome in zip(prepared, written, strict=True):
            self.meters.wrote(one.table, outcome, factor=factor)
            if one.table.is_throttled:
                self.throttle.charge(one.table, capacity.of_write(outcome, factor=factor).total, is_write=True)

    def charge_read(self, table: Table, consumed: Consumed) -> None:
        self.meters.read(table, consumed.total)
        if table.is_throttled:
            self.throttle.charge(table, consumed.total, is_write=False)
