"""Values in a statement: literals, documents, sets in << >>, and `?` for parameters."""

from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.numbers import normalise_number
from lambent.services.dynamodb.partiql.cursor import Cursor
from lambent.services.dynamodb.partiql.lexer import Kind, Token
from lambent.services.dynamodb.partiql.malformed import malformed
from lambent.services.dynamodb.partiql.tree import (
    Constant,
    ListTemplate,
    MapTemplate,
    Parameter,
    SetTemplate,
    Template,
)

#: AWS's parser keeps numbers as Java's BigDecimal, whose scale is 32 bits wide.
_MAX_SCALE = 2**31 - 1
_CONSTANTS = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
_OPENING = ("{", "[", "<<", "?", "-", "+")


def is_value(token: Token) -> bool:
    """Does a value begin with this token?"""
    return token.kind in (Kind.STRING, Kind.NUMBER) or token.keyword in _CONSTANTS or token.is_symbol(*_OPENING)


def parse_value(cursor: Cursor, where: str = "root") -> Template:
    """`where` names the place within a document, for errors. Raises ValidationException."""
    token = cursor.token
    if not is_value(token):
        raise cursor.unexpected()
    if token.is_symbol("{"):
        return parse_map(cursor, where)
    cursor.advance()
    if token.kind is Kind.STRING:
        return Constant({"S": token.text})
    if token.keyword:
        return Constant(_CONSTANTS[token.keyword])
    if token.is_symbol("?"):
        return Parameter(cursor.take_position())
    if token.is_symbol("["):
        return ListTemplate(_members(cursor, "]", where))
    if token.is_symbol("<<"):
        return _set(cursor, where)
    return _number(cursor, token, where)


def parse_map(cursor: Cursor, where: str = "root", *, is_item: bool = False) -> MapTemplate:
    """Of an item every attribute is the root of a document of its own."""
    cursor.expect_symbol("{")
    cursor.enter()
    members: dict[str, Template] = {}
    while not cursor.accept_symbol("}"):
        if members:
            cursor.expect_symbol(",")
        if cursor.token.kind is not Kind.STRING:
            raise cursor.unexpected()
        name = cursor.advance().text
        cursor.expect_symbol(":")
        if name in members:
            raise ValidationException(f"Duplicate keys in tuple. Key: {name} under {where}")
        members[name] = parse_value(cursor, where if is_item else f"{where}.{name}")
    cursor.leave()
    return MapTemplate(tuple(members.items()))


def _set(cursor: Cursor, where: str) -> SetTemplate:
    members = _members(cursor, ">>", where)
    if not members:
        raise ValidationException("Empty bags are not supported")
    return SetTemplate(members)


def _members(cursor: Cursor, end: str, where: str) -> tuple[Template, ...]:
    cursor.enter()
    members: list[Template] = []
    while not cursor.accept_symbol(end):
        if members:
            cursor.expect_symbol(",")
        members.append(parse_value(cursor, f"{where}[{len(members)}]"))
    cursor.leave()
    return tuple(members)


def _number(cursor: Cursor, first: Token, where: str) -> Constant:
    sign = ""
    if first.kind is Kind.SYMBOL:
        sign = first.text.removeprefix("+")
        if cursor.token.kind is not Kind.NUMBER:
            raise cursor.unexpected()
        first = cursor.advance()
    mantissa, _, exponent = first.text.lower().partition("e")
    scale = len(mantissa.partition(".")[2]) - int(exponent[:20] or 0)
    if not -_MAX_SCALE - 1 <= scale <= _MAX_SCALE or abs(int(exponent[:20] or 0)) > _MAX_SCALE:
        raise malformed()
    try:
        return Constant({"N": normalise_number(sign + first.text)})
    except ValidationException as error:
        raise ValidationException(f"{error.message} under {where}") from error
