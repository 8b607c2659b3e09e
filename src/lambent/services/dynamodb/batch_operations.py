"""BatchGetItem and BatchWriteItem: many items of several tables in one call.

AWS promises nothing about a batch as a whole; here all its writes share one commit, which is why it is fast.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.errors import ProvisionedThroughputExceeded, ValidationException
from lambent.services.dynamodb.expressions.projections import Projection
from lambent.services.dynamodb.item_collections import describe_collections
from lambent.services.dynamodb.item_operations import read_projection
from lambent.services.dynamodb.item_store import Outcome, Written
from lambent.services.dynamodb.keys import Key, key_of
from lambent.services.dynamodb.parts import DynamoParts, Prepared
from lambent.services.dynamodb.plain_items import weigh
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import check_item
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

Request = dict[str, Any]
Result = dict[str, Any]

#: API Reference, BatchGetItem and BatchWriteItem.
MAX_GETS = 100
MAX_WRITES = 25
MAX_RESPONSE_BYTES = 16 * 1024 * 1024
#: Look-ups that the event loop makes itself; more go to a thread.
_GETS_ON_LOOP = 25

_DUPLICATES = "Provided list of item keys contains duplicates"


class BatchOperations:
    SERVED = frozenset(("BatchGetItem", "BatchWriteItem"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    # Reading

    async def batch_get_item(self, caller: Caller, request: Request) -> Result:
        wanted = [_Wanted(self._parts, caller, name, given) for name, given in request["RequestItems"].items()]
        _check_gets(wanted)
        is_small = sum(len(one.keys) for one in wanted) <= _GETS_ON_LOOP
        work = _reader(wanted)
        found = self._parts.database.read(work) if is_small else await self._parts.database.scan(work)
        result: Result = {"Responses": {}, "UnprocessedKeys": {}}
        mode = request.get("ReturnConsumedCapacity", "NONE")
        described = []
        for one, items in zip(wanted, found, strict=True):
            result["Responses"][one.name] = [one.pick(item) for item in items if item is not None]
            if len(items) < len(one.keys):
                result["UnprocessedKeys"][one.name] = {**one.given, "Keys": one.given["Keys"][len(items) :]}
            consumed = one.consumed_by(items)
            self._parts.charge_read(one.table, consumed)
            described.append(capacity.describe(one.table, consumed, mode))
        if mode != "NONE":
            result["ConsumedCapacity"] = described
        return result

    # Writing

    async def batch_write_item(self, caller: Caller, request: Request) -> Result:
        named_drafts, originals = _read_writes(request["RequestItems"])
        unprocessed: dict[str, list[Any]] = {}

        def prepare() -> list[Prepared]:
            prepared = self._parts.prepare(caller, named_drafts)
            _check_distinct(prepared)
            unprocessed.clear()
            return self._admitted(prepared, originals, unprocessed)

        prepared, outcomes = await self._parts.write_each(prepare)
        written = [_accepted(outcome) for outcome in outcomes]
        result: Result = {"UnprocessedItems": unprocessed}
        self._parts.charge_writes(prepared, written)
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if mode != "NONE":
            result["ConsumedCapacity"] = capacity.describe_writes([one.table for one in prepared], written, mode)
        if request.get("ReturnItemCollectionMetrics") == "SIZE":
            result["ItemCollectionMetrics"] = self._parts.database.read(
                lambda tx: describe_collections(tx, [(one.table, one.change.key_item) for one in prepared])
            )
        return result

    def _admitted(
        self, prepared: Sequence[Prepared], originals: Sequence[Any], unprocessed: dict[str, list[Any]]
    ) -> list[Prepared]:
        """Without what throttled tables do not take now. Raises ProvisionedThroughputExceeded if nothing is left."""
        admitted = []
        refusal = None
        for one, original in zip(prepared, originals, strict=True):
            try:
                if one.table.is_throttled:
                    self._parts.throttle.admit(one.table, is_write=True)
            except ProvisionedThroughputExceeded as error:
                refusal = error
                unprocessed.setdefault(one.name, []).append(original)
            else:
                admitted.append(one)
        if refusal is not None and not admitted:
            raise refusal
        return admitted


class _Wanted:
    """What a BatchGetItem asks of one table. Raises a ServiceError."""

    __slots__ = ("given", "is_consistent", "keys", "name", "projection", "table")

    def __init__(self, parts: DynamoParts, caller: Caller, name: str, given: Mapping[str, Any]) -> None:
        self.name = name
        self.given = given
        self.projection: Projection | None = read_projection(given)
        self.is_consistent: bool = given.get("ConsistentRead", False)
        key_items = [check_item(key) for key in given["Keys"]]
        self.table: Table = parts.tables.find(caller, name)
        self.keys: list[Key] = [key_of(key, self.table.schema) for key in key_items]
        if self.table.is_throttled:
            parts.throttle.admit(self.table, is_write=False)

    def pick(self, item: StoredItem) -> Any:
        return item.fragment if self.projection is None else self.projection.pick(item.item)

    def consumed_by(self, items: Sequence[StoredItem | None]) -> Consumed:
        sizes = [item.size if item is not None else 0 for item in items]
        return Consumed(sum(capacity.read_units(size, is_consistent=self.is_consistent) for size in sizes))


def _check_gets(wanted: Sequence[_Wanted]) -> None:
    if sum(len(one.keys) for one in wanted) > MAX_GETS:
        raise ValidationException("Too many items requested for the BatchGetItem call")
    seen: set[tuple[int, Key]] = set()
    for one in wanted:
        seen.update((one.table.table_id, key) for key in one.keys)
    if len(seen) < sum(len(one.keys) for one in wanted):
        raise ValidationException(_DUPLICATES)


def _reader(wanted: Sequence[_Wanted]) -> Any:
    """Items by table, in the order of the keys; shorter than the keys where 16 MB were reached."""

    def read(tx: Transaction) -> list[list[StoredItem | None]]:
        size = 0
        found: list[list[StoredItem | None]] = []
        for one in wanted:
            items: list[StoredItem | None] = []
            for key in one.keys:
                item = item_store.find_item(tx, one.table.table_id, key) if size < MAX_RESPONSE_BYTES else None
                size += item.size if item is not None else 0
                if size >= MAX_RESPONSE_BYTES:
                    break
                items.append(item)
            found.append(items)
        return found

    return read


def _read_writes(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[list[tuple[str, Draft]], list[Any]]:
    """Drafts with the names of their tables, and the requests they were made of."""
    originals = list(_flattened(tables))
    if len(originals) > MAX_WRITES:
        raise ValidationException("Too many items requested for the BatchWriteItem call")
    return [(name, _draft(one)) for name, one in originals], [one for _, one in originals]


def _flattened(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, requests in tables.items():
        for one in requests:
            yield name, one


def _draft(one: Mapping[str, Any]) -> Draft:
    if len(one) != 1:
        raise ValidationException(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    if "PutRequest" in one:
        item, size = weigh(one["PutRequest"]["Item"])
        return Draft(item, put=drafts.encode_put(item, size))
    return Draft(check_item(one["DeleteRequest"]["Key"]))


def _check_distinct(prepared: Sequence[Prepared]) -> None:
    if len({(one.table.table_id, one.change.key) for one in prepared}) < len(prepared):
        raise ValidationException(_DUPLICATES)


def _accepted(outcome: Outcome) -> Written:
    """Nothing in a batch has a condition, and what does not fit its table was refused before."""
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome
