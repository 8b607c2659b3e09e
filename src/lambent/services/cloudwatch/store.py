"""All SQL of CloudWatch: metrics, and their values by period."""

from collections.abc import Iterable

import orjson

from lambent.kit.meter import Summary
from lambent.services.cloudwatch.records import Measured, MetricKey, Row
from lambent.storage.transaction import Row as SqlRow
from lambent.storage.transaction import Transaction

_VALUE = "period, start, unit, count, total, low, high, singles"


def add_values(tx: Transaction, measured: Iterable[Measured]) -> None:
    """Merge into what there is; metrics that are new come into being."""
    for one in measured:
        metric_id = _require_metric(tx, one.metric, (one.start + one.period) * 1000)
        _merge_value(tx, metric_id, one.period, one.start, one.unit, one.summary)


def find_metric(tx: Transaction, metric: MetricKey) -> int | None:
    row = tx.row(
        "SELECT metric_id FROM cloudwatch_metric"
        " WHERE account_id = ? AND region = ? AND namespace = ? AND name = ? AND dimensions = ?",
        (*metric[:4], metric.dimensions_text),
    )
    return row[0] if row else None


def values_between(tx: Transaction, metric_id: int, start: int, end: int, *, period: int) -> list[Row]:
    """From `start` to before `end`, as far as they are kept in periods no longer than that, by time."""
    rows = tx.rows(
        f"SELECT {_VALUE} FROM cloudwatch_value"  # noqa: S608 - constants
        " WHERE metric_id = ? AND start >= ? AND start < ? AND period <= ? ORDER BY start",
        (metric_id, start, end, period),
    )
    return [_row(row) for row in rows]


def metrics_after(
    tx: Transaction, account_id: str, region: str, after: tuple[str, str, str], *, newest_ms: int, limit: int
) -> list[MetricKey]:
    """By namespace, name and dimensions (as text), behind `after`; those with a value not older than `newest_ms`."""
    rows = tx.rows(
        "SELECT account_id, region, namespace, name, dimensions FROM cloudwatch_metric"
        " WHERE account_id = ? AND region = ? AND (namespace, name, dimensions) > (?, ?, ?) AND newest_ms >= ?"
        " ORDER BY namespace, name, dimensions LIMIT ?",
        (account_id, region, *after, newest_ms, limit),
    )
    return [_metric(row) for row in rows]


# What retention does


def has_older(tx: Transaction, ages: Iterable[tuple[int, int]]) -> bool:
    """Whether there are values in a period that began before: (period, before)."""
    asked = "SELECT 1 FROM cloudwatch_value WHERE period = ? AND start < ? LIMIT 1"
    return any(tx.row(asked, age) is not None for age in ages)


def move_older(tx: Transaction, *, period: int, before: int, into: int, limit: int) -> int:
    """Values in such periods that began before then go into longer ones; returns how many did."""
    rows = tx.rows(
        f"SELECT metric_id, {_VALUE} FROM cloudwatch_value WHERE period = ? AND start < ? ORDER BY start LIMIT ?",  # noqa: S608
        (period, before, limit),
    )
    for metric_id, *value in rows:
        found = _row(tuple(value))
        _merge_value(tx, metric_id, into, found.start // into * into, found.unit, found.summary)
        tx.execute(
            "DELETE FROM cloudwatch_value WHERE metric_id = ? AND start = ? AND period = ? AND unit = ?",
            (metric_id, found.start, period, found.unit),
        )
    return len(rows)


def delete_older(tx: Transaction, *, period: int, before: int, limit: int) -> int:
    """Returns how many went."""
    rows = tx.rows(
        "SELECT metric_id, start, period, unit FROM cloudwatch_value WHERE period = ? AND start < ? LIMIT ?",
        (period, before, limit),
    )
    tx.execute_many(
        "DELETE FROM cloudwatch_value WHERE metric_id = ? AND start = ? AND period = ? AND unit = ?", list(rows)
    )
    return len(rows)


def delete_metrics(tx: Transaction, *, newest_before_ms: int, limit: int) -> int:
    """Those whose values are all gone; returns how many went."""
    rows = tx.rows(
        "SELECT metric_id FROM cloudwatch_metric WHERE newest_ms < ? AND NOT EXISTS"
        " (SELECT 1 FROM cloudwatch_value AS v WHERE v.metric_id = cloudwatch_metric.metric_id) LIMIT ?",
        (newest_before_ms, limit),
    )
    tx.execute_many("DELETE FROM cloudwatch_metric WHERE metric_id = ?", list(rows))
    return len(rows)


def _require_metric(tx: Transaction, metric: MetricKey, newest_ms: int) -> int:
    row = tx.row(
        "INSERT INTO cloudwatch_metric (account_id, region, namespace, name, dimensions, newest_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, namespace, name, dimensions)"
        " DO UPDATE SET newest_ms = CASE WHEN excluded.newest_ms > cloudwatch_metric.newest_ms"
        " THEN excluded.newest_ms ELSE cloudwatch_metric.newest_ms END RETURNING metric_id",
        (*metric[:4], metric.dimensions_text, newest_ms),
    )
    assert row is not None
    metric_id: int = row[0]
    return metric_id


def _merge_value(tx: Transaction, metric_id: int, period: int, start: int, unit: str, summary: Summary) -> None:
    place = (metric_id, period, start, unit)
    row = tx.row(
        f"SELECT {_VALUE} FROM cloudwatch_value"  # noqa: S608 - constants
        " WHERE metric_id = ? AND period = ? AND start = ? AND unit = ?",
        place,
    )
    merged = _row(row).summary if row else Summary()
    merged.merge(summary)
    tx.execute(
        "INSERT INTO cloudwatch_value (metric_id, period, start, unit, count, total, low, high, singles)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (metric_id, start, period, unit) DO UPDATE SET"
        " count = excluded.count, total = excluded.total, low = excluded.low, high = excluded.high,"
        " singles = excluded.singles",
        (*place, merged.count, merged.total, merged.low, merged.high, _dump(merged)),
    )


def _row(row: SqlRow) -> Row:
    period, start, unit, count, total, low, high, singles = row
    return Row(period, start, unit, Summary(count, total, low, high, dict(orjson.loads(singles))))


def _dump(summary: Summary) -> str:
    return orjson.dumps(list(summary.values.items())).decode()


def _metric(row: SqlRow) -> MetricKey:
    account_id, region, namespace, name, dimensions = row
    return MetricKey(
        account_id, region, namespace, name, tuple((one, value) for one, value in orjson.loads(dimensions))
    )
