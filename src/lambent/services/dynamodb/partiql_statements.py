"""One statement of a request, read and checked: what the three operations of PartiQL have in common."""

from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.errors import ConditionalCheckFailed, DuplicateItem, ValidationException
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.keys import Key, KeySchema, key_of
from lambent.services.dynamodb.partiql.key_terms import UnfitKey, split_key
from lambent.services.dynamodb.partiql.parser import parse_statement
from lambent.services.dynamodb.partiql.reading import columns_of
from lambent.services.dynamodb.partiql.templates import check_parameters, placeholders_of
from lambent.services.dynamodb.partiql.tree import Body, Exists, Insert, Select, Statement
from lambent.services.dynamodb.partiql.writes import draft_write
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.values import AttributeValue
from lambent.wire.errors import ServiceError

DUPLICATE = "Duplicate primary key exists in table"


@frozen
class Given:
    """A statement with its parameters and options."""

    statement: Statement
    parameters: list[AttributeValue]
    is_consistent: bool
    returns_item_on_failure: bool

    @property
    def body(self) -> Body:
        return self.statement.body

    @property
    def table_name(self) -> str:
        body = self.body
        return body.select.source.table if isinstance(body, Exists) else body.source.table

    @property
    def is_read(self) -> bool:
        return isinstance(self.body, Select)

    @property
    def is_insert(self) -> bool:
        return isinstance(self.body, Insert)

    def placeholders(self) -> Placeholders:
        return placeholders_of(self.statement, self.parameters)

    def draft(self, schema: KeySchema) -> Draft:
        """Of a statement that writes or checks. Raises ValidationException, UnfitKey."""
        return draft_write(
            self.statement, self.parameters, schema, returns_item_on_failure=self.returns_item_on_failure
        )


def read_given(request: Mapping[str, Any]) -> Given:
    """Raises a ServiceError."""
    statement = parse_statement(request["Statement"])
    return Given(
        statement,
        check_parameters(statement, request.get("Parameters", ())),
        request.get("ConsistentRead", False),
        request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )


def single_key(given: Given, select: Select, schema: KeySchema, refusal: str) -> Key:
    """Of a SELECT that must mean one item and ask nothing else. Raises ValidationException, UnfitKey."""
    try:
        key, rest = split_key(select.where, schema, given.placeholders())
    except UnfitKey:
        raise
    except ValidationException as error:
        raise ValidationException(refusal) from error
    if rest:
        raise ValidationException(refusal)
    return key_of(key, schema)


def describe_item(select: Select, item: StoredItem | None) -> dict[str, Any]:
    """The member Item of a response, if there is one."""
    if item is None:
        return {}
    columns = columns_of(select)
    return {"Item": columns.pick(item.item) if columns.paths else item.fragment}


def refusal_of(given: Given, error: ServiceError) -> ServiceError:
    """The condition of an INSERT is that its item is new."""
    if given.is_insert and isinstance(error, ConditionalCheckFailed):
        return DuplicateItem(DUPLICATE, members=error.members)
    return error


def misplaced_exists() -> ValidationException:
    return ValidationException("EXISTS can only be used in ExecuteTransaction write requests.")
