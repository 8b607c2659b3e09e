"""Statements: SELECT, INSERT, UPDATE (also written FROM ... SET), DELETE and EXISTS, from their text."""

import functools

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.tree import (
    Action,
    AddAction,
    Arithmetic,
    ConditionNode,
    DeleteAction,
    Function,
    Operand,
    PathNode,
    RemoveAction,
    SetAction,
    ValueNode,
)
from lambent.services.dynamodb.partiql.condition_parser import parse_arguments, parse_where
from lambent.services.dynamodb.partiql.cursor import Cursor
from lambent.services.dynamodb.partiql.lexer import Kind
from lambent.services.dynamodb.partiql.malformed import malformed
from lambent.services.dynamodb.partiql.template_parser import is_value, parse_map, parse_value
from lambent.services.dynamodb.partiql.tree import (
    Body,
    Delete,
    Exists,
    Insert,
    Ordering,
    Select,
    Source,
    Statement,
    Update,
)

#: Texts kept parsed: applications send few, with parameters.
MAX_CACHED = 1024

_SET_FUNCTIONS: dict[str, type[AddAction] | type[DeleteAction]] = {"set_add": AddAction, "set_delete": DeleteAction}


@functools.lru_cache(MAX_CACHED)
def parse_statement(text: str) -> Statement:
    """Raises ValidationException."""
    cursor = Cursor(text)
    body = _body(cursor)
    cursor.accept_symbol(";")
    if cursor.token.kind is not Kind.END:
        raise malformed("Unexpected token after expression")
    return Statement(body, tuple(cursor.templates), cursor.parameters)


def _body(cursor: Cursor) -> Body:
    if cursor.accept_keyword("SELECT"):
        return _select(cursor)
    if cursor.accept_keyword("INSERT", "INTO"):
        return _insert(cursor)
    if cursor.accept_keyword("UPDATE"):
        return _update(cursor)
    if cursor.accept_keyword("FROM"):
        return _from(cursor)
    if cursor.accept_keyword("DELETE", "FROM"):
        return _delete(cursor)
    if cursor.accept_keyword("EXISTS"):
        return _exists(cursor)
    raise malformed("Expected data manipulation")


# Reading


def _select(cursor: Cursor) -> Select:
    columns = _columns(cursor)
    if not cursor.accept_keyword("FROM"):
        raise cursor.unexpected()
    source = _source(cursor)
    _refuse_alias(cursor)
    if cursor.token.is_symbol(","):
        raise ValidationException("Only select from a single table or index is supported.")
    where = parse_where(cursor)
    return Select(source, columns, where, _orderings(cursor))


def _columns(cursor: Cursor) -> tuple[PathNode, ...]:
    if cursor.token.keyword in {"VALUE", "PIVOT"}:
        raise ValidationException("Select projection doesn't support value or pivot keywords")
    if cursor.accept_symbol("*"):
        if cursor.token.is_symbol(","):
            raise _mixed_star()
        return ()
    columns = [_column(cursor)]
    while cursor.accept_symbol(","):
        columns.append(_column(cursor))
    names = [column.parts[-1] for column in columns]
    for name in names:
        if isinstance(name, str) and names.count(name) > 1:
            raise ValidationException(f"Duplicate identifiers in select clause: {name}")
    return tuple(columns)


def _column(cursor: Cursor) -> PathNode:
    if cursor.token.is_symbol("*"):
        raise _mixed_star()
    path = cursor.path()
    _refuse_alias(cursor)
    return path


def _mixed_star() -> ValidationException:
    return ValidationException("Other attributes should not be present in the projection when '*' is used.")


def _orderings(cursor: Cursor) -> tuple[Ordering, ...]:
    if not cursor.accept_keyword("ORDER", "BY"):
        return ()
    orderings = [_ordering(cursor)]
    while cursor.accept_symbol(","):
        orderings.append(_ordering(cursor))
    return tuple(orderings)


def _ordering(cursor: Cursor) -> Ordering:
    path = cursor.path()
    if len(path.parts) > 1:
        raise ValidationException("Argument to ORDER BY must be of type VariableReference. Type: Path")
    is_descending = cursor.accept_keyword("DESC")
    if not is_descending:
        cursor.accept_keyword("ASC")
    return Ordering(str(path.parts[0]), is_descending)


def _exists(cursor: Cursor) -> Exists:
    cursor.expect_symbol("(")
    if not cursor.accept_keyword("SELECT"):
        raise cursor.unexpected()
    select = _select(cursor)
    cursor.expect_symbol(")")
    return Exists(select)


# Writing


def _insert(cursor: Cursor) -> Insert:
    source = _target(cursor)
    if cursor.token.keyword == "VALUES" or cursor.token.is_symbol("<<"):
        raise ValidationException(
            "Unsupported operation: Inserting multiple items in a single statement is not supported, "
            'use "INSERT INTO tableName VALUE item" instead'
        )
    if not cursor.accept_keyword("VALUE"):
        raise malformed("Unexpected token after expression") if cursor.is_name() else cursor.unexpected()
    if not cursor.token.is_symbol("{"):
        if cursor.token.kind is Kind.END:
            raise cursor.unexpected()
        raise ValidationException(
            "Unsupported format in item expression. "
            "Please use struct format {...} to express item values for insert statement."
        )
    insert = Insert(source, parse_map(cursor, is_item=True))
    if cursor.token.keyword == "RETURNING":
        raise ValidationException("RETURNING is not supported in INSERT")
    return insert


def _update(cursor: Cursor) -> Update:
    source = _target(cursor)
    _refuse_alias(cursor)
    actions = _actions(cursor)
    where = parse_where(cursor)
    return Update(source, actions, where, _returning(cursor))


def _from(cursor: Cursor) -> Update:
    """FROM table WHERE ... SET ...: an UPDATE in PartiQL's own order."""
    source = _target(cursor)
    _refuse_alias(cursor)
    where = parse_where(cursor)
    actions = _actions(cursor)
    return Update(source, actions, where, _returning(cursor))


def _delete(cursor: Cursor) -> Delete:
    if not cursor.is_name():
        raise malformed("Expected identifier for simple path")
    source = _target(cursor)
    _refuse_alias(cursor)
    where: ConditionNode | None = parse_where(cursor)
    returning = _returning(cursor)
    if returning not in ("", "ALL OLD"):
        raise ValidationException(
            f"Invalid returning clause: RETURNING {returning} *. "
            "Only RETURNING ALL OLD * is allowed in DELETE statements."
        )
    return Delete(source, where, returning)


def _actions(cursor: Cursor) -> tuple[Action, ...]:
    actions: list[Action] = []
    while True:
        if cursor.accept_keyword("SET"):
            parse = _assignment
        elif cursor.accept_keyword("REMOVE"):
            parse = _removal
        elif not actions:
            raise malformed("Expected data manipulation")
        else:
            return tuple(actions)
        actions.append(parse(cursor))
        while cursor.accept_symbol(","):
            actions.append(parse(cursor))


def _removal(cursor: Cursor) -> Action:
    return RemoveAction(cursor.path())


def _assignment(cursor: Cursor) -> Action:
    path = cursor.path()
    cursor.expect_symbol("=")
    left = _assigned(cursor, path)
    if isinstance(left, AddAction | DeleteAction):
        return left
    if not cursor.token.is_symbol("+", "-"):
        return SetAction(path, left)
    operator = cursor.advance().text
    right = _assigned(cursor, path)
    if isinstance(right, AddAction | DeleteAction):
        raise ValidationException(f"Unsupported operator in Update Expression. Operator: {operator}")
    return SetAction(path, Arithmetic(operator, left, right))


def _assigned(cursor: Cursor, path: PathNode) -> Operand | AddAction | DeleteAction:
    token = cursor.token
    if token.kind is Kind.WORD and cursor.next_token.is_symbol("("):
        cursor.advance()
        name, operands = token.text.lower(), parse_arguments(cursor)
        if name in _SET_FUNCTIONS:
            return _set_action(name, path, operands)
        if name != "list_append":
            raise ValidationException(f"Unrecognized function: {token.text}")
        return Function(name, operands)
    return cursor.keep(parse_value(cursor)) if is_value(token) else cursor.path()


def _set_action(name: str, path: PathNode, operands: tuple[Operand, ...]) -> AddAction | DeleteAction:
    verb = name.removeprefix("set_").upper()
    if len(operands) != 2:
        raise ValidationException(f"SET_{verb} must have exactly two arguments")
    target, members = operands
    if target != path:
        raise ValidationException(f"The first argument to SET_{verb} must equal the assignment value")
    if not isinstance(members, ValueNode):
        raise ValidationException(f"The second argument to SET_{verb} must be a value with type SET")
    return _SET_FUNCTIONS[name](path, members)


def _returning(cursor: Cursor) -> str:
    if not cursor.accept_keyword("RETURNING"):
        return ""
    extent, age = cursor.advance().keyword, cursor.advance().keyword
    if extent not in {"ALL", "MODIFIED"} or age not in {"OLD", "NEW"}:
        raise malformed("Unexpected term")
    if not cursor.accept_symbol("*"):
        raise ValidationException("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
    if cursor.token.is_symbol(","):
        raise ValidationException("Invalid syntax with multiple returning elements in RETURNING clause")
    return f"{extent} {age}"


# Tables


def _source(cursor: Cursor) -> Source:
    if cursor.token.is_symbol("["):
        raise ValidationException("Invalid list expression in source.")
    parts = [cursor.name()]
    while cursor.accept_symbol("."):
        parts.append(cursor.name())
    if len(parts) > 2:
        raise ValidationException("A path may contain at most 2 components in the FROM clause")
    return Source(*parts)


def _target(cursor: Cursor) -> Source:
    source = _source(cursor)
    if source.index is not None:
        raise ValidationException("This operation is not supported on an index")
    return source


def _refuse_alias(cursor: Cursor) -> None:
    if cursor.token.keyword == "AS" or (cursor.is_name() and cursor.token.keyword != "RETURNING"):
        raise ValidationException("Aliasing is not supported")
