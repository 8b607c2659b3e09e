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

#: Whose metrics are those of another account: no account is linked to another, so nothing of it is found.
_NOBODY = ""

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
    """"" for any, one at a time."""
    expression: str = ""


@frozen
class Found:
    """A result, as it is returned."""

    query: Query
    series: TimeSeries
    units: tuple[str, ...] = ()
    """Of the metric's values, of which those in the first are in the series."""


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


def evaluate(asked: Asked, rows: Mapping[str, Sequence[Row]]) -> list[Found]:
    """What is returned, with labels. `rows`: of metrics, by the ids of their queries. Raises ValidationError."""
    units = {query.name: _units(query, rows[query.name]) for query in asked.queries if query.metric}
    metrics = {
        query.name: _series(asked, query, [row for row in rows[query.name] if row.unit in units[query.name][:1]])
        for query in asked.queries
        if query.metric
    }
    expressions = {query.name: query.expression for query in asked.queries if query.metric is None}
    evaluator = Evaluator(metrics, expressions, asked.span(_common_period(asked.queries)))
    found: list[Found] = []
    for query in asked.queries:
        for series in evaluator.series_of(query.name):
            label = _label(asked, query, series)
            if query.is_returned:
                found.append(Found(query, replace(series, label=label), units.get(query.name, ())))
    return found


def page(asked: Asked, results: Sequence[Found], token: str | None) -> Document:
    """As many data points as may be returned, from where the token says. Raises InvalidNextToken."""
    skipped: int = page_tokens.read_token(token, int)[0] if token else 0
    left = asked.max_datapoints
    documents: list[Document] = []
    offset = 0
    for found in results:
        points = sorted(found.series.points.items(), reverse=not asked.is_ascending)
        first = max(0, skipped - offset)
        shown = points[first : first + left] if left else []
        is_whole = first + len(shown) >= len(points)
        if shown or (not points and skipped == 0):
            documents.append(_result(found, shown, is_whole=is_whole))
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
    _check_statistic(stat["Stat"], f"{parameter}.MetricStat.Stat")
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise ValidationError(f"The parameter {parameter}.MetricStat.Metric.{member} is required.")
    dimensions = read_dimensions(metric.get("Dimensions", ()), f"{parameter}.MetricStat.Metric.Dimensions")
    owner = account_id if given.get("AccountId", account_id) == account_id else _NOBODY
    return replace(
        query,
        period=periods.check_period(stat["Period"], f"{parameter}.MetricStat.Period"),
        metric=metric_key(owner, region, metric["Namespace"], metric["MetricName"], dimensions),
        stat=stat["Stat"],
        unit=stat.get("Unit", ""),
    )


def _check_statistic(name: str, parameter: str) -> None:
    """Raises ValidationError, as AWS (github.com/prometheus-community/yet-another-cloudwatch-exporter/issues/1435)."""
    try:
        statistics.parse(name, parameter)
    except InvalidParameterValue as error:
        raise ValidationError(error.message) from error


def _units(query: Query, rows: Sequence[Row]) -> tuple[str, ...]:
    """The units that a metric was put with. Values of different units are never mixed: the first one is shown."""
    return tuple(sorted({row.unit for row in rows if row.unit == (query.unit or row.unit)}))


def _series(asked: Asked, query: Query, rows: Sequence[Row]) -> TimeSeries:
    statistic = statistics.parse(query.stat, "Stat")
    gathered = periods.gather(rows, asked.span(query.period))
    points = {time: statistic(summary) for time, summary in sorted(gathered.items())}
    assert query.metric is not None
    known = {time: value for time, value in points.items() if value is not None}
    return TimeSeries(query.metric.name, query.period, known)


def _common_period(queries: Sequence[Query]) -> int:
    """Of expressions without a metric in them: the longest there is."""
    return max((query.period for query in queries), default=MINUTE)


def _label(asked: Asked, query: Query, series: TimeSeries) -> str:
    if not query.label:
        return " ".join([series.label, *_telling_apart(asked, query)])
    return labels.render(query.label, series, _properties(query, series), asked.zone)


def _telling_apart(asked: Asked, query: Query) -> list[str]:
    """What AWS puts behind a metric's name where others of that name are asked for as well (as at AWS)."""
    if query.metric is None:
        return []
    others = [one for one in asked.queries if one.metric and one.metric.name == query.metric.name and one.is_returned]
    stat = [query.stat] if len({one.stat for one in others}) > 1 else []
    return stat + ([str(query.period)] if len({one.period for one in others}) > 1 else [])


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


def _result(found: Found, points: Sequence[tuple[int, float]], *, is_whole: bool) -> Document:
    document: Document = {
        "Id": found.query.name,
        "Label": found.series.label,
        "Timestamps": [float(time) for time, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete" if is_whole else "PartialData",
    }
    if len(found.units) > 1:
        value = f"Multiple units returned: '[{', '.join(found.units)}]'"
        document["Messages"] = [{"Code": "MultipleUnits", "Value": value}]
    return document
