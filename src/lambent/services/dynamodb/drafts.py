"""Drafts: a request to write one item, checked and compiled as far as it goes without knowing the table.

AWS refuses what is wrong with a request before it looks for the table, and what is wrong with its keys after. The
second half, `change_of`, is done again when the table has changed meanwhile.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from lambent.services.dynamodb import index_store, legacy
from lambent.services.dynamodb.expressions.conditions import Condition, compile_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.updates import Update, compile_update
from lambent.services.dynamodb.item_store import Change
from lambent.services.dynamodb.keys import key_of, key_of_item
from lambent.services.dynamodb.plain_items import weigh
from lambent.services.dynamodb.sizes import check_put_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.values import Item, check_item

Request = Mapping[str, Any]


class Draft(NamedTuple):
    key: Item
    """The Key parameter, checked; of a put the whole item."""
    put: StoredItem | None = None
    update: Update | None = None
    is_check: bool = False
    condition: Condition | None = None
    returns_item_on_failure: bool = False


def draft_put(request: Request) -> Draft:
    """Raises a ServiceError, as all of these."""
    legacy.refuse_mixture(request)
    item, size = weigh(request["Item"])
    condition = _condition(request)
    put = encode_put(item, size)
    return Draft(item, put=put, condition=condition, returns_item_on_failure=_returns_item_on_failure(request))


def draft_delete(request: Request) -> Draft:
    legacy.refuse_mixture(request)
    key = check_item(request["Key"])
    condition = _condition(request)
    return Draft(key, condition=condition, returns_item_on_failure=_returns_item_on_failure(request))


def draft_check(request: Request) -> Draft:
    """ConditionCheck of a transaction."""
    key = check_item(request["Key"])
    condition = _condition(request)
    return Draft(key, is_check=True, condition=condition, returns_item_on_failure=_returns_item_on_failure(request))


def draft_update(request: Request) -> Draft:
    legacy.refuse_mixture(request)
    key = check_item(request["Key"])
    condition: Condition | None
    if "AttributeUpdates" in request or "Expected" in request:
        update = legacy.compile_attribute_updates(request.get("AttributeUpdates", {}))
        condition = _condition(request)
    else:
        placeholders = Placeholders.of_request(request, ("UpdateExpression", "ConditionExpression"))
        text = request.get("UpdateExpression")
        update = compile_update(text, placeholders) if text is not None else legacy.compile_attribute_updates({})
        text = request.get("ConditionExpression")
        condition = compile_condition(text, placeholders) if text is not None else None
        placeholders.check_all_used()
    return Draft(key, update=update, condition=condition, returns_item_on_failure=_returns_item_on_failure(request))


def encode_put(item: Item, size: int) -> StoredItem:
    """`item` as it will be stored. Raises ValidationException when it is too large."""
    check_put_size(size)
    return StoredItem(orjson.dumps(item), size, item)


def change_of(draft: Draft, table: Table, trace: str = "") -> Change:
    """`trace`: the request's trace header. Raises ValidationException when keys do not fit the table or its indexes."""
    if draft.put is not None:
        key = key_of_item(draft.key, table.schema)
        if table.indexes:
            index_store.check_put_keys(table, draft.key)
    else:
        key = key_of(draft.key, table.schema)
        if draft.update is not None:
            draft.update.check_keys(table.key_names)
    return Change(
        key, draft.key, draft.put, draft.update, draft.is_check, draft.condition, draft.returns_item_on_failure, trace
    )


def _condition(request: Request) -> Condition | None:
    if "Expected" in request:
        return legacy.compile_expected(request["Expected"], request.get("ConditionalOperator"))
    text = request.get("ConditionExpression")
    if text is None and "ExpressionAttributeNames" not in request and "ExpressionAttributeValues" not in request:
        return None
    placeholders = Placeholders.of_request(request, ("ConditionExpression",))
    condition = compile_condition(text, placeholders) if text is not None else None
    placeholders.check_all_used()
    return condition


def _returns_item_on_failure(request: Request) -> bool:
    return request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
