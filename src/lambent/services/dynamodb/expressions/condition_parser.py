"""Condition, filter and key condition expressions: text into a tree.

    condition := NOT condition | condition AND condition | condition OR condition | ( condition ) | test
    test      := operand comparator operand | operand BETWEEN operand AND operand | operand IN ( operands ) | function
    operand   := path | :value | function | ( operand )

A bracket may open a condition or an operand; which of them is known only at its end, so both are read by one rule.
"""

import functools

from lambent.services.dynamodb.expressions.cursor import Cursor
from lambent.services.dynamodb.expressions.invalid import InvalidExpression, misused_function
from lambent.services.dynamodb.expressions.lexer import Kind
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

FUNCTIONS = frozenset(("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"))
COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))

#: Expressions whose trees are kept; a few hundred bytes each.
MAX_CACHED = 2_000

_KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
_PRECEDENCE = {"OR": 1, "AND": 2}


@functools.lru_cache(MAX_CACHED)
def parse_condition(text: str) -> ConditionNode:
    """Raises InvalidExpression."""
    return _Parser(Cursor(text, _KEYWORDS)).parse()


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._has_redundant_brackets = False
        self._misused: str | None = None
        # Where the bracket closed last was opened and closed.
        self._last_group = (-1, -1)

    def parse(self) -> ConditionNode:
        condition = self._condition(self._terms(_PRECEDENCE["OR"], in_brackets=False))
        self._cursor.expect_end()
        self._check()
        return condition

    def _check(self) -> None:
        """What is wrong with an expression of correct syntax, in AWS's order."""
        self._cursor.check_operators()
        if self._has_redundant_brackets:
            raise InvalidExpression("The expression has redundant parentheses;")
        self._cursor.check_functions()
        if self._misused is not None:
            raise misused_function(self._misused)
        self._cursor.check_reserved()

    def _terms(self, minimum: int, *, in_brackets: bool) -> ConditionNode | Operand:
        """Terms joined by operators of at least this precedence; an operand if that is all that a bracket holds."""
        left = self._term(in_brackets=in_brackets)
        while (keyword := self._cursor.keyword()) and _PRECEDENCE.get(keyword, 0) >= minimum:
            precedence = _PRECEDENCE[keyword]
            terms = [self._condition(left)]
            while self._cursor.take_keyword(keyword):
                self._cursor.count_operator()
                terms.append(self._condition(self._terms(precedence + 1, in_brackets=False)))
            left = And(tuple(terms)) if keyword == "AND" else Or(tuple(terms))
        return left

    def _term(self, *, in_brackets: bool) -> ConditionNode | Operand:
        negations = 0
        while self._cursor.take_keyword("NOT"):
            self._cursor.count_operator()
            negations += 1
        term = self._test(in_brackets=in_brackets and not negations)
        for _ in range(negations):
            term = Not(self._condition(term))
        return term

    def _test(self, *, in_brackets: bool) -> ConditionNode | Operand:
        cursor = self._cursor
        first = self._group() if cursor.at_symbol("(") else cursor.operand(FUNCTIONS, self._operand)
        if not isinstance(first, PathNode | ValueNode | Function):
            return first
        token = cursor.token
        if token.kind is Kind.SYMBOL and token.text in COMPARATORS:
            cursor.advance()
            cursor.count_operator()
            return Comparison(token.text, self._used(first), self._used(self._operand()))
        if cursor.take_keyword("BETWEEN"):
            cursor.count_operator()
            lower = self._operand()
            if not cursor.take_keyword("AND"):
                raise cursor.syntax_error()
            return Between(self._used(first), self._used(lower), self._used(self._operand()))
        if cursor.take_keyword("IN"):
            cursor.count_operator()
            options = cursor.operands(self._operand)
            return In(self._used(first), tuple(map(self._used, options)))
        if isinstance(first, Function) or (in_brackets and cursor.at_symbol(")")):
            return first
        raise cursor.syntax_error()

    def _condition(self, node: ConditionNode | Operand) -> ConditionNode:
        """The node as a term of its own, which operands (and size) are not."""
        if isinstance(node, PathNode | ValueNode):
            raise self._cursor.syntax_error()
        if isinstance(node, Function):
            self._check_operands(node)
            if node.name == "size":
                self._misuse(node.name)
        return node

    def _used(self, operand: Operand) -> Operand:
        """The operand of a comparison or function: of all functions only size has a value to compare."""
        if isinstance(operand, Function):
            self._check_operands(operand)
            if operand.name != "size":
                self._misuse(operand.name)
        return operand

    def _check_operands(self, function: Function) -> None:
        for operand in function.operands:
            if isinstance(operand, Function) and operand.name != "size":
                self._misuse(operand.name)

    def _misuse(self, function: str) -> None:
        if self._misused is None:
            self._misused = function

    def _operand(self) -> Operand:
        if self._cursor.at_symbol("("):
            return self._operand_group()
        return self._cursor.operand(FUNCTIONS, self._operand)

    def _operand_group(self) -> Operand:
        opened = self._open()
        operand = self._operand()
        self._close(opened)
        return self._continued(operand)

    def _group(self) -> ConditionNode | Operand:
        opened = self._open()
        node = self._terms(_PRECEDENCE["OR"], in_brackets=True)
        self._close(opened)
        return self._continued(node) if isinstance(node, PathNode) else node

    def _open(self) -> int:
        opened = self._cursor.position
        self._cursor.expect_symbol("(")
        self._cursor.nest()
        return opened

    def _close(self, opened: int) -> None:
        closed = self._cursor.position
        self._cursor.expect_symbol(")")
        self._cursor.unnest()
        if self._last_group == (opened + 1, closed - 1):
            self._has_redundant_brackets = True
        self._last_group = (opened, closed)

    def _continued(self, operand: Operand) -> Operand:
        """`(a.b).c` is a path."""
        if isinstance(operand, PathNode) and (self._cursor.at_symbol(".") or self._cursor.at_symbol("[")):
            return self._cursor.longer_path(operand)
        return operand
