"""Hash keys: where in the range of a stream a record belongs.

"An MD5 hash function is used to map partition keys to 128-bit integer values" (API Reference, PutRecord). The open
shards of a stream cover all of them, each exactly once.
"""

import hashlib
import itertools

from lambent.kit.frozen import frozen
from lambent.services.kinesis.errors import InvalidArgument

#: One more than the largest hash key.
HASH_KEYS = 2**128


@frozen
class HashRange:
    first: int
    last: int
    """Included."""

    def __contains__(self, hash_key: int) -> bool:
        return self.first <= hash_key <= self.last


ALL_HASH_KEYS = HashRange(0, HASH_KEYS - 1)


def hash_of(partition_key: str) -> int:
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())


def explicit(hash_key: str) -> int:
    """An ExplicitHashKey. Raises InvalidArgument."""
    number = int(hash_key)
    if number >= HASH_KEYS:
        raise InvalidArgument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {hash_key}"
        )
    return number


def divide(hashes: HashRange, parts: int) -> list[HashRange]:
    """Into ranges of one size, as nearly as whole numbers allow."""
    width = hashes.last - hashes.first + 1
    edges = [hashes.first + width * part // parts for part in range(parts + 1)]
    return [HashRange(first, after - 1) for first, after in itertools.pairwise(edges)]
