"""Update expressions: SET, REMOVE, ADD and DELETE, all computed from the item as it was before.

The paths written become a tree, so that every map and list on the way is copied once and nothing else is; list
indices mean the list as it was: elements set beyond its end are appended, those removed are taken out last.
"""

from collections.abc import Sequence
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import ValidationException, invalid_values
from lambent.services.dynamodb.expressions import changes
from lambent.services.dynamodb.expressions.changes import Change, Source
from lambent.services.dynamodb.expressions.invalid import (
    InvalidExpression,
    incorrect_type,
    misused_function,
    path_required,
)
from lambent.services.dynamodb.expressions.operands import getter
from lambent.services.dynamodb.expressions.paths import Branch, Path, plant, resolve
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import (
    Action,
    AddAction,
    Arithmetic,
    Function,
    Operand,
    PathNode,
    RemoveAction,
    SetAction,
    ValueNode,
)
from lambent.services.dynamodb.expressions.update_parser import parse_update
from lambent.services.dynamodb.values import SET_TYPES, AttributeValue, Item, check_depth, type_of

_INVALID_PATH = "The document path provided in the update expression is invalid for update"
_TYPE_NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}


@frozen
class Update:
    #: Every path it writes: what UPDATED_OLD and UPDATED_NEW return (`projections.pick_paths`).
    paths: tuple[Path, ...]
    #: What becomes of each, and the same without what is only removed.
    tree: Branch
    tree_for_new_items: Branch

    def check_keys(self, key_names: Sequence[str]) -> None:
        """Raises ValidationException when it writes to a key attribute; call before anything else."""
        for name in key_names:
            if name in self.tree:
                raise invalid_values(f"Cannot update attribute {name}. This attribute is part of the key")

    def apply(self, item: Item, *, existed: bool = True) -> Item:
        """The new item; `item` (its key attributes, if it did not exist) stays as it is. Raises ValidationException.

        REMOVE does nothing to an item that did not exist, even where its path would be refused in one that does.
        """
        return _change_members(item, self.tree if existed else self.tree_for_new_items, item, 1)


def compile_update(text: str, placeholders: Placeholders) -> Update:
    """Raises ValidationException."""
    try:
        return bind_update(parse_update(text), placeholders)
    except InvalidExpression as error:
        raise error.in_parameter("UpdateExpression") from error


def bind_update(actions: Sequence[Action], placeholders: Placeholders) -> Update:
    """Raises InvalidExpression."""
    return _Binder(placeholders).bind(actions)


def update_of(entries: Sequence[tuple[Path, Change]]) -> Update:
    """Raises InvalidExpression when paths overlap or conflict."""
    tree = plant(entries)
    staying = [entry for entry in entries if entry[1] is not changes.remove]
    return Update(
        paths=tuple(path for path, _ in entries),
        tree=tree,
        tree_for_new_items=tree if len(staying) == len(entries) else plant(staying),
    )


class _Binder:
    """Names and values that are not defined are refused at once, wrong types only after paths that overlap."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._operand_problem: InvalidExpression | None = None
        self._function_problem: InvalidExpression | None = None

    def bind(self, actions: Sequence[Action]) -> Update:
        update = update_of([(resolve(action.path, self._placeholders), self._change(action)) for action in actions])
        if problem := self._operand_problem or self._function_problem:
            raise problem
        return update

    def _change(self, action: Action) -> Change:
        if isinstance(action, SetAction):
            return changes.put(self._source(action.value))
        if isinstance(action, RemoveAction):
            return changes.remove
        value = self._placeholders.value(action.value.placeholder)
        kind = type_of(value)
        if isinstance(action, AddAction):
            if kind == "N" or kind in SET_TYPES:
                return changes.add(value)
            return self._wrong_operand("ADD", kind)
        return changes.delete(value) if kind in SET_TYPES else self._wrong_operand("DELETE", kind)

    def _wrong_operand(self, section: str, kind: str) -> Change:
        self._operand_problem = self._operand_problem or InvalidExpression(
            "Incorrect operand type for operator or function; "
            f"operator: {section}, operand type: {_TYPE_NAMES.get(kind, kind)}"
        )
        return changes.remove

    def _source(self, node: Operand | Arithmetic) -> Source:
        if isinstance(node, ValueNode):
            return changes.literal(self._placeholders.value(node.placeholder))
        if isinstance(node, PathNode):
            return changes.attribute(getter(resolve(node, self._placeholders)))
        if isinstance(node, Function):
            return self._call(node)
        left, right = self._source(node.left), self._source(node.right)
        self._check_constants(node.operator, (node.left, node.right), "N")
        return changes.arithmetic(node.operator, left, right)

    def _call(self, node: Function) -> Source:
        sources = [self._source(operand) for operand in node.operands]
        if len(sources) != 2:
            return self._wrong_function(
                InvalidExpression(
                    "Incorrect number of operands for operator or function; "
                    f"operator or function: {node.name}, number of operands: {len(sources)}"
                )
            )
        first, second = sources
        if node.name == "if_not_exists":
            path = node.operands[0]
            if not isinstance(path, PathNode):
                return self._wrong_function(path_required(node.name))
            return changes.if_not_exists(getter(resolve(path, self._placeholders)), second)
        if any(isinstance(operand, Function) and operand.name == node.name for operand in node.operands):
            return self._wrong_function(misused_function(node.name))
        self._check_constants(node.name, node.operands, "L")
        return changes.list_append(first, second)

    def _check_constants(self, function: str, operands: Sequence[Operand], wanted: str) -> None:
        for operand in operands:
            if isinstance(operand, ValueNode):
                kind = type_of(self._placeholders.value(operand.placeholder))
                if kind != wanted:
                    self._wrong_function(incorrect_type(function, kind))

    def _wrong_function(self, problem: InvalidExpression) -> Source:
        self._function_problem = self._function_problem or problem
        return changes.literal({})


def _change_members(members: Item, tree: Branch, item: Item, depth: int) -> Item:
    """The members of an item, or of a map within one."""
    changed = dict(members)
    for name, branch in tree.items():
        if isinstance(branch, dict):
            changed[name] = _descend(members.get(name), branch, item, depth + 1)
            continue
        value = branch(members.get(name), item)
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value
            if depth > 1:
                check_depth(value, depth)
    return changed


def _change_elements(elements: list[AttributeValue], tree: Branch, item: Item, depth: int) -> list[AttributeValue]:
    changed = list(elements)
    appended: list[AttributeValue] = []
    removed: list[int] = []
    for index in sorted(tree):
        branch = tree[index]
        existing = elements[index] if index < len(elements) else None
        value = _descend(existing, branch, item, depth + 1) if isinstance(branch, dict) else branch(existing, item)
        if value is not None:
            check_depth(value, depth)
        if existing is None:
            appended += [value] if value is not None else []
        elif value is None:
            removed.append(index)
        else:
            changed[index] = value
    for index in reversed(removed):
        del changed[index]
    return changed + appended


def _descend(value: AttributeValue | None, tree: Branch, item: Item, depth: int) -> AttributeValue:
    """A map or list with what the tree changes within it. Raises ValidationException when it is neither."""
    kind = "M" if isinstance(next(iter(tree)), str) else "L"
    content: Any = value.get(kind) if value is not None else None
    if content is None:
        raise ValidationException(_INVALID_PATH)
    if kind == "M":
        return {"M": _change_members(content, tree, item, depth)}
    return {"L": _change_elements(content, tree, item, depth)}
