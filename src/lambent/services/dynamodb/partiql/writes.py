"""INSERT, UPDATE, DELETE and EXISTS held against a table's keys: drafts of writes, as those of PutItem and the like.

INSERT needs the item not to be there; UPDATE needs it to be there; DELETE of an item that is not there does nothing,
whatever else the WHERE asks (Developer Guide, "PartiQL update statements", "PartiQL delete statements").
"""

from collections.abc import Sequence

from lambent.services.dynamodb import drafts
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import Condition
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.projections import pick_paths
from lambent.services.dynamodb.expressions.tree import ConditionNode
from lambent.services.dynamodb.expressions.updates import bind_update
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.partiql.key_terms import check_key, condition_of, split_key
from lambent.services.dynamodb.partiql.templates import fill_item, placeholders_of
from lambent.services.dynamodb.partiql.tree import Body, Delete, Exists, Insert, Select, Statement, Update
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.values import AttributeValue, Item

_IS_NEW = Condition(lambda item: not item, frozenset())


def draft_write(
    statement: Statement, parameters: Sequence[AttributeValue], schema: KeySchema, *, returns_item_on_failure: bool
) -> Draft:
    """Raises ValidationException, UnfitKey."""
    body = statement.body
    if isinstance(body, Insert):
        item = fill_item(body.item, parameters)
        check_key(item, schema)
        return Draft(
            item,
            put=drafts.encode_put(item, item_size(item)),
            condition=_IS_NEW,
            returns_item_on_failure=returns_item_on_failure,
        )
    placeholders = placeholders_of(statement, parameters)
    key, rest = split_key(_where(body), schema, placeholders)
    condition = condition_of(rest, placeholders)
    update = None
    match body:
        case Update(_, actions, _, _):
            try:
                update = bind_update(actions, placeholders)
            except InvalidExpression as error:
                raise ValidationException(str(error)) from error
            condition = _if_there(condition)
        case Delete():
            condition = _if_there_at_all(condition)
        case _:
            if condition is None:
                raise ValidationException("EXISTS() must contain a single item read with additional condition")
    return Draft(
        key,
        update=update,
        is_check=isinstance(body, Exists),
        condition=condition,
        returns_item_on_failure=returns_item_on_failure,
    )


def returned_items(statement: Statement, written: Written) -> list[Item]:
    """What RETURNING asks for: one item or none."""
    body = statement.body
    if not isinstance(body, Update | Delete) or not body.returning:
        return []
    extent, age = body.returning.split()
    stored = written.old if age == "OLD" else written.new
    if stored is None:
        return []
    item = stored.item
    if extent == "MODIFIED" and isinstance(body, Update):
        # Plain paths: names in statements are never placeholders.
        item = pick_paths(item, [action.path.parts for action in body.actions])
    return [item] if item else []


def _where(body: Body) -> ConditionNode | None:
    match body:
        case Update(_, _, where, _) | Delete(_, where, _) | Exists(Select(_, _, where, _)):
            return where
    raise AssertionError(body)


def _if_there(condition: Condition | None) -> Condition:
    if condition is None:
        return Condition(bool, frozenset())
    matches = condition.matches
    return Condition(lambda item: bool(item) and matches(item), condition.attributes)


def _if_there_at_all(condition: Condition | None) -> Condition | None:
    if condition is None:
        return None
    matches = condition.matches
    return Condition(lambda item: not item or matches(item), condition.attributes)
