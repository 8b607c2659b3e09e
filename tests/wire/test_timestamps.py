import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import timestamps

MILLISECONDS = st.integers(-62_000_000_000_000, 253_402_300_799_999)


@given(MILLISECONDS, st.sampled_from(["iso8601", "unixtimestamp"]))
def test_round_trip(milliseconds: int, name: str) -> None:
    text = timestamps.FORMATTERS[name](milliseconds / 1000)
    assert round(timestamps.PARSERS[name](text) * 1000) == milliseconds


@given(st.integers(0, 253_402_300_799))
def test_http_dates_have_whole_seconds(seconds: int) -> None:
    assert timestamps.parse_rfc822(timestamps.format_rfc822(seconds + 0.999)) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("1994-11-06T08:49:37Z", 784111777),
        ("1994-11-06T09:49:37.5+01:00", 784111777.5),
        ("1994-11-06T08:49:37", 784111777),
        ("19941106T084937Z", 784111777),
        ("784111777", 784111777),
        ("7.84111777E8", 784111777),
    ],
)
def test_spellings(text: str, moment: float) -> None:
    assert timestamps.parse_any(text, "iso8601") == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "nan", "inf", "1e400", "Sun, 32 Nov 1994 08:49:37 GMT", "9" * 400,
        # in the years 0 and 10,000 of UTC
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "Fri, 31 Dec 9999 23:59:59 -1400",
    ],
)  # fmt: skip
def test_no_times(text: str) -> None:
    for declared in timestamps.PARSERS:
        with pytest.raises(ValueError):
            timestamps.parse_any(text, declared)


@given(st.text(max_size=40))
def test_arbitrary_text(text: str) -> None:
    for declared in timestamps.PARSERS:
        try:
            assert isinstance(timestamps.parse_any(text, declared), float)
        except ValueError:
            continue
