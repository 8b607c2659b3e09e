from datetime import UTC, datetime, timedelta

import pytest

from lambent.kit.meter import Summary
from lambent.services.cloudwatch import labels, periods, statistics
from lambent.services.cloudwatch.errors import InvalidParameterValue
from lambent.services.cloudwatch.time_series import TimeSeries

DAY = 86_400.0
NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def summary(*values: float) -> Summary:
    found = Summary()
    for value in values:
        found.add(value)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 5),
        ("Average", 3),
        ("Sum", 15),
        ("Minimum", 1),
        ("Maximum", 5),
        ("p0", 1),
        ("p50", 3),
        ("p60", 3),
        ("p60.1", 4),
        ("p100", 5),
    ],
)
def test_statistics(name: str, expected: float) -> None:
    assert statistics.parse(name, "Stat")(summary(5, 1, 4, 2, 3)) == expected


def test_percentiles_of_many_values_are_right_to_a_per_cent() -> None:
    many = summary(*[float(number) for number in range(1, 50_001)])
    for share in (0.01, 0.5, 0.9, 0.999):
        assert statistics.percentile(many, share) == pytest.approx(share * 50_000, rel=0.02)


def test_there_are_no_percentiles_of_negative_or_unknown_values() -> None:
    assert statistics.percentile(summary(-1, 2), 0.5) is None
    assert statistics.percentile(Summary(2, 5, 2, 3), 0.5) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tm90", 5),
        ("tc90", 9),
        ("ts90", 45),
        ("wm90", 5.4),
        ("TM(10%:90%)", 5.5),
        ("TC(10%:)", 9),
        ("TS(:20%)", 3),
        ("WM(10%:90%)", 5.5),
        ("IQM", 5.5),
        ("TM(2:4)", 3.5),
        ("TS(:3)", 6),
        ("TC(8:)", 2),
        ("WM(8:)", 9.1),
        ("PR(:3)", 30),
        ("PR(2:4.5)", 20),
        ("PR(100:)", 0),
        ("TM(100:)", None),
    ],
)
def test_statistics_of_a_part(name: str, expected: float | None) -> None:
    """ "CloudWatch statistics definitions": the lower of two bounds is exclusive, the upper one inclusive."""
    found = statistics.parse(name, "Stat")(summary(*map(float, range(1, 11))))
    assert found == (None if expected is None else pytest.approx(expected))


def test_nothing_is_left_out_where_there_is_too_little() -> None:
    assert statistics.parse("IQM", "Stat")(summary(7)) == 7
    assert statistics.parse("tm50", "Stat")(summary(-1, 1)) is None
    assert statistics.parse("TC(1:9)", "Stat")(Summary(2, 5, 2, 3)) is None


@pytest.mark.parametrize(
    "name",
    [
        *("p101", "p", "p-1", "average", "pp50", "p50x", "tm0", "tm101", "tm", "pr90", "iqm"),
        *("TM(:)", "TM(10%:90)", "TM(90%:10%)", "TM(5:5)", "TM(:101%)", "PR(10%:90%)", "TM(1:2", "XX(1:2)", "TM(-1:2)"),
    ],
)
def test_other_statistics_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameterValue):
        statistics.parse(name, "Stat")


@pytest.mark.parametrize(
    ("age", "period", "rounded"),
    [(1000, 60, 60), (14 * DAY, 60, 60), (16 * DAY, 60, 300), (64 * DAY, 300, 3600), (1007, 5, 5)],
)
def test_start_times_are_rounded_down_by_their_age(age: float, period: int, rounded: int) -> None:
    """API reference, GetMetricStatistics, StartTime."""
    start = NOW - age
    assert periods.span(start, NOW, period, now=NOW).start == start // rounded * rounded


@pytest.mark.parametrize(
    ("period", "kept"), [(1, 3 / 24), (60, 15), (300, 63), (3600, 455), (86_400, 455)], ids=lambda value: f"{value:g}"
)
def test_nothing_is_made_for_times_without_values(period: int, kept: float) -> None:
    """GetMetricData: how long values are kept. A request may span from the first year to the last."""
    forever = periods.span(0, 253402300800, period, now=NOW)
    times = forever.times(period)
    assert NOW - kept * DAY <= times[0] < NOW - kept * DAY + period
    assert times[0] % period == 0
    assert NOW + 7_200 - period <= times[-1] < NOW + 7_200
    assert list(periods.span(NOW - 120, NOW, 60, now=NOW).times(60)) == [NOW - 120, NOW - 60]


@pytest.mark.parametrize(
    ("period", "is_good"), [(1, True), (30, True), (60, True), (600, True), (2, False), (90, False)]
)
def test_periods(period: int, is_good: bool) -> None:
    if is_good:
        assert periods.check_period(period, "Period") == period
    else:
        with pytest.raises(InvalidParameterValue):
            periods.check_period(period, "Period")


SERIES = TimeSeries("m", 60, {0: 3.0, 60: 7.5, 120: 1.0})


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("${MAX} ${MIN} ${AVG} ${SUM}", "7.5 1 3.83333 11.5"),
        ("${FIRST}-${LAST} of ${DATAPOINT_COUNT}", "3-1 of 3"),
        ("${PROP('Dim.Name')}/${PROP('Stat')}", "f/Sum"),
        ("${PROP('What')}", "--"),
        ("at ${MAX_TIME}", "at 1970-01-01T01:31:00+0130"),
        ("${UNKNOWN} $5", "${UNKNOWN} $5"),
    ],
)
def test_labels(label: str, shown: str) -> None:
    zone = labels.read_zone("+0130")
    assert labels.render(label, SERIES, {"Dim.Name": "f", "Stat": "Sum"}, zone) == shown
    assert labels.render("${MAX}", TimeSeries("m", 60, {}), {}, zone) == "--"


def test_zones() -> None:
    assert labels.read_zone("-0300").utcoffset(None) == timedelta(hours=-3)
    assert labels.read_zone("+0000") is UTC
    with pytest.raises(InvalidParameterValue):
        labels.read_zone("CET")
