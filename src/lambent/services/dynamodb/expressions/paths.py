"""Document paths: `a.b[0]` as `("a", "b", 0)`."""

from lambent.services.dynamodb.values import AttributeValue, Item

#: First an attribute name, then map keys and list indices.
Path = tuple[str | int, ...]


def find(item: Item, path: Path) -> AttributeValue | None:
    """The value at the path, or None."""
    raise NotImplementedError
