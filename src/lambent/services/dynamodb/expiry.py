"""Time to live: when does an item expire?

Developer Guide, "Using time to live (TTL)": the attribute is a Number of epoch seconds; anything else, and times more
than five years past, never expire an item.
"""

from lambent.services.dynamodb.values import Item

FIVE_YEARS_SECONDS = 5 * 365 * 86_400
_LARGEST = 2**62


def expiry_of(item: Item, attribute: str) -> int | None:
    """Epoch seconds; None: never."""
    value = item.get(attribute)
    text = value.get("N") if value is not None else None
    if text is None:
        return None
    seconds = float(text)
    return int(seconds) if 0 < seconds < _LARGEST else None
