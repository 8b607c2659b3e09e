"""What a statement says, before its parameters are known. Trees are immutable and shared between requests.

Conditions and update actions are trees of `expressions`; the values in them are `:0`, `:1`, ..., which stand for the
statement's templates of these numbers.
"""

from dataclasses import dataclass

from lambent.services.dynamodb.expressions.tree import Action, ConditionNode, PathNode
from lambent.services.dynamodb.values import AttributeValue


@dataclass(frozen=True, slots=True)
class Constant:
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class Parameter:
    """A `?`; positions count from 0."""

    position: int


@dataclass(frozen=True, slots=True)
class ListTemplate:
    members: tuple["Template", ...]


@dataclass(frozen=True, slots=True)
class SetTemplate:
    members: tuple["Template", ...]


@dataclass(frozen=True, slots=True)
class MapTemplate:
    members: tuple[tuple[str, "Template"], ...]


Template = Constant | Parameter | ListTemplate | SetTemplate | MapTemplate


@dataclass(frozen=True, slots=True)
class Source:
    table: str
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    attribute: str
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    source: Source
    columns: tuple[PathNode, ...]
    """() is *."""
    where: ConditionNode | None
    orderings: tuple[Ordering, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """Only in transactions: one item meets a condition."""

    select: Select


@dataclass(frozen=True, slots=True)
class Insert:
    source: Source
    item: MapTemplate


@dataclass(frozen=True, slots=True)
class Update:
    source: Source
    actions: tuple[Action, ...]
    where: ConditionNode | None
    returning: str
    """ALL OLD, MODIFIED OLD, ALL NEW, MODIFIED NEW, or "" """


@dataclass(frozen=True, slots=True)
class Delete:
    source: Source
    where: ConditionNode | None
    returning: str


Body = Select | Exists | Insert | Update | Delete


@dataclass(frozen=True, slots=True)
class Statement:
    body: Body
    templates: tuple[Template, ...]
    parameters: int
    """How many a request must bring."""
