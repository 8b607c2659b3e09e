"""A statement's values, with a request's parameters filled in."""

from collections.abc import Sequence

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.partiql.tree import (
    Constant,
    ListTemplate,
    MapTemplate,
    Parameter,
    SetTemplate,
    Statement,
    Template,
)
from lambent.services.dynamodb.values import AttributeValue, Item, check_item, check_value, type_of

_SETS = {"S": "SS", "N": "NS", "B": "BS"}
_SET_NAMES = {"SS": "String Set", "NS": "Number Set", "BS": "Binary Set"}


def check_parameters(statement: Statement, given: Sequence[AttributeValue]) -> list[AttributeValue]:
    """Too many do no harm, as at AWS. Raises a ServiceError."""
    if len(given) < statement.parameters:
        raise ValidationException("Number of parameters in request and statement don't match.")
    return [check_value(value) for value in given]


def placeholders_of(statement: Statement, parameters: Sequence[AttributeValue]) -> Placeholders:
    """The values that the statement's expressions call `:0`, `:1`, ... Raises ValidationException."""
    values = {f":{number}": fill(template, parameters) for number, template in enumerate(statement.templates)}
    return Placeholders(values=values or None)


def fill(template: Template, parameters: Sequence[AttributeValue]) -> AttributeValue:
    return check_value(_fill(template, parameters))


def fill_item(template: MapTemplate, parameters: Sequence[AttributeValue]) -> Item:
    return check_item({name: _fill(member, parameters) for name, member in template.members})


def _fill(template: Template, parameters: Sequence[AttributeValue]) -> AttributeValue:
    match template:
        case Constant(value):
            return value
        case Parameter(position):
            return parameters[position]
        case MapTemplate(members):
            return {"M": {name: _fill(member, parameters) for name, member in members}}
        case ListTemplate(members):
            return {"L": [_fill(member, parameters) for member in members]}
        case SetTemplate(members):
            return _set([_fill(member, parameters) for member in members])


def _set(members: Sequence[AttributeValue]) -> AttributeValue:
    kind = _SETS.get(type_of(members[0]))
    if kind is None:
        raise ValidationException(
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
        )
    for member in members:
        if type_of(member) != kind[0]:
            raise ValidationException(f"Unexpected data type {type_of(member)} in {_SET_NAMES[kind]} under key root")
    return {kind: [member[kind[0]] for member in members]}
