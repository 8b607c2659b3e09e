"""Statistics of a period: Average, Sum, Minimum, Maximum, SampleCount, percentiles, and those of `trimmed_statistics`.

"CloudWatch statistics definitions",
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html. A percentile is the least
value that so many per cent of all values do not exceed. There is none where single values are not known, or where one
is negative (GetMetricStatistics).
"""

import re
from collections.abc import Callable

from lambent.kit.meter import Summary
from lambent.services.cloudwatch import trimmed_statistics
from lambent.services.cloudwatch.errors import InvalidParameterValue

Statistic = Callable[[Summary], float | None]
"""None: there is no such value in that period."""

PLAIN: dict[str, Statistic] = {
    "SampleCount": lambda summary: summary.count,
    "Average": lambda summary: summary.total / summary.count,
    "Sum": lambda summary: summary.total,
    "Minimum": lambda summary: summary.low,
    "Maximum": lambda summary: summary.high,
}

_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,10})?)\Z")
#: Of values that are sums of many others.
_TOLERANCE = 1e-9


def parse(name: str, parameter: str) -> Statistic:
    """Raises InvalidParameterValue."""
    plain = PLAIN.get(name)
    return plain if plain is not None else parse_extended(name, parameter)


def parse_extended(name: str, parameter: str) -> Statistic:
    """`p99`, `p99.9`, `tm90`, `PR(:300)`. Raises InvalidParameterValue."""
    trimmed = trimmed_statistics.parse(name)
    if trimmed is not None:
        return trimmed
    found = _PERCENTILE.match(name)
    if found is None or float(found[1]) > 100:
        raise InvalidParameterValue(
            f"The value {name} for parameter {parameter} is not a valid statistic. Known are {', '.join(PLAIN)}, "
            "percentiles from p0 to p100, IQM, and TM, WM, TC, TS and PR like tm90, TM(10%:90%), PR(:300)."
        )
    share = float(found[1]) / 100
    return lambda summary: percentile(summary, share)


def percentile(summary: Summary, share: float) -> float | None:
    if not summary.values or summary.low < 0:
        return None
    wanted = share * summary.count - _TOLERANCE
    seen = 0.0
    for value, times in sorted(summary.values.items()):
        seen += times
        if seen >= wanted:
            return min(max(value, summary.low), summary.high)
    return summary.high
