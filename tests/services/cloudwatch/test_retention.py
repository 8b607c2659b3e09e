"""Values as they grow old, on virtual time and a real database; and what the publisher makes of the meter."""

import asyncio
from pathlib import Path

from lambent.kit.clock import VirtualClock
from lambent.kit.meter import Meter, Sample, Series, Summary
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.publisher import Publisher
from lambent.services.cloudwatch.records import HOUR, MINUTE, SECOND, Measured, MetricKey, Row
from lambent.services.cloudwatch.retention import MetricRetention
from lambent.storage.database import Database

DAY = 86_400
METRIC = MetricKey("000000000000", "us-east-1", "Test", "m", ())


async def put(database: Database, clock: VirtualClock, values: range, period: int) -> None:
    """One value every period from now on."""
    start = int(clock.now()) // HOUR * HOUR
    measured = []
    for number in values:
        summary = Summary()
        summary.add(float(number))
        measured.append(Measured(METRIC, period, start + (number - values.start) * period, "None", summary))
    await database.write(lambda tx: store.add_values(tx, measured))


def rows(database: Database, metric: MetricKey = METRIC) -> list[Row]:
    metric_id = database.read(lambda tx: store.find_metric(tx, metric))
    if metric_id is None:
        return []
    return database.read(lambda tx: store.values_between(tx, metric_id, 0, 10**10, period=HOUR))


def told(database: Database) -> tuple[set[int], int, float, float, float]:
    """(periods, rows, values, sum, highest)."""
    found = rows(database)
    summaries = [row.summary for row in found]
    return (
        {row.period for row in found},
        len(found),
        sum(one.count for one in summaries),
        sum(one.total for one in summaries),
        max((one.high for one in summaries), default=0.0),
    )


def test_values_move_into_longer_periods_and_go_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        database, clock = Database.open(tmp_path / "lambent.db"), VirtualClock()
        retention = MetricRetention(database, clock)
        await put(database, clock, range(1, 1201), SECOND)
        total = float(sum(range(1, 1201)))
        for days, periods, count in (
            (0, {1}, 1200),
            (2 / 24, {1}, 1200),
            (5 / 24, {60}, 20),
            (14, {60}, 20),
            (16, {300}, 4),
            (62, {300}, 4),
            (64, {3600}, 1),
            (454, {3600}, 1),
        ):
            await clock.advance(1_750_000_000 + days * DAY - clock.now())
            await retention.apply()
            assert told(database) == (periods, count, 1200, total, 1200)
        assert rows(database)[0].summary.values, "percentiles can still be had"
        await clock.advance(2 * DAY)
        await retention.apply()
        assert database.read(lambda tx: store.find_metric(tx, METRIC)) is None
        await database.close()

    asyncio.run(main())


def test_retention_is_applied_in_the_background(tmp_path: Path) -> None:
    async def main() -> None:
        database, clock = Database.open(tmp_path / "lambent.db"), VirtualClock()
        running = asyncio.create_task(MetricRetention(database, clock).run())
        await put(database, clock, range(1, 121), SECOND)
        for _ in range(100):
            await clock.advance(600)
            await asyncio.sleep(0.01)
            if told(database)[0] == {60}:
                break
        assert told(database)[:2] == ({60}, 2)
        running.cancel()
        await database.close()

    asyncio.run(main())


SENT = Series("000000000000", "us-east-1", "AWS/SQS", "NumberOfMessagesSent", ((("QueueName", "q"),), ()))
DEPTH = Series("000000000000", "us-east-1", "AWS/SQS", "ApproximateNumberOfMessagesVisible", ((("QueueName", "q"),),))


def published(database: Database, series: Series, dimensions: tuple[tuple[str, str], ...]) -> list[tuple[int, float]]:
    metric = MetricKey(series.account_id, series.region, series.namespace, series.metric, dimensions)
    return [(row.start, row.summary.total) for row in rows(database, metric)]


def test_what_was_counted_becomes_a_row_a_minute(tmp_path: Path) -> None:
    async def main() -> None:
        database, clock, meter = Database.open(tmp_path / "lambent.db"), VirtualClock(1_750_000_020.0), Meter()

        async def depth() -> list[Sample]:
            return [(DEPTH, 3.0)]

        meter.gauge(depth)
        publisher = Publisher(database, meter, clock)
        running = asyncio.create_task(publisher.run())
        for _ in range(24):  # two minutes
            meter.series(SENT).add()
            await clock.advance(5)
            await asyncio.sleep(0.01)
        running.cancel()
        await publisher.close()
        minutes = [(1_750_000_020 + MINUTE * number, 12.0) for number in range(2)]
        assert published(database, SENT, (("QueueName", "q"),)) == minutes
        assert published(database, SENT, ()) == minutes
        assert [value for _, value in published(database, DEPTH, (("QueueName", "q"),))][:2] == [3, 3]
        await database.close()

    asyncio.run(main())
