"""WHERE: comparisons, BETWEEN, IN, IS, functions, joined by NOT, AND, OR; the trees are those of `expressions`."""

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    Function,
    In,
    Not,
    Operand,
    Or,
    PathNode,
    ValueNode,
)
from lambent.services.dynamodb.partiql.cursor import Cursor
from lambent.services.dynamodb.partiql.lexer import Kind
from lambent.services.dynamodb.partiql.malformed import malformed
from lambent.services.dynamodb.partiql.template_parser import is_value, parse_value
from lambent.services.dynamodb.partiql.tree import Constant

Node = ConditionNode | Operand

#: Developer Guide, "PartiQL functions": what a condition may call.
_FUNCTIONS = frozenset(
    ("begins_with", "contains", "attribute_type", "attribute_exists", "attribute_not_exists", "size")
)
_COMPARATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")
#: IS and the type tag it asks for.
_TYPES = {
    "NULL": "NULL", "BOOL": "BOOL", "BOOLEAN": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N",
    "STRUCT": "M", "TUPLE": "M", "LIST": "L",
}  # fmt: skip
_UNSUPPORTED_TYPES = frozenset((
    "INT", "INT2", "INT4", "INT8", "INTEGER", "SMALLINT", "BIGINT", "DECIMAL", "FLOAT", "REAL", "DOUBLE", "CHAR",
    "CHARACTER", "VARCHAR", "CLOB", "SYMBOL", "TIMESTAMP", "DATE", "TIME", "BAG", "SEXP", "ANY",
))  # fmt: skip


def parse_where(cursor: Cursor) -> ConditionNode | None:
    """Raises ValidationException."""
    if not cursor.accept_keyword("WHERE"):
        return None
    return _condition(_or(cursor))


def _or(cursor: Cursor) -> Node:
    cursor.enter()
    terms = [_and(cursor)]
    while cursor.accept_keyword("OR"):
        _check_right_side(cursor)
        terms.append(_and(cursor))
    cursor.leave()
    return terms[0] if len(terms) == 1 else Or(tuple(map(_condition, terms)))


def _and(cursor: Cursor) -> Node:
    terms = [_not(cursor)]
    while cursor.accept_keyword("AND"):
        _check_right_side(cursor)
        terms.append(_not(cursor))
    return terms[0] if len(terms) == 1 else And(tuple(map(_condition, terms)))


def _not(cursor: Cursor) -> Node:
    if not cursor.accept_keyword("NOT"):
        return _predicate(cursor)
    cursor.enter()
    term = Not(_condition(_not(cursor)))
    cursor.leave()
    return term


def _predicate(cursor: Cursor) -> Node:
    left = _term(cursor)
    test: ConditionNode
    token = cursor.token
    if token.is_symbol(*_COMPARATORS):
        cursor.advance()
        _check_right_side(cursor)
        right = _operand(_term(cursor))
        return Comparison("<>" if token.text == "!=" else token.text, _operand(left), right)
    if cursor.accept_keyword("IS"):
        is_negated = cursor.accept_keyword("NOT")
        test = _type_test(cursor, _operand(left))
    else:
        is_negated = token.keyword == "NOT" and cursor.accept_keyword("NOT")
        if cursor.accept_keyword("BETWEEN"):
            test = _between(cursor, _operand(left))
        elif cursor.accept_keyword("IN"):
            test = _in(cursor, _operand(left))
        elif is_negated:
            raise cursor.unexpected()
        else:
            return left
    return Not(test) if is_negated else test


def _term(cursor: Cursor) -> Node:
    """A path, a value, a call, or anything in parentheses."""
    if cursor.accept_symbol("("):
        inner = _or(cursor)
        cursor.expect_symbol(")")
        return inner
    if cursor.token.kind is Kind.WORD and cursor.next_token.is_symbol("("):
        return _call(cursor)
    if cursor.token.keyword == "MISSING":
        raise ValidationException("MISSING must be compared using IS operator")
    return cursor.keep(parse_value(cursor)) if is_value(cursor.token) else cursor.path()


def _call(cursor: Cursor) -> Function:
    name = cursor.advance().text
    if name.upper() == "EXISTS":
        raise ValidationException("Unsupported operation: EXISTS")
    if name.lower() not in _FUNCTIONS:
        raise ValidationException(f"Unrecognized function: {name}")
    return Function(name.lower(), parse_arguments(cursor))


def parse_arguments(cursor: Cursor) -> tuple[Operand, ...]:
    cursor.expect_symbol("(")
    operands: list[Operand] = []
    while not cursor.accept_symbol(")"):
        if operands:
            cursor.expect_symbol(",")
        cursor.enter()
        operands.append(_operand(_term(cursor)))
        cursor.leave()
    return tuple(operands)


def _between(cursor: Cursor, operand: Operand) -> Between:
    lower = _operand(_term(cursor))
    if not cursor.accept_keyword("AND"):
        raise cursor.unexpected()
    return Between(operand, lower, _operand(_term(cursor)))


def _in(cursor: Cursor, operand: Operand) -> In:
    end = {"(": ")", "[": "]", "<<": ">>"}.get(cursor.token.text) if cursor.token.kind is Kind.SYMBOL else None
    if end is None:
        raise _invalid_in()
    cursor.advance()
    options: list[Operand] = []
    while not cursor.accept_symbol(end):
        if options:
            cursor.expect_symbol(",")
        options.append(_operand(_term(cursor)))
    if not options or not isinstance(operand, PathNode):
        raise _invalid_in()
    return In(operand, tuple(options))


def _type_test(cursor: Cursor, operand: Operand) -> Function:
    name = cursor.advance().keyword
    if not isinstance(operand, PathNode):
        raise ValidationException("The left hand side argument to IS must be a Variable Reference, Literal, or Path")
    if name == "MISSING":
        return Function("attribute_not_exists", (operand,))
    kind = _TYPES.get(name)
    if kind is None:
        if name in _UNSUPPORTED_TYPES:
            raise ValidationException(
                f"Unsupported data type for IS operator: {name}. Supported data types are "
                "[MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"
            )
        raise malformed("Expected type name")
    return Function("attribute_type", (operand, cursor.keep(Constant({"S": kind}))))


def _check_right_side(cursor: Cursor) -> None:
    if cursor.token.kind is Kind.END or cursor.token.is_symbol(";"):
        raise malformed("Missing right-hand side expression of infix operator")


def _condition(node: Node) -> ConditionNode:
    if isinstance(node, PathNode | ValueNode) or (isinstance(node, Function) and node.name == "size"):
        raise ValidationException("WHERE clause must contain an expression that resolves to a boolean")
    return node


def _operand(node: Node) -> Operand:
    if isinstance(node, PathNode | ValueNode | Function):
        return node
    raise ValidationException(f"Unsupported operator in Condition Expression. Operator: {type(node).__name__.upper()}")


def _invalid_in() -> ValidationException:
    return ValidationException(
        "IN operator must have a left hand argument of type Variable Reference "
        "and right hand argument of type Seq with at least one member"
    )
