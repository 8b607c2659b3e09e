"""Lanes: every slot in one, and dividing anew loses nothing and repeats nothing."""

from hypothesis import given
from hypothesis import strategies as st

from lambent.delivery.event_source_mappings import parallel, progress
from lambent.delivery.event_source_mappings.progress import Ahead, OpenWindow, Progress, Section


def test_every_slot_is_in_one_lane() -> None:
    for lanes in range(1, 11):
        slots = [slot for lane in range(lanes) for slot in parallel.slots_of(lane, lanes)]
        assert slots == list(range(parallel.SLOTS))


def test_a_key_has_one_slot() -> None:
    assert parallel.slot_of(b"a") == parallel.slot_of(b"a")
    assert len({parallel.slot_of(str(number).encode()) for number in range(1000)}) > 700


def test_lanes_become_one() -> None:
    half = parallel.SLOTS // 2
    [merged] = parallel.divided([Progress(5), Progress(9, sections=(Section(12, 1, 1),))], 1)
    assert merged == Progress(5, ahead=(Ahead(half, parallel.SLOTS, 9),))
    assert not parallel.is_pending(merged, half, 9)
    assert parallel.is_pending(merged, half, 10)
    assert parallel.is_pending(merged, half - 1, 6)


def test_one_lane_becomes_several() -> None:
    assert parallel.divided([Progress(5)], 3) == [Progress(5)] * 3


def test_an_open_window_begins_again() -> None:
    window = OpenWindow(start_ms=0, size_ms=1000, began=3)
    assert parallel.divided([Progress(7, window=window, windows_closed_ms=5)], 1) == [Progress(3, windows_closed_ms=5)]


def test_what_the_position_has_passed_is_forgotten() -> None:
    ahead = (Ahead(0, 10, 6), Ahead(10, 20, 9))
    assert Progress(5, ahead=ahead).moved(6, ()).ahead == ahead[1:]
    window = OpenWindow(start_ms=0, size_ms=1000, began=5)
    assert Progress(5, ahead=ahead, window=window).moved(6, ()).ahead == ahead


_factors = st.integers(1, 10)


@given(_factors, st.lists(st.tuples(_factors, st.lists(st.integers(0, 30), min_size=10, max_size=10)), max_size=5))
def test_dividing_anew_loses_nothing_and_repeats_nothing(first: int, changes: list[tuple[int, list[int]]]) -> None:
    """Per slot, what is settled is the same before and after."""
    lanes = [Progress(0)] * first

    def settled(lanes: list[Progress], slot: int) -> int:
        lane = next(lane for lane in range(len(lanes)) if slot in parallel.slots_of(lane, len(lanes)))
        position = lanes[lane].position
        while not parallel.is_pending(lanes[lane], slot, position + 1):
            position += 1
        return position

    for factor, moves in changes:
        lanes = [one.moved(one.position + step, ()) for one, step in zip(lanes, moves[: len(lanes)], strict=True)]
        before = [settled(lanes, slot) for slot in range(0, parallel.SLOTS, 7)]
        lanes = parallel.divided(lanes, factor)
        assert len(lanes) == factor
        assert [settled(lanes, slot) for slot in range(0, parallel.SLOTS, 7)] == before
        lanes = [progress.load(one.position, progress.dump(one)) for one in lanes]
