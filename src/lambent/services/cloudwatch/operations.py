"""CloudWatch's operations: PutMetricData, and the three ways to look at what was put.

Alarms, dashboards, metric streams, Contributor Insights and tags (which only those have) are not served.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.meter import Summary
from lambent.services.caller import Caller
from lambent.services.cloudwatch import datums, page_tokens, periods, queries, statistics, store
from lambent.services.cloudwatch.errors import (
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from lambent.services.cloudwatch.periods import Span
from lambent.services.cloudwatch.queries import Asked, Query
from lambent.services.cloudwatch.records import MetricKey, Row, metric_key
from lambent.services.cloudwatch.statistics import Statistic
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: API reference, GetMetricStatistics and ListMetrics.
MAX_DATAPOINTS = 1_440
METRICS_PER_PAGE = 500
_LISTED_MS = 14 * 86_400_000
_RECENT_MS = 3 * 3_600_000
#: Metrics looked at for a page of those that fit.
_PORTION = 2_000

Request = Mapping[str, Any]
Result = dict[str, Any]
Place = tuple[str, str, str]
"""Namespace, name and dimensions of a metric, by which they are listed."""


class CloudWatchOperations:
    SERVED = frozenset({"GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"})

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put_metric_data(self, caller: Caller, request: Request) -> Result:
        """Returns when the values are on disk."""
        measured = datums.read_datums(caller.account_id, caller.region, request, self._clock.now())
        await self._database.write(lambda tx: store.add_values(tx, measured))
        return {}

    async def get_metric_data(self, caller: Caller, request: Request) -> Result:
        asked = queries.read_request(caller.account_id, caller.region, request, self._clock.now())
        rows = await self._database.scan(lambda tx: _read(tx, asked))
        found = await asyncio.to_thread(queries.evaluate, asked, rows)  # 500 queries have millions of values
        return queries.page(asked, found, request.get("NextToken"))

    async def get_metric_statistics(self, caller: Caller, request: Request) -> Result:
        wanted = _wanted_statistics(request)
        period = periods.check_period(request["Period"], "Period")
        span = periods.span(request["StartTime"], request["EndTime"], period, now=self._clock.now())
        if span.periods > MAX_DATAPOINTS:
            raise InvalidParameterCombination(
                f"You have requested up to {span.periods:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. "
                "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            )
        dimensions = datums.read_dimensions(request.get("Dimensions", ()), "Dimensions")
        metric = metric_key(caller.account_id, caller.region, request["Namespace"], request["MetricName"], dimensions)
        rows = await self._database.scan(lambda tx: _rows_of(tx, metric, span))
        unit = request.get("Unit")
        units = sorted({row.unit for row in rows}) if unit is None else [unit]
        datapoints = [
            _datapoint(time, one, summary, wanted)
            for one in units
            for time, summary in sorted(periods.gather([row for row in rows if row.unit == one], span).items())
        ]
        return {"Label": metric.name, "Datapoints": datapoints}

    async def list_metrics(self, caller: Caller, request: Request) -> Result:
        token = request.get("NextToken")
        after: Place = ("", "", "")
        if token is not None:
            after = _listed_before(token)
        age_ms = _RECENT_MS if request.get("RecentlyActive") else _LISTED_MS
        if request.get("OwningAccount", caller.account_id) != caller.account_id:  # no account is linked to another
            return {"Metrics": []}
        newest_ms = self._clock.now_ms() - age_ms
        found = await self._database.scan(lambda tx: _matching(tx, caller, request, after, newest_ms))
        page = found[:METRICS_PER_PAGE]
        result: Result = {"Metrics": [_describe(metric) for metric in page]}
        if request.get("IncludeLinkedAccounts"):
            result["OwningAccounts"] = [metric.account_id for metric in page]
        if len(found) > len(page):
            result["NextToken"] = page_tokens.write_token(*_place(page[-1]))
        return result


def _listed_before(token: str) -> Place:
    """The model knows InvalidNextToken for GetMetricData alone. Raises InvalidParameterValue."""
    try:
        namespace, name, dimensions = page_tokens.read_token(token, str, str, str)
    except InvalidNextToken as error:
        raise InvalidParameterValue(error.message) from error
    return namespace, name, dimensions


def _read(tx: Transaction, asked: Asked) -> dict[str, list[Row]]:
    """By the ids of the queries for metrics."""
    return {query.name: _rows_of_query(tx, asked, query) for query in asked.queries if query.metric is not None}


def _rows_of_query(tx: Transaction, asked: Asked, query: Query) -> list[Row]:
    assert query.metric is not None
    return _rows_of(tx, query.metric, asked.span(query.period))


def _rows_of(tx: Transaction, metric: MetricKey, span: Span) -> list[Row]:
    metric_id = store.find_metric(tx, metric)
    if metric_id is None:
        return []
    return store.values_between(tx, metric_id, span.start, span.end, period=span.period)


def _wanted_statistics(request: Request) -> list[tuple[str, Statistic, bool]]:
    """(name, statistic, whether it is an extended one)."""
    plain, extended = request.get("Statistics"), request.get("ExtendedStatistics")
    if plain and extended:
        raise InvalidParameterCombination("Statistics and ExtendedStatistics cannot be specified together.")
    if not plain and not extended:
        raise MissingParameter("Must specify either Statistics or ExtendedStatistics.")
    if extended:
        return [(name, statistics.parse_extended(name, "ExtendedStatistics"), True) for name in extended]
    return [(name, statistics.PLAIN[name], False) for name in plain or ()]


def _datapoint(time: int, unit: str, summary: Summary, wanted: Sequence[tuple[str, Statistic, bool]]) -> Result:
    datapoint: Result = {"Timestamp": float(time), "Unit": unit}
    for name, statistic, is_extended in wanted:
        value = statistic(summary)
        if value is None:
            continue
        if is_extended:
            datapoint.setdefault("ExtendedStatistics", {})[name] = value
        else:
            datapoint[name] = value
    return datapoint


def _matching(tx: Transaction, caller: Caller, request: Request, after: Place, newest_ms: int) -> list[MetricKey]:
    """One more than a page at most, so that it shows whether there is another."""
    found: list[MetricKey] = []
    while len(found) <= METRICS_PER_PAGE:
        portion = store.metrics_after(tx, caller.account_id, caller.region, after, newest_ms=newest_ms, limit=_PORTION)
        found += [metric for metric in portion if _fits(metric, request)]
        if len(portion) < _PORTION:
            break
        after = _place(portion[-1])
    return found[: METRICS_PER_PAGE + 1]


def _place(metric: MetricKey) -> Place:
    return metric.namespace, metric.name, metric.dimensions_text


def _fits(metric: MetricKey, request: Request) -> bool:
    if metric.namespace != request.get("Namespace", metric.namespace):
        return False
    if metric.name != request.get("MetricName", metric.name):
        return False
    dimensions = dict(metric.dimensions)
    for wanted in request.get("Dimensions", ()):
        name = wanted["Name"]
        if name not in dimensions or dimensions[name] != wanted.get("Value", dimensions[name]):
            return False
    return True


def _describe(metric: MetricKey) -> Result:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }
