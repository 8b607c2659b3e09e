"""Projection expressions: some paths of an item, in the item's own shape."""

from collections.abc import Iterable
from dataclasses import dataclass

from lambent.services.dynamodb.expressions.paths import Path
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class Projection:
    paths: tuple[Path, ...]
    #: Top-level attributes it names.
    attributes: frozenset[str]

    def pick(self, item: Item) -> Item:
        raise NotImplementedError


def compile_projection(text: str, placeholders: Placeholders) -> Projection:
    raise NotImplementedError


def pick_paths(item: Item, paths: Iterable[Path]) -> Item:
    """What the item has at these paths; list elements close up (`[a[2], a[0]]` gives a list of two, in list order)."""
    raise NotImplementedError
