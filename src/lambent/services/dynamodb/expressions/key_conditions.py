"""Key condition expressions: one partition, and optionally a range of its sort keys.

They share syntax and operand checks with condition expressions; what is no condition on a key is refused afterwards.
`read_key_condition` needs no table, `KeyClauses.for_schema` does: AWS looks the table up between the two.
"""

from collections.abc import Iterable, Iterator, Sequence

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import keys
from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.expressions.condition_parser import parse_condition
from lambent.services.dynamodb.expressions.conditions import ORDERED_TYPES, bind_condition
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.operands import Bound, Scope, bind
from lambent.services.dynamodb.expressions.paths import resolve
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
from lambent.services.dynamodb.keys import KeySchema, SortRange
from lambent.services.dynamodb.values import AttributeValue, type_of

_PARAMETER = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@frozen
class KeyCondition:
    partition: AttributeValue
    #: One of = < <= > >= BETWEEN begins_with; None without a condition on the sort key.
    operator: str | None = None
    values: tuple[AttributeValue, ...] = ()

    def sort_range(self) -> SortRange:
        """Every sort key, where there is no condition on it."""
        return SortRange() if self.operator is None else keys.sort_range(self.operator, self.values)


@frozen
class Clause:
    """A condition on one attribute."""

    operator: str
    values: tuple[AttributeValue, ...]


@frozen
class KeyClauses:
    """Conditions by attribute, before they are held against a key schema."""

    clauses: dict[str, Clause]

    def for_schema(self, schema: KeySchema) -> KeyCondition:
        """Raises ValidationException."""
        if len(self.clauses) > len(schema.names):
            raise ValidationException(
                f"The number of query conditions ({len(self.clauses)}) exceeds the number of key attributes "
                f"defined in the schema ({len(schema.names)})"
            )
        for name in schema.names[: len(self.clauses)]:
            if name not in self.clauses:
                raise ValidationException(f"Query condition missed key schema element: {name}")
        partition = self.clauses[schema.partition]
        if partition.operator != "=":
            raise ValidationException("Query key condition not supported")
        _check_values(schema.partition, schema.partition_type, partition, is_sort=False)
        if len(self.clauses) == 1 or schema.sort is None or schema.sort_type is None:
            return KeyCondition(partition.values[0])
        sort = self.clauses[schema.sort]
        _check_values(schema.sort, schema.sort_type, sort, is_sort=True)
        return KeyCondition(partition.values[0], sort.operator, sort.values)


def compile_key_condition(text: str, placeholders: Placeholders, schema: KeySchema) -> KeyCondition:
    """Raises ValidationException."""
    return read_key_condition(text, placeholders).for_schema(schema)


def read_key_condition(text: str, placeholders: Placeholders) -> KeyClauses:
    """Raises ValidationException."""
    scope = Scope(placeholders)
    try:
        tree = parse_condition(text)
        if plain := _read_plain(tree, placeholders):
            return plain
        # Undefined placeholders and wrong types, as in any condition and in the order written.
        bind_condition(tree, scope)
        return KeyClauses(_by_attribute(_clause(term, scope) for term in _terms(tree)))
    except InvalidExpression as error:
        raise error.in_parameter(_PARAMETER) from error


def _read_plain(tree: ConditionNode, placeholders: Placeholders) -> KeyClauses | None:
    """The common forms, `pk = :p` and `pk = :p AND sk > :s`, without detours; None for all else, mistakes included."""
    clauses: dict[str, Clause] = {}
    for term in tree.terms if isinstance(tree, And) else (tree,):
        if not isinstance(term, Comparison) or term.operator == "<>":
            return None
        path, placeholder = term.left, term.right
        if not isinstance(path, PathNode) or len(path.parts) != 1 or not isinstance(placeholder, ValueNode):
            return None
        name = str(resolve(path, placeholders)[0])
        value = placeholders.value(placeholder.placeholder)
        if name in clauses or type_of(value) not in ORDERED_TYPES:
            return None
        clauses[name] = Clause(term.operator, (value,))
    return KeyClauses(clauses)


def _by_attribute(found: Iterable[tuple[str, Clause]]) -> dict[str, Clause]:
    clauses: dict[str, Clause] = {}
    for name, clause in found:
        if name in clauses:
            raise InvalidExpression("KeyConditionExpressions must only contain one condition per key")
        clauses[name] = clause
    return clauses


def _terms(node: ConditionNode) -> Iterator[Comparison | Between | Function]:
    """The conditions that the expression joins by AND."""
    match node:
        case And(terms):
            for term in terms:
                yield from _terms(term)
        case Comparison("<>"):
            raise _invalid_operator("<>")
        case Comparison() | Between() | Function(name="begins_with"):
            yield node
        case Function(name):
            raise _invalid_operator(name)
        case In():
            raise _invalid_operator("IN")
        case _:
            raise _invalid_operator(type(node).__name__.upper())


def _clause(node: Comparison | Between | Function, scope: Scope) -> tuple[str, Clause]:
    if isinstance(node, Comparison):
        first, second = bind(node.left, scope), bind(node.right, scope)
        _check_operands((node.left, node.right), (first, second))
        if first.path is None:
            return _on_attribute(_MIRRORED[node.operator], second, (first,))
        return _on_attribute(node.operator, first, (second,))
    operands: tuple[Operand, ...]
    if isinstance(node, Between):
        operator, operands = "BETWEEN", (node.operand, node.lower, node.upper)
    else:
        operator, operands = node.name, node.operands
    bound = [bind(operand, scope) for operand in operands]
    if bound[0].path is None and not isinstance(operands[0], Function):
        raise ValidationException(
            f"Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute as its "
            "first operand"
        )
    _check_operands(operands, bound)
    return _on_attribute(operator, bound[0], bound[1:])


def _check_operands(nodes: Sequence[Operand], bound: Sequence[Bound]) -> None:
    """One attribute, and that at the top level; the rest constants."""
    seen = False
    for node, operand in zip(nodes, bound, strict=True):
        if isinstance(node, Function):
            raise ValidationException("KeyConditionExpressions cannot contain nested operations")
        if operand.path is None:
            continue
        if seen:
            raise ValidationException(
                "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
            )
        if len(operand.path) > 1:
            raise ValidationException("KeyConditionExpressions cannot have conditions on nested attributes")
        seen = True
    if not seen:
        raise ValidationException("Invalid condition in KeyConditionExpression: No key attribute specified")


def _on_attribute(operator: str, attribute: Bound, operands: Sequence[Bound]) -> tuple[str, Clause]:
    values = tuple(operand.constant for operand in operands if operand.constant is not None)
    assert attribute.path is not None
    return str(attribute.path[0]), Clause(operator, values)


def _invalid_operator(operator: str) -> ValidationException:
    return ValidationException(f"Invalid operator used in KeyConditionExpression: {operator}")


def _check_values(name: str, wanted: str, clause: Clause, *, is_sort: bool) -> None:
    for value in clause.values:
        if wanted not in value or (clause.operator == "begins_with" and wanted == "N"):
            raise invalid_values("Condition parameter type does not match schema type")
        keys.check_key_value(name, value, is_sort=is_sort)
