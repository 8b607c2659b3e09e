import asyncio

import pytest

from lambent.kit.meter import MAX_EXACT, MAX_FRESH, Meter, Sample, Series, Summary, rounded

SENT = Series("000000000000", "us-east-1", "AWS/SQS", "NumberOfMessagesSent", ((("QueueName", "q"),),))


def test_what_was_counted_is_taken_once() -> None:
    meter = Meter()
    for value in (1.0, 3.0, 3.0):
        meter.series(SENT).add(value)
    [(series, summary)] = meter.take()
    assert series == SENT
    assert (summary.count, summary.total, summary.low, summary.high) == (3, 7, 1, 3)
    assert summary.values == {1: 1, 3: 2}
    assert meter.take() == []
    meter.series(SENT).add()
    assert [summary.total for _, summary in meter.take()] == [1]
    assert [(one.count, one.total) for one in meter.totals()] == [(4, 8)]


def test_many_values_are_summed_up_on_the_way() -> None:
    meter = Meter()
    for _ in range(MAX_FRESH * 3 + 1):
        meter.series(SENT).add(2)
    [(_, summary)] = meter.take()
    assert (summary.count, summary.total) == (MAX_FRESH * 3 + 1, 2 * (MAX_FRESH * 3 + 1))


def test_totals_include_what_was_not_taken_yet() -> None:
    meter = Meter()
    meter.count("AWS/SNS", "NumberOfMessagesPublished", (), 2, account_id="0", region="r")
    assert [(one.series.metric, one.total) for one in meter.totals()] == [("NumberOfMessagesPublished", 2)]
    assert len(meter.take()) == 1


def test_gauges_are_asked() -> None:
    meter = Meter()

    async def five() -> list[Sample]:
        return [(SENT, 5.0)]

    async def nothing() -> list[Sample]:
        return []

    meter.gauge(five)
    meter.gauge(nothing)
    assert asyncio.run(meter.read_gauges()) == [(SENT, 5.0)]


@pytest.mark.parametrize("value", [0.0, 1.0, 0.003, 17.5, 123_456.0, -2.0, -0.5])
def test_rounding_is_to_one_per_cent(value: float) -> None:
    assert rounded(value) == pytest.approx(value, rel=0.0101)
    assert rounded(rounded(value)) == pytest.approx(rounded(value), rel=1e-12)


def test_many_different_values_are_rounded() -> None:
    summary = Summary()
    for number in range(1, 100_001):
        summary.add(float(number))
    assert summary.count == sum(summary.values.values()) == 100_000
    assert len(summary.values) < 3 * MAX_EXACT


def test_a_sum_knows_single_values_only_if_all_of_it_does() -> None:
    known = Summary()
    known.add(1)
    merged = Summary()
    merged.merge(known)
    assert merged.values
    merged.merge(Summary(count=2, total=5, low=1, high=4))
    assert (merged.count, merged.total, merged.low, merged.high, merged.values) == (3, 6, 1, 4, {})
    merged.merge(known)
    assert merged.values == {}
