"""What tables consume, for CloudWatch: AWS/DynamoDB, ConsumedReadCapacityUnits and ConsumedWriteCapacityUnits.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html. On the path of every read and
write, so a table's metrics are found by its id, and an item without index entries is counted without making a document
of it.
"""

from lambent.kit.meter import Distribution, Meter, Series
from lambent.services.dynamodb import capacity
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table

#: Tables whose metrics are at hand.
MAX_TABLES = 10_000

#: Of whatever is no larger than one unit.
_STRONG, _EVENTUAL = 1.0, 0.5


class TableMeters:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._reads: dict[int, Distribution] = {}
        self._writes: dict[int, Distribution] = {}

    def wrote(self, table: Table, written: Written, *, factor: int = 1) -> None:
        found = self._writes.get(table.table_id) or self._find(self._writes, table, "ConsumedWriteCapacityUnits")
        if written.indexes or factor != 1:
            found.add(capacity.of_write(written, factor=factor).total)
            return
        size = max(written.old.size if written.old else 0, written.new.size if written.new else 0)
        found.add(1.0 if size <= capacity.WRITE_UNIT_BYTES else capacity.write_units(size))

    def read(self, table: Table, units: float) -> None:
        found = self._reads.get(table.table_id) or self._find(self._reads, table, "ConsumedReadCapacityUnits")
        found.add(units)

    def read_item(self, table: Table, item: StoredItem | None, *, is_consistent: bool) -> None:
        if item is None or item.size <= capacity.READ_UNIT_BYTES:
            self.read(table, _STRONG if is_consistent else _EVENTUAL)
        else:
            self.read(table, capacity.read_units(item.size, is_consistent=is_consistent))

    def _find(self, known: dict[int, Distribution], table: Table, metric: str) -> Distribution:
        if len(known) >= MAX_TABLES:
            known.clear()
        key = table.key
        dimensions = ((("TableName", key.name),),)
        series = Series(key.account_id, key.region, "AWS/DynamoDB", metric, dimensions)
        found = known[table.table_id] = self._meter.series(series)
        return found
