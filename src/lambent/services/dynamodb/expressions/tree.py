"""What an expression means, before names and values are known. Trees are immutable and shared between requests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathNode:
    """`a.#b[0]`: attribute names, placeholders for them (with their `#`) and list indices."""

    parts: tuple[str | int, ...]
    #: Whether any part is a placeholder.
    has_placeholders: bool


@dataclass(frozen=True, slots=True)
class ValueNode:
    """`:value`, with its colon."""

    placeholder: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    operands: tuple["Operand", ...]


Operand = PathNode | ValueNode | Function


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is one of = <> < <= > >=."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    lower: Operand
    upper: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: "ConditionNode"


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["ConditionNode", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["ConditionNode", ...]


ConditionNode = Comparison | Between | In | Function | Not | And | Or


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`operator` is + or -."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class SetAction:
    path: PathNode
    value: Operand | Arithmetic


@dataclass(frozen=True, slots=True)
class RemoveAction:
    path: PathNode


@dataclass(frozen=True, slots=True)
class AddAction:
    path: PathNode
    value: ValueNode


@dataclass(frozen=True, slots=True)
class DeleteAction:
    path: PathNode
    value: ValueNode


Action = SetAction | RemoveAction | AddAction | DeleteAction
