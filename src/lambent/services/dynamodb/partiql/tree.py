"""What a statement says, before its parameters are known. Trees are immutable and shared between requests.

Conditions and update actions are trees of `expressions`; the values in them are `:0`, `:1`, ..., which stand for the
statement's templates of these numbers.
"""

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.expressions.tree import Action, ConditionNode, PathNode
from lambent.services.dynamodb.values import AttributeValue


@frozen
class Constant:
    value: AttributeValue


@frozen
class Parameter:
    """A `?`; positions count from 0."""

    position: int


@frozen
class ListTemplate:
    members: tuple["Template", ...]


@frozen
class SetTemplate:
    members: tuple["Template", ...]


@frozen
class MapTemplate:
    members: tuple[tuple[str, "Template"], ...]


Template = Constant | Parameter | ListTemplate | SetTemplate | MapTemplate


@frozen
class Source:
    table: str
    index: str | None = None


@frozen
class Ordering:
    attribute: str
    is_descending: bool


@frozen
class Select:
    source: Source
    columns: tuple[PathNode, ...]
    """() is *."""
    where: ConditionNode | None
    orderings: tuple[Ordering, ...]


@frozen
class Exists:
    """Only in transactions: one item meets a condition."""

    select: Select


@frozen
class Insert:
    source: Source
    item: MapTemplate


@frozen
class Update:
    source: Source
    actions: tuple[Action, ...]
    where: ConditionNode | None
    returning: str
    """ALL OLD, MODIFIED OLD, ALL NEW, MODIFIED NEW, or "" """


@frozen
class Delete:
    source: Source
    where: ConditionNode | None
    returning: str


Body = Select | Exists | Insert | Update | Delete


@frozen
class Statement:
    body: Body
    templates: tuple[Template, ...]
    parameters: int
    """How many a request must bring."""
