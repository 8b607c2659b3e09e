"""PutItem, GetItem, UpdateItem, DeleteItem.

What a request says is checked and compiled here, on the event loop; the writer only asks the condition of the current
item and stores. An item that is read whole goes out as the bytes that are stored.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store, legacy
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.projections import Projection, compile_projection, pick_paths
from lambent.services.dynamodb.item_collections import describe_collection
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.keys import key_attributes, key_of
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import check_item

Request = dict[str, Any]
Result = dict[str, Any]


class ItemOperations:
    SERVED = frozenset(("PutItem", "GetItem", "UpdateItem", "DeleteItem"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def put_item(self, caller: Caller, request: Request) -> Result:
        wants_old = _wants_old(request)
        table, written = await self._parts.write_one(caller, request["TableName"], drafts.draft_put(request))
        result: Result = {}
        if wants_old and written.old is not None:
            result["Attributes"] = written.old.fragment
        return self._with_metrics(result, request, table, written)

    async def delete_item(self, caller: Caller, request: Request) -> Result:
        wants_old = _wants_old(request)
        table, written = await self._parts.write_one(caller, request["TableName"], drafts.draft_delete(request))
        result: Result = {}
        if wants_old and written.old is not None:
            result["Attributes"] = written.old.fragment
        return self._with_metrics(result, request, table, written)

    async def update_item(self, caller: Caller, request: Request) -> Result:
        draft = drafts.draft_update(request)
        table, written = await self._parts.write_one(caller, request["TableName"], draft)
        result: Result = {}
        assert draft.update is not None
        match request.get("ReturnValues", "NONE"):
            case "ALL_NEW" if written.new is not None:
                result["Attributes"] = written.new.fragment
            case "ALL_OLD" if written.old is not None:
                result["Attributes"] = written.old.fragment
            case "UPDATED_NEW" if written.new is not None:
                result["Attributes"] = pick_paths(written.new.item, draft.update.paths) or None
            case "UPDATED_OLD" if written.old is not None:
                result["Attributes"] = pick_paths(written.old.item, draft.update.paths) or None
        return self._with_metrics(result, request, table, written)

    async def get_item(self, caller: Caller, request: Request) -> Result:
        projection = read_projection(request)
        key_item = check_item(request["Key"])
        table = self._parts.tables.find(caller, request["TableName"])
        key = key_of(key_item, table.schema)
        if table.is_throttled:
            self._parts.throttle.admit(table, is_write=False)
        found = self._parts.database.look_up(lambda tx: item_store.find_item(tx, table.table_id, key))
        result: Result = {}
        if found is not None:
            result["Item"] = found.fragment if projection is None else projection.pick(found.item)
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if mode != "NONE" or table.is_throttled:
            consumed = _read_consumed(found, is_consistent=request.get("ConsistentRead", False))
            self._parts.charge_read(table, consumed)
            result["ConsumedCapacity"] = capacity.describe(table, consumed, mode)
        else:
            self._parts.meters.read_item(table, found, is_consistent=request.get("ConsistentRead", False))
        return result

    def _with_metrics(self, result: Result, request: Request, table: Table, written: Written) -> Result:
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if mode != "NONE":
            result["ConsumedCapacity"] = capacity.describe(table, capacity.of_write(written), mode)
        if request.get("ReturnItemCollectionMetrics") == "SIZE" and table.local_indexes:
            stored = written.new or written.old
            key = key_attributes(stored.item, table.schema) if stored is not None else check_item(request["Key"])
            result["ItemCollectionMetrics"] = self._parts.database.read(lambda tx: describe_collection(tx, table, key))
        return result


def read_projection(request: Mapping[str, Any]) -> Projection | None:
    """Of GetItem and the requests of BatchGetItem and TransactGetItems. Raises ValidationException."""
    if "AttributesToGet" in request:
        legacy.refuse_mixture(request)
        return legacy.compile_attributes_to_get(request["AttributesToGet"])
    text = request.get("ProjectionExpression")
    if text is None and "ExpressionAttributeNames" not in request:
        return None
    placeholders = Placeholders.of_request(request, ("ProjectionExpression",))
    projection = compile_projection(text, placeholders) if text is not None else None
    placeholders.check_all_used()
    return projection


def _wants_old(request: Request) -> bool:
    match request.get("ReturnValues", "NONE"):
        case "NONE":
            return False
        case "ALL_OLD":
            return True
    raise ValidationException("ReturnValues can only be ALL_OLD or NONE")


def _read_consumed(found: StoredItem | None, *, is_consistent: bool) -> Consumed:
    return Consumed(capacity.read_units(found.size if found is not None else 0, is_consistent=is_consistent))
