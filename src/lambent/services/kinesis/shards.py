"""Shards: which hash keys one covers and when, and how a stream's shards become others.

A shard is open until it is split or merged; its children cover its hash keys from the moment it closes, so at any
moment every hash key is covered by exactly one shard. Index and opening time of a child are greater than its
parents', and with them its sequence numbers. What happens is decided here on values, `shard_store` writes it down.
"Resharding a stream", https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html
"""

import bisect
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lambent.kit.frozen import frozen
from lambent.services.kinesis import hash_keys, sequence_numbers
from lambent.services.kinesis.errors import InvalidArgument, ResourceInUse
from lambent.services.kinesis.hash_keys import HashRange
from lambent.services.kinesis.names import StreamKey


@dataclass(frozen=True)
class Shard:
    stream_id: int
    index: int
    """From 0, in the order of their making: parents before children."""
    hashes: HashRange
    opened_ms: int
    parent: int | None = None
    """Index of the shard it follows; that one may be expired and gone."""
    adjacent_parent: int | None = None
    """The other one, of a merge."""
    closed_ms: int | None = None
    """When its children were opened; None: open."""
    trimmed: int = 0
    """Records up to this position are gone."""

    @cached_property
    def shard_id(self) -> str:
        return shard_id_of(self.index)

    @cached_property
    def log(self) -> str:
        return f"kinesis/{self.stream_id}/{self.index}"

    @cached_property
    def prefix(self) -> str:
        """Of its sequence numbers."""
        return sequence_numbers.prefix_of(self.opened_ms, self.index)

    @property
    def is_closed(self) -> bool:
        return self.closed_ms is not None

    @property
    def parents(self) -> tuple[int, ...]:
        return tuple(one for one in (self.parent, self.adjacent_parent) if one is not None)

    def was_open_at(self, time_ms: int) -> bool:
        return self.opened_ms <= time_ms and (self.closed_ms is None or time_ms < self.closed_ms)


@frozen
class Resharding:
    """What becomes of a stream's shards."""

    closed: tuple[Shard, ...] = ()
    opened: tuple[Shard, ...] = ()
    """Some of them may be among the closed as well: they were short-lived."""


@dataclass
class Layout:
    """Open shards of a stream while they are split and merged, and how that differs from what they were."""

    key: StreamKey
    shards: dict[int, Shard]
    """The open ones, by index."""
    now_ms: int
    next_index: int
    _closed: dict[int, Shard] = field(default_factory=dict)
    _opened: dict[int, Shard] = field(default_factory=dict)

    def split(self, parent: Shard, at: int) -> tuple[Shard, Shard]:
        """`at` becomes the first hash key of the second child."""
        lower, upper = HashRange(parent.hashes.first, at - 1), HashRange(at, parent.hashes.last)
        time_ms = self._close(parent)
        return self._open(lower, time_ms, parent), self._open(upper, time_ms, parent)

    def merge(self, first: Shard, second: Shard) -> Shard:
        """Their hash keys must be adjacent; `first` is the one that AWS calls the parent."""
        low, high = sorted((first.hashes, second.hashes), key=lambda hashes: hashes.first)
        time_ms = self._close(first, second)
        return self._open(HashRange(low.first, high.last), time_ms, first, second)

    def result(self) -> Resharding:
        return Resharding(tuple(self._closed.values()), tuple(self._opened.values()))

    def _close(self, *parents: Shard) -> int:
        """When: children are opened later than their parents were, whatever the clock says."""
        time_ms = max(self.now_ms, *(one.opened_ms + 1 for one in parents), 0)
        for parent in parents:
            self._closed[parent.index] = replace(parent, closed_ms=time_ms)
            del self.shards[parent.index]
        return time_ms

    def _open(self, hashes: HashRange, time_ms: int, parent: Shard, adjacent: Shard | None = None) -> Shard:
        shard = Shard(
            stream_id=parent.stream_id,
            index=self.next_index,
            hashes=hashes,
            opened_ms=time_ms,
            parent=parent.index,
            adjacent_parent=adjacent.index if adjacent else None,
        )
        self.next_index += 1
        self.shards[shard.index] = shard
        self._opened[shard.index] = shard
        return shard


def shard_id_of(index: int) -> str:
    return f"shardId-{index:012d}"


def index_of(shard_id: str) -> int | None:
    """None if no shard is ever called that."""
    digits = shard_id.removeprefix("shardId-")
    return int(digits) if len(digits) == 12 and len(shard_id) == 20 and digits.isdecimal() else None


def first_shards(stream_id: int, count: int, now_ms: int) -> list[Shard]:
    """Of a new stream."""
    ranges = hash_keys.divide(hash_keys.ALL_HASH_KEYS, count)
    return [Shard(stream_id, index, hashes, now_ms) for index, hashes in enumerate(ranges)]


def owner_of(open_shards: Sequence[Shard], firsts: Sequence[int], hash_key: int) -> Shard:
    """The open shard that covers a hash key; `firsts` are their first ones, both in order."""
    return open_shards[bisect.bisect_right(firsts, hash_key) - 1]


def split(layout: Layout, shard: Shard, new_starting_hash: int) -> Resharding:
    """SplitShard. Raises ResourceInUse, InvalidArgument."""
    _check_open(layout.key, shard)
    hashes = shard.hashes
    if not hashes.first + 1 < new_starting_hash < hashes.last:
        raise InvalidArgument(
            f"NewStartingHashKey {new_starting_hash} used in SplitShard() on shard {shard.shard_id} in stream "
            f"{layout.key.name} under account {layout.key.account_id} is not both greater than one plus the shard's "
            f"StartingHashKey {hashes.first} and less than the shard's EndingHashKey {hashes.last}."
        )
    layout.split(shard, new_starting_hash)
    return layout.result()


def merge(layout: Layout, shard: Shard, adjacent: Shard) -> Resharding:
    """MergeShards. Raises ResourceInUse, InvalidArgument."""
    _check_open(layout.key, shard)
    _check_open(layout.key, adjacent)
    if shard.hashes.last + 1 != adjacent.hashes.first and adjacent.hashes.last + 1 != shard.hashes.first:
        raise InvalidArgument(
            f"Shards {shard.shard_id} and {adjacent.shard_id} in stream {layout.key.name} under account "
            f"{layout.key.account_id} are not an adjacent pair of shards eligible for merging"
        )
    layout.merge(shard, adjacent)
    return layout.result()


def scale(layout: Layout, target: int) -> Resharding:
    """UpdateShardCount: afterwards `target` shards cover ranges of one size.

    "Kinesis Data Streams performs splits or merges on individual shards. This can cause short-lived shards to be
    created, in addition to the final shards" (API Reference): shards are split where a target range begins inside
    them, then the pieces of each range are merged.
    """
    ranges = hash_keys.divide(hash_keys.ALL_HASH_KEYS, target)
    pieces = iter(_split_at(layout, [hashes.first for hashes in ranges[1:]]))
    for hashes in ranges:
        merged = next(pieces)
        while merged.hashes.last < hashes.last:
            merged = layout.merge(merged, next(pieces))
    return layout.result()


def _split_at(layout: Layout, firsts: Sequence[int]) -> list[Shard]:
    """Shards in the order of their hash keys, with one beginning at each of `firsts`."""
    pieces: list[Shard] = []
    edges = deque(firsts)
    for shard in sorted(layout.shards.values(), key=lambda one: one.hashes.first):
        rest = shard
        while edges and edges[0] <= rest.hashes.last:
            edge = edges.popleft()
            if edge > rest.hashes.first:
                lower, rest = layout.split(rest, edge)
                pieces.append(lower)
        pieces.append(rest)
    return pieces


def _check_open(key: StreamKey, shard: Shard) -> None:
    if shard.is_closed:
        raise ResourceInUse(
            f"Shard {shard.shard_id} in stream {key.name} under account {key.account_id} has already been merged or "
            "split, and thus is not eligible for merging or splitting."
        )


def children_of(shards: Sequence[Shard], parent: Shard) -> list[Shard]:
    return [one for one in shards if parent.index in one.parents]


def covers_all(open_shards: Sequence[Shard]) -> bool:
    """Does every hash key belong to exactly one of them? (They are given in order.)"""
    edges = [shard.hashes for shard in open_shards]
    is_whole = bool(edges) and edges[0].first == 0 and edges[-1].last == hash_keys.HASH_KEYS - 1
    return is_whole and all(one.last + 1 == two.first for one, two in itertools.pairwise(edges))
