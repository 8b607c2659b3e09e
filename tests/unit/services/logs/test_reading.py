"""Chunks and reading: what goes in comes out, in order, page by page, whichever way it is read."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lambent.services.logs import chunks, reading
from lambent.services.logs.chunks import Batch, Chunk, LogEvent, Place
from lambent.services.logs.reading import Search, Window

REACH_MS = 50
_times = st.integers(1_000, 1_200)
_batches = st.lists(st.tuples(_times, st.binary(max_size=6)), min_size=1, max_size=8).map(
    lambda pairs: Batch([time_ms for time_ms, _ in pairs], [message for _, message in pairs])
)
_logs = st.lists(st.tuples(st.integers(1, 3), _batches), max_size=8)


def _chunks_of(log: Sequence[tuple[int, Batch]]) -> list[Chunk]:
    made = []
    for position, (stream_id, batch) in enumerate(log, 1):
        first_ms = min(batch.times)
        times = [min(time_ms, first_ms + REACH_MS) for time_ms in batch.times]
        made.append(
            Chunk(stream_id, position, first_ms, max(times), len(times), 7, chunks.pack(Batch(times, batch.messages)))
        )
    return made


def _in_order(made: list[Chunk], *, descending: bool = False) -> list[Chunk]:
    return sorted(made, key=lambda chunk: (chunk.first_ms, chunk.stream_id, chunk.position), reverse=descending)


def _expected(made: list[Chunk], window: Window) -> list[LogEvent]:
    events = [event for chunk in made for event in chunks.unpack(chunk)]
    return sorted(
        event
        for event in events
        if window.start_ms <= event.place.time_ms < window.end_ms and window.after < event.place < window.before
    )


@given(_batches)
def test_unpacked_is_what_was_packed(batch: Batch) -> None:
    chunk = Chunk(1, 2, min(batch.times), max(batch.times), len(batch.times), 9, chunks.pack(batch))
    found = {event.place.ordinal: (event.place.time_ms, event.message) for event in chunks.unpack(chunk)}
    assert found == dict(enumerate(zip(batch.times, batch.messages, strict=True)))


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=50))
def test_split_keeps_all_and_bounds_the_span(times: list[int]) -> None:
    parts = list(chunks.split(Batch(times, [b""] * len(times))))
    assert [time_ms for part in parts for time_ms in part.times] == times
    assert all(max(part.times) - min(part.times) <= chunks.MAX_CHUNK_SPAN_MS for part in parts)


@given(_logs, _times, _times)
def test_both_directions_give_every_event_of_the_window_in_order(
    log: list[tuple[int, Batch]], start_ms: int, end_ms: int
) -> None:
    made = _chunks_of(log)
    window = Window(start_ms, end_ms, REACH_MS)
    expected = _expected(made, window)
    assert list(Search(window).ascending(_in_order(made))) == expected
    assert list(Search(window).descending(_in_order(made, descending=True))) == expected[::-1]


@given(_logs, st.integers(1, 5), st.integers(1, 40), st.booleans())
def test_pages_with_a_small_budget_add_up_to_the_whole(
    log: list[tuple[int, Batch]], limit: int, budget: int, descending: bool
) -> None:
    made = _chunks_of(log)
    whole = Window(0, 10_000, REACH_MS)
    found: list[LogEvent] = []
    place: Place | None = None
    for _ in range(200):
        if place is None:
            window = whole
        elif descending:
            window = Window(0, 10_000, REACH_MS, before=place)
        else:
            window = Window(0, 10_000, REACH_MS, after=place)
        reachable = [
            chunk
            for chunk in _in_order(made, descending=descending)
            if chunk.last_ms >= window.first_ms and chunk.first_ms <= window.last_ms
        ]
        search = Search(window, budget=budget)
        page = search.page(search.descending(reachable) if descending else search.ascending(reachable), limit)
        found += page.events
        place = page.resume
        if place is None:
            break
    expected = _expected(made, whole)
    assert found == (expected[::-1] if descending else expected)


_places = st.builds(
    Place, st.integers(0, 10**14), st.integers(0, 10**10), st.integers(0, 10**12), st.integers(0, 10**9)
)


@given(_places, _places)
def test_event_ids_sort_as_places_and_read_back(one: Place, other: Place) -> None:
    assert (chunks.event_id(one) < chunks.event_id(other)) == (one < other)
    assert chunks.parse_event_id(chunks.event_id(one)) == one
    assert reading.parse_token(reading.forward_token(one)) == (True, one)
    assert reading.parse_token(reading.backward_token(one)) == (False, one)


@given(_places.filter(lambda place: place > Place(0, 0, 0, 0)))
def test_before_and_after_are_neighbours(place: Place) -> None:
    assert reading.before(place) < place < reading.after(place)
    assert reading.after(reading.before(place)) == place


def test_a_page_holds_a_megabyte_but_at_least_one_event() -> None:
    messages = [b"x" * 700_000] * 3
    chunk = Chunk(1, 1, 5, 5, 3, 9, chunks.pack(Batch([5] * 3, messages)))
    search = Search(Window(0, 10, 0))
    page = search.page(search.ascending([chunk]), 10_000)
    assert [event.place.ordinal for event in page.events] == [0]
    assert page.resume == page.events[0].place
