"""What one item has in one secondary index: nothing (it lacks a key attribute), or an entry of projected attributes."""

from functools import lru_cache

import orjson

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.keys import Key, KeySchema, index_key_of
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Index, Projection


@frozen
class Entry:
    key: Key
    encoded: bytes | None
    """The projected attributes as JSON; None: the entry is the whole item."""
    size: int


@frozen
class IndexChange:
    """What a write did to one index; None: the item was not, or is not, in it."""

    index: Index
    old: Entry | None
    new: Entry | None


def entry_of(index: Index, table_schema: KeySchema, stored: StoredItem | None) -> Entry | None:
    if stored is None:
        return None
    item = stored.item
    key = index_key_of(item, index.schema)
    if key is None:
        return None
    if index.projection is Projection.ALL:
        return Entry(key, None, stored.size)
    names = projected_names(index, table_schema)
    projected = {name: value for name, value in item.items() if name in names}
    return Entry(key, orjson.dumps(projected), item_size(projected))


def projected_names(index: Index, table_schema: KeySchema) -> frozenset[str]:
    """The attributes that an entry of the index carries, unless it carries all."""
    return _projected_names(index.schema, table_schema, index.included)


@lru_cache(maxsize=1024)
def _projected_names(index: KeySchema, table: KeySchema, included: tuple[str, ...]) -> frozenset[str]:
    return frozenset((*table.names, *index.names, *included))
