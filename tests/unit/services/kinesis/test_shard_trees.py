"""Shards as a tree: whatever is split, merged and scaled, every hash key has one open shard, and nothing is lost.

A stream is reshaped at random while records are put; then it is walked as consumers do, parents before children.
"""

import hashlib
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.kinesis import hash_keys, sequence_numbers, shards
from lambent.services.kinesis.errors import InvalidArgument, ResourceInUse
from lambent.services.kinesis.hash_keys import HASH_KEYS, HashRange
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.shards import Layout, Resharding, Shard

KEY = StreamKey("000000000000", "us-east-1", "s")
NOW_MS = 1_750_000_000_000


class Model:
    """A stream in memory: its shards, and the records that were put into each."""

    def __init__(self, count: int) -> None:
        self.shards = shards.first_shards(1, count, NOW_MS)
        self.records: dict[int, list[tuple[str, int]]] = {}
        self.put_so_far: list[tuple[str, int]] = []

    @property
    def open(self) -> list[Shard]:
        return sorted((one for one in self.shards if not one.is_closed), key=lambda one: one.hashes.first)

    def layout(self) -> Layout:
        return Layout(KEY, {one.index: one for one in self.open}, NOW_MS, len(self.shards))

    def apply(self, change: Resharding) -> None:
        closed = {one.index: one for one in change.closed}
        self.shards = [replace(closed[one.index]) if one.index in closed else one for one in self.shards]
        self.shards += [closed.get(one.index, one) for one in change.opened]

    def put(self, key: str) -> None:
        hash_key = hash_keys.hash_of(key)
        owner = shards.owner_of(self.open, [one.hashes.first for one in self.open], hash_key)
        assert hash_key in owner.hashes
        record = (key, len(self.put_so_far))
        self.records.setdefault(owner.index, []).append(record)
        self.put_so_far.append(record)

    def walk(self) -> list[tuple[str, int]]:
        """Every shard once its parents are done."""
        done: set[int] = set()
        found = []
        while len(done) < len(self.shards):
            ready = [one for one in self.shards if one.index not in done and done.issuperset(one.parents)]
            assert ready, "no circles"
            for shard in reversed(ready):
                found += self.records.get(shard.index, [])
                done.add(shard.index)
        return found


@given(st.integers(1, 5), st.data())
def test_every_hash_key_has_one_open_shard_and_every_record_one_place(count: int, data: st.DataObject) -> None:
    model = Model(count)
    for _ in range(data.draw(st.integers(1, 8))):
        for number in range(data.draw(st.integers(0, 6))):
            model.put(f"key-{number % 3}")
        layout, opened = model.layout(), model.open
        match data.draw(st.sampled_from(("split", "merge", "scale"))):
            case "split":
                shard = data.draw(st.sampled_from(opened))
                if shard.hashes.last - shard.hashes.first < 4:
                    continue
                model.apply(
                    shards.split(layout, shard, data.draw(st.integers(shard.hashes.first + 2, shard.hashes.last - 1)))
                )
            case "merge" if len(opened) > 1:
                place = data.draw(st.integers(0, len(opened) - 2))
                pair = (opened[place], opened[place + 1])
                first, second = pair if data.draw(st.booleans()) else pair[::-1]
                model.apply(shards.merge(layout, first, second))
            case "scale":
                target = data.draw(st.integers(1, 12))
                model.apply(shards.scale(layout, target))
                assert [one.hashes for one in model.open] == hash_keys.divide(hash_keys.ALL_HASH_KEYS, target)
        assert shards.covers_all(model.open)
    walked = model.walk()
    assert sorted(walked) == sorted(model.put_so_far)
    for key in {key for key, _ in walked}:
        numbers = [number for one, number in walked if one == key]
        assert numbers == sorted(numbers)


@given(st.integers(1, 6), st.lists(st.integers(1, 12), max_size=6))
def test_children_come_after_their_parents_in_every_order(count: int, targets: list[int]) -> None:
    model = Model(count)
    for target in targets:
        model.apply(shards.scale(model.layout(), target))
    by_index = {one.index: one for one in model.shards}
    for shard in model.shards:
        for parent in (by_index[index] for index in shard.parents):
            assert parent.shard_id < shard.shard_id
            assert parent.closed_ms == shard.opened_ms
            last = int(sequence_numbers.behind(parent.prefix, 10**20))
            assert last < int(sequence_numbers.of_record(shard.prefix, 0))


def test_scaling_by_two_only_splits_or_only_merges() -> None:
    model = Model(2)
    doubled = shards.scale(model.layout(), 4)
    assert [one.parents for one in doubled.opened] == [(0,), (0,), (1,), (1,)]
    model.apply(doubled)
    halved = shards.scale(model.layout(), 2)
    assert [one.parents for one in halved.opened] == [(2, 3), (4, 5)]


def test_ten_thousand_shards_are_scaled_in_a_moment() -> None:
    model = Model(10_000)
    began = time.process_time()
    model.apply(shards.scale(model.layout(), 9_999))
    assert time.process_time() - began < 5
    assert len(model.open) == 9_999


def test_scaling_to_the_same_number_does_nothing() -> None:
    assert shards.scale(Model(3).layout(), 3) == Resharding()


@pytest.mark.parametrize(
    ("at", "is_possible"),
    [(0, False), (1, False), (2, True), (HASH_KEYS // 2, True), (HASH_KEYS - 2, True), (HASH_KEYS - 1, False)],
)
def test_a_shard_is_split_inside_its_range(at: int, is_possible: bool) -> None:
    model = Model(1)
    if not is_possible:
        with pytest.raises(InvalidArgument, match="is not both greater than one plus the shard's StartingHashKey 0"):
            shards.split(model.layout(), model.shards[0], at)
        return
    lower, upper = shards.split(model.layout(), model.shards[0], at).opened
    assert (lower.hashes, upper.hashes) == (HashRange(0, at - 1), HashRange(at, HASH_KEYS - 1))


def test_closed_shards_and_strangers_are_not_resharded() -> None:
    model = Model(4)
    first, _, third, _ = model.shards
    with pytest.raises(InvalidArgument, match="are not an adjacent pair of shards eligible for merging"):
        shards.merge(model.layout(), first, third)
    model.apply(shards.split(model.layout(), first, 1000))
    with pytest.raises(ResourceInUse, match="has already been merged or split"):
        shards.split(model.layout(), model.shards[0], 1000)


def test_short_lived_shards_are_never_open_to_anybody() -> None:
    model = Model(2)
    model.apply(shards.scale(model.layout(), 3))
    for moment in (NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 1000):
        open_then = sorted((one for one in model.shards if one.was_open_at(moment)), key=lambda one: one.hashes.first)
        assert shards.covers_all(open_then)


def test_hash_keys_are_md5() -> None:
    assert hash_keys.hash_of("key") == int(hashlib.md5(b"key").hexdigest(), 16)
    assert hash_keys.explicit("340282366920938463463374607431768211455") == HASH_KEYS - 1
    with pytest.raises(InvalidArgument, match="must be in the range"):
        hash_keys.explicit("340282366920938463463374607431768211456")
