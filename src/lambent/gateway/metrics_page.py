"""`/_lambent/metrics`: what the platform counts, for Prometheus.

Names of functions, queues and tables stand in it, so it needs credentials like every page that tells of them, also on
loopback, behind which may be a proxy that everybody reaches. Prometheus does not sign its requests: it may give an
access key and its secret as user and password (`basic_auth`). Whoever asks sees the series of its own account, and the
figures of the process.
"""

import re
from collections.abc import Callable, Iterable

from lambent.gateway import prometheus
from lambent.gateway.prometheus import Family
from lambent.kit.meter import Distribution, Meter, Series
from lambent.services.caller import Caller
from lambent.wire.http import Request, Response

Figures = Callable[[], Iterable[Family]]

#: Counted in units, but each value is a level: their sum means nothing.
_LEVELS = frozenset({"ConcurrentExecutions", "UnreservedConcurrentExecutions"})

#: Units that names do not end with.
_UNNAMED = frozenset({"Count", "None"})

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


class MetricsPage:
    def __init__(self, meter: Meter, figures: Figures) -> None:
        self._meter = meter
        self._figures = figures

    async def serve(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 (a page like others)
        counted = [_counted(one) for one in self._meter.totals() if one.series.account_id == caller.account_id]
        samples = await self._meter.read_gauges()
        gauged = [_gauged(*one) for one in samples if one[0].account_id == caller.account_id]
        families = prometheus.merged([*counted, *gauged, *self._figures()])
        return Response(200, {"content-type": prometheus.CONTENT_TYPE}, prometheus.render(families))


def _counted(distribution: Distribution) -> Family:
    series = distribution.series
    labels = _labels(series)
    if series.unit == "Count" and series.metric not in _LEVELS:
        return Family(f"{_name(series)}_total", "counter", _description(series)).add(distribution.total, labels)
    family = Family(_name_with_unit(series), "summary", _description(series))
    return family.add(distribution.total, labels, "_sum").add(distribution.count, labels, "_count")


def _gauged(series: Series, value: float) -> Family:
    return Family(_name_with_unit(series), "gauge", _description(series)).add(value, _labels(series))


def _labels(series: Series) -> dict[str, str]:
    """Of the set that says most."""
    dimensions = max(series.dimension_sets, key=len, default=())
    return {"region": series.region, **{_snake(name): value for name, value in dimensions}}


def _name(series: Series) -> str:
    """`AWS/Lambda`, `AsyncEventAge` -> `lambent_lambda_async_event_age`."""
    namespace = series.namespace.removeprefix("AWS/").lower()
    return f"lambent_{namespace}_{_snake(series.metric)}"


def _name_with_unit(series: Series) -> str:
    """Names end with their unit, once: CloudWatch's `IncomingBytes` already does.

    https://prometheus.io/docs/practices/naming/#metric-names
    """
    name, unit = _name(series), series.unit.lower()
    return name if series.unit in _UNNAMED or name.endswith(f"_{unit}") else f"{name}_{unit}"


def _description(series: Series) -> str:
    return f"{series.namespace} {series.metric}, as in CloudWatch."


def _snake(name: str) -> str:
    return _WORD.sub("_", name).lower().strip("_")
