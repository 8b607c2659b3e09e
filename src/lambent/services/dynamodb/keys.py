"""Keys: finding them in items, checking them, and turning them into bytes that order as DynamoDB orders.

A partition is stored under eight bytes of hash and the encoded partition key, so that a Scan's order looks random and
a segment is a range of hashes; within it, items stand in the order of the encoded sort key.
"""

import binascii
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import ValidationException, invalid_values, key_mismatch
from lambent.services.dynamodb.numbers import encode_number
from lambent.services.dynamodb.values import AttributeValue, Item

#: Developer Guide, "Quotas": partition keys of 1 to 2048 bytes, sort keys of 1 to 1024 bytes.
MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024

HASH_BYTES = 8

_ENCODERS: dict[str, Callable[[str], bytes]] = {"S": str.encode, "N": encode_number, "B": binascii.a2b_base64}

_INVALID_KEY = "One or more parameter values are not valid. "
_EMPTY_KEY = "The AttributeValue for a key attribute cannot contain an empty {} value. "
_KIND_NAMES = {"S": "string", "B": "binary"}


@frozen
class KeySchema:
    """Attribute names and types ("S", "N", "B") of a table's or an index's key."""

    partition: str
    partition_type: str
    sort: str | None = None
    sort_type: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Partition, then sort where there is one."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


class Key(NamedTuple):
    """Where an item is stored: `partition` is hash and encoded key, `sort` is empty where the schema has none."""

    partition: bytes
    sort: bytes


@frozen
class SortRange:
    """Encoded sort keys from `lower` to `upper`; None is unbounded."""

    lower: bytes | None = None
    lower_inclusive: bool = True
    upper: bytes | None = None
    upper_inclusive: bool = True


def key_of_item(item: Item, schema: KeySchema) -> Key:
    """The key within a whole item (PutItem). Raises ValidationException when a key attribute is missing or unfit."""
    partition = _encoded_attribute(item, schema.partition, schema.partition_type)
    if schema.sort is None or schema.sort_type is None:
        sort = b""
    else:
        sort = _encoded_attribute(item, schema.sort, schema.sort_type)
    return _key(partition, sort)


def key_of(key: Item, schema: KeySchema) -> Key:
    """The key given as the Key parameter: exactly the key attributes. Raises ValidationException."""
    partition = key.get(schema.partition)
    if partition is None or schema.partition_type not in partition:
        raise key_mismatch()
    if schema.sort is None or schema.sort_type is None:
        if len(key) != 1:
            raise key_mismatch()
        return _key(_encode_filled(partition, schema.partition), b"")
    sort = key.get(schema.sort)
    if len(key) != 2 or sort is None or schema.sort_type not in sort:
        raise key_mismatch()
    return _key(_encode_filled(partition, schema.partition), _encode_filled(sort, schema.sort))


def index_key_of(item: Item, schema: KeySchema) -> Key | None:
    """None where the item lacks a key attribute of the index (or has one of another type): it is not in the index."""
    partition = item.get(schema.partition)
    if partition is None or schema.partition_type not in partition:
        return None
    if schema.sort is None or schema.sort_type is None:
        return Key(partition_bytes(partition), b"")
    sort = item.get(schema.sort)
    if sort is None or schema.sort_type not in sort:
        return None
    return Key(partition_bytes(partition), encode_key(sort))


def check_index_key(item: Item, schema: KeySchema, index_name: str) -> None:
    """Raises ValidationException when an item to put has a key attribute of the index with an unfit value."""
    for name, wanted in ((schema.partition, schema.partition_type), (schema.sort, schema.sort_type)):
        value = item.get(name) if name is not None else None
        if value is None or name is None or wanted is None:
            continue
        if wanted not in value:
            actual = next(iter(value))
            raise invalid_values(
                f"Type mismatch for Index Key {name} Expected: {wanted} Actual: {actual} IndexName: {index_name}"
            )
        if not value[wanted]:
            raise ValidationException(
                f"{_INVALID_KEY}A value specified for a secondary index key is not supported. "
                f"{_EMPTY_KEY.format(_KIND_NAMES[wanted])}IndexName: {index_name}, IndexKey: {name}"
            )
        check_key_value(name, value, is_sort=name == schema.sort)


def check_updated_index_key(item: Item, schema: KeySchema, index_name: str) -> None:
    """As check_index_key for an item that an update expression made."""
    for name, wanted, limit in (
        (schema.partition, schema.partition_type, MAX_PARTITION_KEY_BYTES),
        (schema.sort, schema.sort_type, MAX_SORT_KEY_BYTES),
    ):
        value = item.get(name) if name is not None else None
        if value is None or wanted is None:
            continue
        if wanted not in value:
            raise ValidationException(
                "The update expression attempted to update the secondary index key to unsupported type"
            )
        if not value[wanted]:
            check_index_key(item, schema, index_name)
        if wanted != "N" and len(encode_key(value)) > limit:
            raise ValidationException(
                "The update expression attempted to update the secondary index key beyond allowed size limits"
            )


def key_attributes(item: Item, schema: KeySchema) -> Item:
    """The key attributes of an item that has them all."""
    if schema.sort is None:
        return {schema.partition: item[schema.partition]}
    return {schema.partition: item[schema.partition], schema.sort: item[schema.sort]}


def partition_bytes(value: AttributeValue) -> bytes:
    """Hash and encoded partition key, as stored."""
    encoded = encode_key(value)
    return hashlib.blake2b(encoded, digest_size=HASH_BYTES).digest() + encoded


def encode_key(value: AttributeValue) -> bytes:
    """Bytes that order as DynamoDB orders the values of one type (S, N or B)."""
    for kind, content in value.items():
        return _ENCODERS[kind](content)
    raise AssertionError(value)


def partition_hash(encoded: bytes) -> bytes:
    """Eight bytes, evenly spread."""
    return hashlib.blake2b(encoded, digest_size=HASH_BYTES).digest()


def check_key_value(name: str, value: AttributeValue, *, is_sort: bool) -> bytes:
    """The encoded key of a condition's operand. Raises ValidationException when empty or too long."""
    encoded = _encode_filled(value, name)
    _check_sizes(b"" if is_sort else encoded, encoded if is_sort else b"")
    return encoded


def sort_range(operator: str, values: tuple[AttributeValue, ...]) -> SortRange:
    """`operator` is one of = < <= > >= BETWEEN begins_with."""
    first = encode_key(values[0])
    match operator:
        case "=":
            return SortRange(lower=first, upper=first)
        case "<" | "<=":
            return SortRange(upper=first, upper_inclusive=operator == "<=")
        case ">" | ">=":
            return SortRange(lower=first, lower_inclusive=operator == ">=")
        case "BETWEEN":
            return SortRange(lower=first, upper=encode_key(values[1]))
    return SortRange(lower=first, upper=_after_prefix(first), upper_inclusive=False)


def _after_prefix(prefix: bytes) -> bytes | None:
    """The least bytes greater than everything that begins with `prefix`; None if there are none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else None


def _key(partition: bytes, sort: bytes) -> Key:
    _check_sizes(partition, sort)
    return Key(hashlib.blake2b(partition, digest_size=HASH_BYTES).digest() + partition, sort)


def _check_sizes(partition: bytes, sort: bytes) -> None:
    if len(partition) > MAX_PARTITION_KEY_BYTES:
        # The missing space is AWS's.
        raise invalid_values("Size of hashkey has exceeded the maximum size limit of2048 bytes")
    if len(sort) > MAX_SORT_KEY_BYTES:
        raise invalid_values("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def _encoded_attribute(item: Item, name: str, wanted: str) -> bytes:
    value = item.get(name)
    if value is None:
        raise invalid_values(f"Missing the key {name} in the item")
    if wanted not in value:
        raise invalid_values(f"Type mismatch for key {name} expected: {wanted} actual: {next(iter(value))}")
    return _encode_filled(value, name)


def _encode_filled(value: AttributeValue, name: str) -> bytes:
    encoded = encode_key(value)
    if not encoded:
        kind = _KIND_NAMES[next(iter(value))]
        raise ValidationException(f"{_INVALID_KEY}{_EMPTY_KEY.format(kind)}Key: {name}")
    return encoded
