"""What an expression means, before names and values are known. Trees are immutable and shared between requests."""

from lambent.kit.frozen import frozen


@frozen
class PathNode:
    """`a.#b[0]`: attribute names, placeholders for them (with their `#`) and list indices."""

    parts: tuple[str | int, ...]
    #: Whether any part is a placeholder.
    has_placeholders: bool


@frozen
class ValueNode:
    """`:value`, with its colon."""

    placeholder: str


@frozen
class Function:
    name: str
    operands: tuple["Operand", ...]


Operand = PathNode | ValueNode | Function


@frozen
class Comparison:
    """`operator` is one of = <> < <= > >=."""

    operator: str
    left: Operand
    right: Operand


@frozen
class Between:
    operand: Operand
    lower: Operand
    upper: Operand


@frozen
class In:
    operand: Operand
    options: tuple[Operand, ...]


@frozen
class Not:
    term: "ConditionNode"


@frozen
class And:
    terms: tuple["ConditionNode", ...]


@frozen
class Or:
    terms: tuple["ConditionNode", ...]


ConditionNode = Comparison | Between | In | Function | Not | And | Or


@frozen
class Arithmetic:
    """`operator` is + or -."""

    operator: str
    left: Operand
    right: Operand


@frozen
class SetAction:
    path: PathNode
    value: Operand | Arithmetic


@frozen
class RemoveAction:
    path: PathNode


@frozen
class AddAction:
    path: PathNode
    value: ValueNode


@frozen
class DeleteAction:
    path: PathNode
    value: ValueNode


Action = SetAction | RemoveAction | AddAction | DeleteAction
