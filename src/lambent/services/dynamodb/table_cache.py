"""The definitions of tables in memory, by the names that requests use; emptied by any commit that changes one.

A commit's announcement arrives on the event loop together with its result, so whoever has seen a table change never
meets the old definition. A write that was under way is told inside its transaction (`item_store.TableChanged`).
"""

from lambent.services.caller import Caller
from lambent.services.dynamodb import table_store
from lambent.services.dynamodb.names import read_table_key, table_not_found
from lambent.services.dynamodb.tables import Table
from lambent.storage.database import Database


class TableCache:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = database.subscribe(table_store.TABLES_TOPIC)
        self._tables: dict[tuple[str, str, str], Table] = {}

    def find(self, caller: Caller, name: str) -> Table:
        """`name` may be an ARN. Raises ResourceNotFound, ValidationException."""
        if self._changes.take():
            self._tables.clear()
        key = (caller.account_id, caller.region, name)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = self._read(caller, name)
        return table

    def _read(self, caller: Caller, name: str) -> Table:
        key = read_table_key(name, account_id=caller.account_id, region=caller.region)
        found = self._database.read(lambda tx: table_store.find_table(tx, key))
        if found is None or found.is_filling:
            raise table_not_found()
        return found
