"""Keys: finding them in items, checking them, and turning them into bytes that order as DynamoDB orders.

A partition is stored under eight bytes of hash and the encoded partition key, so that a Scan's order looks random and
a segment is a range of hashes; within it, items stand in the order of the encoded sort key.
"""

from dataclasses import dataclass

from lambent.services.dynamodb.values import AttributeValue, Item


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Attribute names and types ("S", "N", "B") of a table's or an index's key."""

    partition: str
    partition_type: str
    sort: str | None = None
    sort_type: str | None = None
    #: Partition, then sort where there is one.
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """Where an item is stored: `partition` is hash and encoded key, `sort` is empty where the schema has none."""

    partition: bytes
    sort: bytes


@dataclass(frozen=True, slots=True)
class SortRange:
    """Encoded sort keys from `lower` to `upper`; None is unbounded."""

    lower: bytes | None = None
    lower_inclusive: bool = True
    upper: bytes | None = None
    upper_inclusive: bool = True


def key_of_item(item: Item, schema: KeySchema) -> Key:
    """The key within a whole item (PutItem). Raises ValidationException when a key attribute is missing or unfit."""
    raise NotImplementedError


def key_of(key: Item, schema: KeySchema) -> Key:
    """The key given as the Key parameter: exactly the key attributes. Raises ValidationException."""
    raise NotImplementedError


def index_key_of(item: Item, schema: KeySchema) -> Key | None:
    """None where the item lacks a key attribute of the index (or has one of another type): it is not in the index."""
    raise NotImplementedError


def check_index_key(item: Item, schema: KeySchema, index_name: str) -> None:
    """Raises ValidationException when an item to write has a key attribute of the index with an unfit value."""
    raise NotImplementedError


def key_attributes(item: Item, schema: KeySchema) -> Item:
    """The key attributes of an item that has them all."""
    raise NotImplementedError


def partition_bytes(value: AttributeValue) -> bytes:
    """Hash and encoded partition key, as stored."""
    raise NotImplementedError


def encode_key(value: AttributeValue) -> bytes:
    """Bytes that order as DynamoDB orders the values of one type (S, N or B)."""
    raise NotImplementedError


def partition_hash(encoded: bytes) -> bytes:
    """Eight bytes, evenly spread."""
    raise NotImplementedError


def sort_range(operator: str, values: tuple[AttributeValue, ...]) -> SortRange:
    """`operator` is one of = < <= > >= BETWEEN begins_with."""
    raise NotImplementedError
