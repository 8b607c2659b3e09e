"""Projection expressions: some paths of an item, in the item's own shape.

List elements close up: of `a[0]` and `a[2]` comes a list of two, in the order of the item's list.
"""

import functools
from collections.abc import Iterable

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.expressions import update_parser
from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.paths import Branch, Path, member, plant, resolve
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.values import AttributeValue, Item


@frozen
class Projection:
    paths: tuple[Path, ...]
    #: Top-level attributes it names.
    attributes: frozenset[str]
    tree: Branch

    def pick(self, item: Item) -> Item:
        """What the item has at these paths."""
        return pick_members(item, self.tree)


def compile_projection(text: str, placeholders: Placeholders) -> Projection:
    """Raises ValidationException."""
    try:
        nodes = update_parser.parse_projection(text)
        if any(node.has_placeholders for node in nodes):
            return project([resolve(node, placeholders) for node in nodes])
        return _constant_projection(text)
    except InvalidExpression as error:
        raise error.in_parameter("ProjectionExpression") from error


@functools.lru_cache(update_parser.MAX_CACHED)
def _constant_projection(text: str) -> Projection:
    return project([node.parts for node in update_parser.parse_projection(text)])


def project(paths: Iterable[Path]) -> Projection:
    """Raises InvalidExpression when paths overlap or conflict."""
    taken = tuple(paths)
    tree = plant([(path, True) for path in taken])
    return Projection(taken, frozenset(tree), tree)


def pick_paths(item: Item, paths: Iterable[Path]) -> Item:
    """What the item has at paths that neither overlap nor conflict, such as those of an update."""
    return pick_members(item, plant([(path, True) for path in paths]))


def pick_members(item: Item, tree: Branch) -> Item:
    """What the item, or a map within one, has of a tree of paths."""
    picked: Item = {}
    for name, branch in tree.items():
        value = item.get(name)
        if value is None:
            continue
        part = _pick(value, branch) if isinstance(branch, dict) else value
        if part is not None:
            picked[name] = part
    return picked


def _pick(value: AttributeValue, tree: Branch) -> AttributeValue | None:
    """The value without what no path leads to; None if nothing is left."""
    if isinstance(next(iter(tree)), str):
        members = value.get("M")
        return {"M": picked} if members and (picked := pick_members(members, tree)) else None
    elements = []
    for index in sorted(tree):
        element = member(value, index)
        if element is not None:
            branch = tree[index]
            part = _pick(element, branch) if isinstance(branch, dict) else element
            if part is not None:
                elements.append(part)
    return {"L": elements} if elements else None
