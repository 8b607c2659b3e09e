"""What the operations of DynamoDB share: the database, the tables they know, the clock, and who is throttled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.item_store import Change, TableChanged, Written
from lambent.services.dynamodb.table_cache import TableCache
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.throttling import Throttle
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DynamoParts:
    database: Database
    tables: TableCache
    throttle: Throttle
    clock: Clock
    ids: Ids

    async def write_one(self, caller: Caller, name: str, draft: Draft) -> tuple[Table, Written]:
        """One item of one table, in a transaction of its own."""
        while True:
            table = self.tables.find(caller, name)
            change = drafts.change_of(draft, table)
            if table.is_throttled:
                self.throttle.admit(table, is_write=True)
            now_ms = self.clock.now_ms()
            try:
                written = await self.database.write(
                    lambda tx: item_store.write_item(tx, table, change, now_ms=now_ms)  # noqa: B023 (run before the next turn)
                )
            except TableChanged:
                continue
            if table.is_throttled:
                self.throttle.charge(table, capacity.of_write(written).total, is_write=True)
            return table, written

    async def write_many(
        self,
        caller: Caller,
        named_drafts: Sequence[tuple[str, Draft]],
        work: Callable[[Transaction, Sequence[tuple[Table, Change]]], T],
    ) -> tuple[list[Table], T]:
        """`work` on many items of perhaps many tables, in one transaction. The tables are told in the same order."""
        while True:
            prepared = []
            for name, draft in named_drafts:
                table = self.tables.find(caller, name)
                prepared.append((table, drafts.change_of(draft, table)))
            try:
                result = await self.database.write(lambda tx: work(tx, prepared))  # noqa: B023 (run before the next turn)
            except TableChanged:
                continue
            return [table for table, _ in prepared], result

    def charge_read(self, table: Table, consumed: Consumed) -> None:
        if table.is_throttled:
            self.throttle.charge(table, consumed.total, is_write=False)
