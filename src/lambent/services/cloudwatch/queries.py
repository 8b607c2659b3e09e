"""GetMetricData: its queries read, and its results put into documents, page by page.

Between the two, `store` reads the values and `evaluation` does the mathematics.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timezone
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.cloudwatch import labels, page_tokens, periods, statistics
from lambent.services.cloudwatch.datums import read_dimensions
from lambent.services.cloudwatch.errors import InvalidParameterValue, ValidationError
from lambent.services.cloudwatch.evaluation import Evaluator
from lambent.services.cloudwatch.periods import Span
from lambent.services.cloudwatch.records import MINUTE, MetricKey, Row, metric_key
from lambent.services.cloudwatch.time_series import TimeSeries

#: API reference, GetMetricData.
MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800

_ID = re.compile(r"[a-z][A-Za-z0-9_]*\Z")

Document = dict[str, Any]


@frozen
class Query:
    """Either a metric or an expression."""

    name: str
    """Its id."""
    label: str
    """"" for the default."""
    is_returned: bool
    period: int
    metric: MetricKey | None = None
    stat: str = ""
    unit: str = ""
    """"" for any."""
    expression: str = ""


@frozen
class Asked:
    """A request."""

    queries: tuple[Query, ...]
    start: float
    end: float
    now: float
    is_ascending: bool
    max_datapoints: int
    zone: timezone

    def span(self, period: int) -> Span:
        return periods.span(self.start, self.end, period, now=self.now)


def read_request(account_id: str, region: str, request: Mapping[str, Any], now: float) -> Asked:
    """Raises InvalidParameterValue, ValidationError."""
    given = request["MetricDataQueries"]
    if len(given) > MAX_QUERIES:
        raise InvalidParameterValue(
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )
    queries = tuple(_query(account_id, region, number, one) for number, one in enumerate(given, 1))
    if len({query.name for query in queries}) < len(queries):
        raise ValidationError("The values for parameter id in MetricDataQueries are not unique.")
    limit: int = request.get("MaxDatapoints", MAX_DATAPOINTS)
    if not 0 < limit <= MAX_DATAPOINTS:
        raise InvalidParameterValue(f"The parameter MaxDatapoints must be from 1 to {MAX_DATAPOINTS}.")
    zone = request.get("LabelOptions", {}).get("Timezone", "+0000")
    asked = Asked(
        queries=queries,
        start=request["StartTime"],
        end=request["EndTime"],
        now=now,
        is_ascending=request.get("ScanBy") == "TimestampAscending",
        max_datapoints=limit,
        zone=labels.read_zone(zone),
    )
    for query in queries:
        asked.span(query.period)
    return asked


def evaluate(asked: Asked, rows: Mapping[str, Sequence[Row]]) -> list[tuple[Query, TimeSeries]]:
    """What is returned, with labels. `rows`: of metrics, by the ids of their queries. Raises ValidationError."""
    metrics = {query.name: _series(asked, query, rows[query.name]) for query in asked.queries if query.metric}
    expressions = {query.name: query.expression for query in asked.queries if query.metric is None}
    evaluator = Evaluator(metrics, expressions, asked.span(_common_period(asked.queries)))
    found = []
    for query in asked.queries:
        for series in evaluator.series_of(query.name):
            label = _label(asked, query, series)
            if query.is_returned:
                found.append((query, replace(series, label=label)))
    return found


def page(asked: Asked, results: Sequence[tuple[Query, TimeSeries]], token: str | None) -> Document:
    """As many data points as may be returned, from where the token says. Raises InvalidNextToken."""
    skipped: int = page_tokens.read_token(token, int)[0] if token else 0
    left = asked.max_datapoints
    documents: list[Document] = []
    offset = 0
    for query, series in results:
        points = sorted(series.points.items(), reverse=not asked.is_ascending)
        first = max(0, skipped - offset)
        shown = points[first : first + left] if left else []
        is_whole = first + len(shown) >= len(points)
        if shown or (not points and skipped == 0):
            documents.append(_result(query, series, shown, is_whole=is_whole))
        offset += len(points)
        left -= len(shown)
    document: Document = {"MetricDataResults": documents, "Messages": []}
    delivered = skipped + asked.max_datapoints - left
    if delivered < offset:
        document["NextToken"] = page_tokens.write_token(delivered)
    return document


def _query(account_id: str, region: str, number: int, given: Mapping[str, Any]) -> Query:
    name: str = given["Id"]
    parameter = f"MetricDataQueries.member.{number}"
    if not _ID.match(name):
        raise ValidationError(f"The value {name} for parameter {parameter}.Id is not matching the expected pattern.")
    if ("MetricStat" in given) == ("Expression" in given):
        raise ValidationError(f"{parameter} must have either MetricStat or Expression, and not both.")
    query = Query(name, given.get("Label", ""), given.get("ReturnData", True), given.get("Period", MINUTE))
    if "Expression" in given:
        periods.check_period(query.period, f"{parameter}.Period")
        return replace(query, expression=given["Expression"])
    stat = given["MetricStat"]
    metric = stat["Metric"]
    statistics.parse(stat["Stat"], f"{parameter}.MetricStat.Stat")
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise ValidationError(f"The parameter {parameter}.MetricStat.Metric.{member} is required.")
    dimensions = read_dimensions(metric.get("Dimensions", ()), f"{parameter}.MetricStat.Metric.Dimensions")
    return replace(
        query,
        period=periods.check_period(stat["Period"], f"{parameter}.MetricStat.Period"),
        metric=metric_key(account_id, region, metric["Namespace"], metric["MetricName"], dimensions),
        stat=stat["Stat"],
        unit=stat.get("Unit", ""),
    )


def _series(asked: Asked, query: Query, rows: Sequence[Row]) -> TimeSeries:
    statistic = statistics.parse(query.stat, "Stat")
    wanted = [row for row in rows if not query.unit or row.unit == query.unit]
    gathered = periods.gather(wanted, asked.span(query.period))
    points = {time: statistic(summary) for time, summary in sorted(gathered.items())}
    assert query.metric is not None
    known = {time: value for time, value in points.items() if value is not None}
    return TimeSeries(query.metric.name, query.period, known)


def _common_period(queries: Sequence[Query]) -> int:
    """Of expressions without a metric in them: the longest there is."""
    return max((query.period for query in queries), default=MINUTE)


def _label(asked: Asked, query: Query, series: TimeSeries) -> str:
    if not query.label:
        return series.label
    return labels.render(query.label, series, _properties(query, series), asked.zone)


def _properties(query: Query, series: TimeSeries) -> dict[str, str]:
    properties = {"Label": series.label, "Period": str(series.period)}
    if query.metric is not None:
        metric = query.metric
        properties |= {
            "AccountId": metric.account_id,
            "Region": metric.region,
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Stat": query.stat,
            **{f"Dim.{name}": value for name, value in metric.dimensions},
        }
    return properties


def _result(query: Query, series: TimeSeries, points: Sequence[tuple[int, float]], *, is_whole: bool) -> Document:
    return {
        "Id": query.name,
        "Label": series.label,
        "Timestamps": [float(time) for time, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete" if is_whole else "PartialData",
    }
