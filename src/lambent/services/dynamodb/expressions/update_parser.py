"""Update and projection expressions: text into actions, text into paths.

update  := sections, each at most once:
           SET path = value, ... REMOVE path, ... ADD path :value, ... DELETE path :value, ...
value   := operand | operand + operand | operand - operand
operand := path | :value | function | ( operand )
"""

import functools

from lambent.services.dynamodb.expressions.cursor import Cursor
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.lexer import Kind
from lambent.services.dynamodb.expressions.tree import (
    Action,
    AddAction,
    Arithmetic,
    DeleteAction,
    Operand,
    PathNode,
    RemoveAction,
    SetAction,
    ValueNode,
)

FUNCTIONS = frozenset(("if_not_exists", "list_append"))

#: Expressions whose trees are kept; a few hundred bytes each.
MAX_CACHED = 2_000

_SECTIONS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))


@functools.lru_cache(MAX_CACHED)
def parse_update(text: str) -> tuple[Action, ...]:
    """Raises InvalidExpression."""
    return _Parser(Cursor(text, _SECTIONS)).parse()


@functools.lru_cache(MAX_CACHED)
def parse_projection(text: str) -> tuple[PathNode, ...]:
    """Raises InvalidExpression."""
    cursor = Cursor(text, frozenset())
    paths = [cursor.path()]
    while cursor.take_symbol(","):
        paths.append(cursor.path())
    cursor.expect_end()
    cursor.check_reserved()
    return tuple(paths)


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def parse(self) -> tuple[Action, ...]:
        cursor = self._cursor
        sections: list[str] = []
        actions: list[Action] = []
        while section := cursor.keyword():
            cursor.advance()
            sections.append(section)
            actions.append(self._action(section))
            while cursor.take_symbol(","):
                actions.append(self._action(section))
        cursor.expect_end()
        cursor.check_operators()
        cursor.check_reserved()
        cursor.check_functions()
        _check_sections(sections)
        return tuple(actions)

    def _action(self, section: str) -> Action:
        path = self._cursor.path()
        match section:
            case "SET":
                self._cursor.expect_symbol("=")
                return SetAction(path, self._value())
            case "REMOVE":
                return RemoveAction(path)
            case "ADD":
                return AddAction(path, self._placeholder())
        return DeleteAction(path, self._placeholder())

    def _placeholder(self) -> ValueNode:
        token = self._cursor.token
        if token.kind is not Kind.VALUE:
            raise self._cursor.syntax_error()
        self._cursor.advance()
        return ValueNode(token.text)

    def _value(self) -> Operand | Arithmetic:
        """What is set; all of it may stand in brackets, and so may each operand."""
        if not self._cursor.take_symbol("("):
            return self._sum(self._cursor.operand(FUNCTIONS, self._operand))
        value = self._sum(self._operand())
        self._cursor.expect_symbol(")")
        return value if isinstance(value, Arithmetic) else self._sum(value)

    def _sum(self, left: Operand) -> Operand | Arithmetic:
        for operator in "+-":
            if self._cursor.take_symbol(operator):
                self._cursor.count_operator()
                return Arithmetic(operator, left, self._operand())
        return left

    def _operand(self) -> Operand:
        if not self._cursor.take_symbol("("):
            return self._cursor.operand(FUNCTIONS, self._operand)
        operand = self._cursor.operand(FUNCTIONS, self._operand)
        self._cursor.expect_symbol(")")
        return operand


def _check_sections(sections: list[str]) -> None:
    for index, section in enumerate(sections):
        if section in sections[:index]:
            raise InvalidExpression(f'The "{section}" section can only be used once in an update expression;')
