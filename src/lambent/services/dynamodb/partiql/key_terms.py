"""Conditions on keys, found in a WHERE: which item a statement means, or which partitions and sort keys."""

from collections.abc import Sequence

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.conditions import Condition, bind_condition
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.operands import Scope
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    Function,
    In,
    Operand,
    PathNode,
    ValueNode,
)
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.values import AttributeValue, Item

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INCOMPLETE = "Where clause does not contain a mandatory equality on all key attributes"


class UnfitKey(ValidationException):
    """A key attribute is missing or of the wrong type; cancels a transaction, where other errors refuse it."""


def conjuncts(where: ConditionNode | None) -> list[ConditionNode]:
    """The terms that must all hold."""
    if where is None:
        return []
    if isinstance(where, And):
        return [term for part in where.terms for term in conjuncts(part)]
    return [where]


def split_key(
    where: ConditionNode | None, schema: KeySchema, placeholders: Placeholders
) -> tuple[Item, list[ConditionNode]]:
    """The key of the one item meant, and what else must hold of it. Raises ValidationException, UnfitKey."""
    key: Item = {}
    rest: list[ConditionNode] = []
    for term in conjuncts(where):
        name, values = equality(term, placeholders)
        if name in schema.names and len(values) == 1:
            if name in key:
                raise ValidationException(
                    f"Multiple conditions on same key {name}. Only single item Update/Insert/Delete are supported"
                )
            key[name] = values[0]
        else:
            rest.append(term)
    if len(key) < len(schema.names):
        raise ValidationException(_INCOMPLETE)
    check_key(key, schema)
    return key, rest


def check_key(item: Item, schema: KeySchema) -> None:
    """Raises UnfitKey."""
    for name, wanted in ((schema.partition, schema.partition_type), (schema.sort, schema.sort_type)):
        if name is None or wanted is None:
            continue
        if name not in item:
            raise UnfitKey(f"Key attribute should be present in the item: Key {name}")
        check_type(name, item[name], wanted)


def check_type(name: str, value: AttributeValue, wanted: str) -> None:
    """Raises UnfitKey."""
    if wanted not in value:
        raise UnfitKey(f"Key attribute's data type should match its data type in table's schema: Key {name}")


def equality(term: ConditionNode, placeholders: Placeholders) -> tuple[str, list[AttributeValue]]:
    """The attribute that must equal one of these values; ("", []) of a term that says something else."""
    if isinstance(term, Comparison) and term.operator == "=":
        for path, value in ((term.left, term.right), (term.right, term.left)):
            if name := _attribute(path):
                values = _values([value], placeholders)
                return (name, values) if values else ("", [])
    if isinstance(term, In):
        name, values = _attribute(term.operand), _values(term.options, placeholders)
        return (name, values) if name and values else ("", [])
    return "", []


def sort_clause(term: ConditionNode, name: str, placeholders: Placeholders) -> tuple[str, list[AttributeValue]]:
    """Operator and values of a range of the attribute's values; ("", []) of a term that is none."""
    operator, path, operands = _range_parts(term, name)
    values = _values(operands, placeholders) if operator and _attribute(path) == name else []
    return (operator, values) if values else ("", [])


def condition_of(terms: Sequence[ConditionNode], placeholders: Placeholders) -> Condition | None:
    """Raises ValidationException."""
    if not terms:
        return None
    scope = Scope(placeholders)
    try:
        predicate = bind_condition(And(tuple(terms)), scope)
    except InvalidExpression as error:
        raise ValidationException(str(error)) from error
    return Condition(predicate, frozenset(scope.attributes))


def _range_parts(term: ConditionNode, name: str) -> tuple[str, Operand | None, Sequence[Operand]]:
    match term:
        case Comparison(operator, left, right) if operator in _MIRRORED:
            if _attribute(left) == name:
                return operator, left, (right,)
            return _MIRRORED[operator], right, (left,)
        case Between(operand, lower, upper):
            return "BETWEEN", operand, (lower, upper)
        case Function("begins_with", (path, prefix)):
            return "begins_with", path, (prefix,)
        case In(operand, (option,)):
            return "=", operand, (option,)
    return "", None, ()


def _attribute(operand: Operand | None) -> str:
    """The name of a top-level attribute; "" of anything else."""
    if isinstance(operand, PathNode) and len(operand.parts) == 1:
        return str(operand.parts[0])
    return ""


def _values(operands: Sequence[Operand], placeholders: Placeholders) -> list[AttributeValue]:
    """[] if one of them is no value."""
    if not all(isinstance(operand, ValueNode) for operand in operands):
        return []
    return [placeholders.value(operand.placeholder) for operand in operands if isinstance(operand, ValueNode)]
