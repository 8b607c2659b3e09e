"""Progress survives its row."""

from hypothesis import given
from hypothesis import strategies as st

from lambent.delivery.event_source_mappings.progress import Ahead, OpenWindow, Progress, Section, dump, load

_count = st.integers(0, 10**12)
_progress = st.builds(
    Progress,
    position=_count,
    sections=st.lists(st.builds(Section, _count, _count, _count), max_size=3).map(tuple),
    ahead=st.lists(st.builds(Ahead, _count, _count, _count), max_size=3).map(tuple),
    window=st.none() | st.builds(OpenWindow, _count, _count, _count, st.just('{"a":"ä"}'), _count, st.booleans()),
    windows_closed_ms=_count,
)


@given(_progress)
def test_what_is_dumped_is_loaded(progress: Progress) -> None:
    assert load(progress.position, dump(progress)) == progress


def test_most_of_the_time_there_is_nothing_but_a_position() -> None:
    assert dump(Progress(5)) == b"{}"
