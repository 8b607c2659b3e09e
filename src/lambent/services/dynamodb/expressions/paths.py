"""Document paths: `a.b[0]` as `("a", "b", 0)`, and trees of several of them."""

from collections.abc import Sequence
from typing import Any

from lambent.services.dynamodb.expressions.invalid import InvalidExpression
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import PathNode
from lambent.services.dynamodb.values import AttributeValue, Item

#: First an attribute name, then map keys and list indices.
Path = tuple[str | int, ...]

#: Paths that share their beginnings: each member is a Branch in turn, or (no dict) what stands at the path's end.
#: The members of one branch are all names or all indices.
Branch = dict[Any, Any]


def resolve(node: PathNode, placeholders: Placeholders) -> Path:
    """The path with names for placeholders. Raises InvalidExpression."""
    if not node.has_placeholders:
        return node.parts
    return tuple(placeholders.name(part) if isinstance(part, str) and part[0] == "#" else part for part in node.parts)


def find(item: Item, path: Path) -> AttributeValue | None:
    """The value at the path, or None."""
    value = item.get(path[0])  # type: ignore[arg-type]  # a path begins with a name
    for part in path[1:]:
        if value is None:
            return None
        value = member(value, part)
    return value


def member(value: AttributeValue, part: str | int) -> AttributeValue | None:
    """A map's value or a list's element; None where there is none, or where it is no map or list."""
    if isinstance(part, str):
        members = value.get("M")
        return members.get(part) if members is not None else None
    elements = value.get("L")
    return elements[part] if elements is not None and part < len(elements) else None


def plant(entries: Sequence[tuple[Path, Any]]) -> Branch:
    """A tree of paths with what stands at their ends.

    Raises InvalidExpression when one path is another's beginning (they overlap) or when one takes for a map what
    another takes for a list (they conflict). AWS reports overlaps before conflicts.
    """
    root: Branch = {}
    conflict: InvalidExpression | None = None
    for index, (path, leaf) in enumerate(entries):
        branch: Any = root
        for part in path[:-1]:
            if _mixes(branch, part):
                branch = None
                break
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise _overlap(entries[:index], path)
        if branch is None or _mixes(branch, path[-1]):
            conflict = conflict or _conflict(entries[:index], path)
        elif path[-1] in branch:
            raise _overlap(entries[:index], path)
        else:
            branch[path[-1]] = leaf
    if conflict is not None:
        raise conflict
    return root


def describe(path: Path) -> str:
    """As AWS prints it: `[a, b, [0]]`."""
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in path)}]"


def _mixes(branch: Branch, part: str | int) -> bool:
    return bool(branch) and type(next(iter(branch))) is not type(part)


def _overlap(earlier: Sequence[tuple[Path, Any]], path: Path) -> InvalidExpression:
    for other, _ in earlier:
        shared = min(len(other), len(path))
        if other[:shared] == path[:shared]:
            return _clash("overlap", other, path)
    raise AssertionError(path)


def _conflict(earlier: Sequence[tuple[Path, Any]], path: Path) -> InvalidExpression:
    for other, _ in earlier:
        for ours, theirs in zip(path, other, strict=False):
            if type(ours) is not type(theirs):
                return _clash("conflict", other, path)
            if ours != theirs:
                break
    raise AssertionError(path)


def _clash(verb: str, one: Path, two: Path) -> InvalidExpression:
    return InvalidExpression(
        f"Two document paths {verb} with each other; must remove or rewrite one of these paths; "
        f"path one: {describe(one)}, path two: {describe(two)}"
    )
