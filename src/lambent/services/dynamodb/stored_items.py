"""An item as it lies in the database: its JSON, its size, and the item itself once somebody has looked at it.

The JSON is what goes over the wire, so an item that is read whole is never decoded.
"""

import orjson

from lambent.services.dynamodb.values import Item


class StoredItem:
    __slots__ = ("_item", "encoded", "size")

    def __init__(self, encoded: bytes, size: int, item: Item | None = None) -> None:
        self.encoded = encoded
        self.size = size
        self._item = item

    @property
    def item(self) -> Item:
        if self._item is None:
            self._item = orjson.loads(self.encoded)
        return self._item

    @property
    def fragment(self) -> orjson.Fragment:
        """The whole item, to be put into a result as it is."""
        return orjson.Fragment(self.encoded)
