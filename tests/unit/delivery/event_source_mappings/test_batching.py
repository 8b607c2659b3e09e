"""Batches: full by number, full by size."""

import json

import pytest

from lambent.delivery.event_source_mappings import records
from lambent.delivery.event_source_mappings.batching import Gathering
from lambent.services.lambda_.payloads import MAX_SYNC_BYTES
from unit.delivery.event_source_mappings.made import record


def test_full_by_number() -> None:
    gathering = Gathering(0, max_records=2)
    seen = []
    for position in (1, 3):
        assert gathering.add(record(position))
        seen.append(gathering.is_full)
        gathering.pass_over(position + 1)
    assert seen == [False, True]
    assert gathering.through == 4
    assert [one.position for one in gathering.records] == [1, 3]


@pytest.mark.parametrize(("size", "fitting"), [(1_000_000, 6), (6_000_000, 1), (10_000_000, 1)])
def test_full_by_size(size: int, fitting: int) -> None:
    gathering = Gathering(0, max_records=100)
    body = json.dumps("x" * (size - 2)).encode()
    added = 0
    while not gathering.is_full and gathering.add(record(added + 1, body=body)):
        added += 1
    assert (added, gathering.through) == (fitting, fitting)
    assert len(records.event(gathering.records)) <= MAX_SYNC_BYTES or fitting == 1


def test_what_is_passed_over_belongs_to_the_batch() -> None:
    gathering = Gathering(5, max_records=2)
    gathering.pass_over(6)
    assert (gathering.through, gathering.records, gathering.is_full) == (6, [], False)


def test_the_event() -> None:
    assert records.event([]) == b'{"Records":[]}'
    assert records.event([record(1), record(2, body=b"[]")]) == b'{"Records":[{},[]]}'
    assert json.loads(records.event([record(1)], {"a": 1})) == {"Records": [{}], "a": 1}
