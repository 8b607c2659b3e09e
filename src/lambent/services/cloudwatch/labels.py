"""Labels with values in them: `${MAX}`, `${PROP('Dim.FunctionName')}`, `${LAST_TIME}`.

"Using dynamic labels", https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html.
LabelOptions.Timezone is the zone of the times.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from lambent.services.cloudwatch.errors import InvalidParameterValue
from lambent.services.cloudwatch.time_series import TimeSeries

#: Expressions in one label.
MAX_EXPRESSIONS = 6

_EXPRESSION = re.compile(r"\$\{([A-Z_]+)(?:\('([^']*)'\))?\}")
_ZONE = re.compile(r"([+-])(\d\d)([0-5]\d)\Z")

_Points = Sequence[tuple[int, float]]

_VALUES: dict[str, Callable[[_Points], float]] = {
    "AVG": lambda points: sum(value for _, value in points) / len(points),
    "DATAPOINT_COUNT": lambda points: float(len(points)),
    "FIRST": lambda points: points[0][1],
    "LAST": lambda points: points[-1][1],
    "MAX": lambda points: max(value for _, value in points),
    "MIN": lambda points: min(value for _, value in points),
    "SUM": lambda points: sum(value for _, value in points),
}

_TIMES: dict[str, Callable[[_Points], int]] = {
    "FIRST_TIME": lambda points: points[0][0],
    "LAST_TIME": lambda points: points[-1][0],
    "MAX_TIME": lambda points: max(points, key=lambda point: point[1])[0],
    "MIN_TIME": lambda points: min(points, key=lambda point: point[1])[0],
}


def read_zone(text: str) -> timezone:
    """`+0130`. Raises InvalidParameterValue."""
    found = _ZONE.match(text)
    if found is None or int(found[2]) > 23:
        raise InvalidParameterValue(f"The value {text} for parameter LabelOptions.Timezone is invalid.")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(offset if found[1] == "+" else -offset) if offset else UTC


def render(label: str, series: TimeSeries, properties: Mapping[str, str], zone: timezone) -> str:
    """`properties`: what PROP knows."""
    points = sorted(series.points.items())
    return _EXPRESSION.sub(
        lambda found: _shown(found[1], found[2], points, properties, zone) or found[0], label, count=MAX_EXPRESSIONS
    )


def _shown(
    name: str, argument: str | None, points: _Points, properties: Mapping[str, str], zone: timezone
) -> str | None:
    """None: it is no expression of ours, so it stays as it is."""
    if name == "PROP":
        return properties.get(argument or "", "--")
    if name in _VALUES:
        return f"{_VALUES[name](points):g}" if points else "--"
    if name in _TIMES:
        if not points:
            return "--"
        return f"{datetime.fromtimestamp(_TIMES[name](points), zone):%Y-%m-%dT%H:%M:%S%z}"
    return None
