"""SELECT held against the keys of a table or index: the partitions to query one after the other, or the whole to scan.

A WHERE that names partition keys (`=`, `IN`, or both sides of an `OR`) is split into branches, one for each partition
and range of sort keys; what else it says filters the items of its branch. Branches must not overlap, or an item would
be found twice.
"""

from collections.abc import Sequence
from dataclasses import replace

from lambent.kit.frozen import frozen
from lambent.services.dynamodb import keys
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import ConditionNode, Or
from lambent.services.dynamodb.keys import KeySchema, SortRange, check_key_value, partition_bytes
from lambent.services.dynamodb.partiql.key_terms import check_type, condition_of, conjuncts, equality, sort_clause
from lambent.services.dynamodb.partiql.tree import Ordering, Select
from lambent.services.dynamodb.values import AttributeValue

#: Developer Guide, "PartiQL operators", IN: "at max 50 hash attribute values".
MAX_BRANCHES = 50

_EVERY_SORT_KEY = SortRange()


@frozen
class Branch:
    """`partition` None: every partition (a scan)."""

    partition: AttributeValue | None
    sort: SortRange = _EVERY_SORT_KEY
    filters: tuple[ConditionNode, ...] = ()


@frozen
class Plan:
    branches: tuple[Branch, ...]
    is_descending: bool = False


def plan_select(select: Select, schema: KeySchema, placeholders: Placeholders) -> Plan:
    """Raises ValidationException."""
    found = _branches(select.where, schema, placeholders)
    if found is not None and len(found) > MAX_BRANCHES:
        raise ValidationException("Too many decomposed read operations for a given query.")
    _check_orderings(select, schema, found)
    narrowed = None if found is None else [_narrow(branch, schema, placeholders) for branch in found]
    if narrowed is None or _is_ambiguous(narrowed, schema, placeholders):
        return Plan((Branch(None, filters=tuple(conjuncts(select.where))),))
    _check_overlaps(narrowed)
    directions = {ordering.attribute: ordering.is_descending for ordering in select.orderings}
    if schema.partition in directions:
        narrowed.sort(key=_partition_key, reverse=directions[schema.partition])
    return Plan(tuple(narrowed), directions.get(schema.sort or "", False))


def _branches(where: ConditionNode | None, schema: KeySchema, placeholders: Placeholders) -> list[Branch] | None:
    """None where not every item that meets the condition must be in a partition it names."""
    if isinstance(where, Or):
        sides = [_branches(term, schema, placeholders) for term in where.terms]
        return [branch for side in sides for branch in side or ()] if all(side is not None for side in sides) else None
    terms = conjuncts(where)
    for term in terms:
        if isinstance(term, Or):
            found = _branches(term, schema, placeholders)
        else:
            name, values = equality(term, placeholders)
            found = [Branch(value) for value in values] if name == schema.partition else None
        if found is not None:
            rest = tuple(other for other in terms if other is not term)
            return [replace(branch, filters=branch.filters + rest) for branch in found]
    return None


def _narrow(branch: Branch, schema: KeySchema, placeholders: Placeholders) -> Branch:
    """Conditions on the sort key become its range. Raises ValidationException."""
    assert branch.partition is not None
    check_type(schema.partition, branch.partition, schema.partition_type)
    check_key_value(schema.partition, branch.partition, is_sort=False)
    sort, filters = branch.sort, []
    for term in branch.filters:
        operator, values = sort_clause(term, schema.sort, placeholders) if schema.sort else ("", [])
        if not operator:
            filters.append(term)
            continue
        for value in values:
            check_type(schema.sort or "", value, schema.sort_type or "")
        sort = _intersection(sort, keys.sort_range(operator, tuple(values)))
    return Branch(branch.partition, sort, tuple(filters))


def _is_ambiguous(branches: Sequence[Branch], schema: KeySchema, placeholders: Placeholders) -> bool:
    """Several branches of one partition, and one of them asks of the sort key what is no range (`<>`, NOT).

    AWS does not refuse these as overlapping, and returns every item once: so does a scan.
    """
    if schema.sort is None or len({str(branch.partition) for branch in branches}) == len(branches):
        return False
    conditions = [condition_of(branch.filters, placeholders) for branch in branches]
    return any(condition is not None and schema.sort in condition.attributes for condition in conditions)


def _check_overlaps(branches: Sequence[Branch]) -> None:
    """Raises ValidationException."""
    by_partition: dict[bytes, list[SortRange]] = {}
    for branch in branches:
        earlier = by_partition.setdefault(_partition_key(branch), [])
        if any(not _is_empty(_intersection(one, branch.sort)) for one in earlier):
            raise ValidationException("Overlapping conditions with range keys are not supported in where clause")
        earlier.append(branch.sort)


def _check_orderings(select: Select, schema: KeySchema, branches: Sequence[Branch] | None) -> None:
    """Raises ValidationException."""
    if not select.orderings:
        return
    if select.where is None:
        raise ValidationException("Must have WHERE clause in the statement when using ORDER BY clause.")
    if branches is None:
        raise ValidationException(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    _check_ordered_attributes(select.orderings, schema)
    names = [ordering.attribute for ordering in select.orderings]
    if len(branches) > 1 and schema.partition not in names:
        raise ValidationException(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
        )


def _check_ordered_attributes(orderings: Sequence[Ordering], schema: KeySchema) -> None:
    for ordering in orderings:
        if ordering.attribute not in schema.names:
            raise ValidationException(
                f"Variable reference {ordering.attribute} in ORDER BY clause must be part of the primary key"
            )


def _partition_key(branch: Branch) -> bytes:
    assert branch.partition is not None
    return partition_bytes(branch.partition)[keys.HASH_BYTES :]


def _intersection(one: SortRange, two: SortRange) -> SortRange:
    lowers = [(end.lower, not end.lower_inclusive) for end in (one, two) if end.lower is not None]
    uppers = [(end.upper, end.upper_inclusive) for end in (one, two) if end.upper is not None]
    lower, lower_exclusive = max(lowers, default=(None, False))
    upper, upper_inclusive = min(uppers, default=(None, True))
    return SortRange(lower, not lower_exclusive, upper, upper_inclusive)


def _is_empty(sort: SortRange) -> bool:
    if sort.lower is None or sort.upper is None or sort.lower < sort.upper:
        return False
    return sort.lower > sort.upper or not (sort.lower_inclusive and sort.upper_inclusive)
