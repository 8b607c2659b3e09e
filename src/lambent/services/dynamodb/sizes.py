"""What an item weighs (Developer Guide, "DynamoDB item sizes and formats"); capacity and limits are counted in it."""

from lambent.services.dynamodb.values import AttributeValue, Item

#: Developer Guide, "Quotas": "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary
#: length (UTF-8 length) and attribute value binary lengths".
MAX_ITEM_BYTES = 400 * 1024


def item_size(item: Item) -> int:
    """Bytes, names included."""
    raise NotImplementedError


def value_size(value: AttributeValue) -> int:
    raise NotImplementedError


def check_put_size(size: int) -> None:
    """Raises ValidationException when an item to put is too large."""
    raise NotImplementedError


def check_update_size(size: int) -> None:
    """Raises ValidationException when an update makes its item too large."""
    raise NotImplementedError
