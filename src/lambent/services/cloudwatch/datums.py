"""What PutMetricData takes: values, values with counts, or statistic sets, each with its time.

Limits are those of the API reference, PutMetricData and MetricDatum; messages as AWS has been seen to word them
(github.com/AdRoll/goamz/issues/355 for the exclusive ones).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambent.kit.meter import Dimensions, Summary
from lambent.services.cloudwatch.errors import InvalidParameterCombination, InvalidParameterValue, MissingParameter
from lambent.services.cloudwatch.records import MAX_AHEAD_SECONDS, MINUTE, SECOND, Measured, metric_key

MAX_DATUMS = 1_000
MAX_VALUES = 150
#: "Values must be in the range of -2^360 to 2^360."
MAX_VALUE = 2.0**360
MAX_AGE_SECONDS = 14 * 86_400

_RESERVED = "AWS/"
_WAYS = ("Value", "StatisticValues", "Values")

Document = Mapping[str, Any]


def read_datums(account_id: str, region: str, request: Document, now: float) -> list[Measured]:
    """All values of a request. Raises InvalidParameterValue, InvalidParameterCombination, MissingParameter."""
    namespace: str = request["Namespace"]
    if namespace.startswith(_RESERVED):
        raise InvalidParameterValue(f"The value {_RESERVED} for parameter Namespace is invalid.")
    named = list(_datums(request))
    if not named:
        raise MissingParameter("The parameter MetricData is required.")
    if len(named) > MAX_DATUMS:
        raise InvalidParameterValue(f"The collection MetricData must not have a size greater than {MAX_DATUMS}.")
    return [_measured(account_id, region, namespace, name, datum, now) for name, datum in named]


def read_dimensions(given: Sequence[Document], parameter: str) -> Dimensions:
    """Raises InvalidParameterValue."""
    found: dict[str, str] = {}
    for number, one in enumerate(given, 1):
        for member in ("Name", "Value"):
            text: str = one[member]
            if not text.isascii() or not text.isprintable() or not text.strip() or text.startswith(":"):
                raise InvalidParameterValue(
                    f"The value {text} for parameter {parameter}.member.{number}.{member} is invalid."
                )
        if one["Name"] in found:
            raise InvalidParameterValue(f"No dimension of {parameter} may be given twice: {one['Name']}.")
        found[one["Name"]] = one["Value"]
    return tuple(found.items())


def _datums(request: Document) -> Iterator[tuple[str, Document]]:
    """With their names. Entities are not kept: what is said of them is passed over."""
    for number, datum in enumerate(request.get("MetricData", ()), 1):
        yield f"MetricData.member.{number}", datum
    for outer, entity in enumerate(request.get("EntityMetricData", ()), 1):
        for number, datum in enumerate(entity.get("MetricData", ()), 1):
            yield f"EntityMetricData.member.{outer}.MetricData.member.{number}", datum


def _measured(account_id: str, region: str, namespace: str, name: str, datum: Document, now: float) -> Measured:
    dimensions = read_dimensions(datum.get("Dimensions", ()), f"{name}.Dimensions")
    period = _resolution(name, datum)
    time = _time(name, datum, now)
    return Measured(
        metric=metric_key(account_id, region, namespace, datum["MetricName"], dimensions),
        period=period,
        start=int(time // period * period),
        unit=datum.get("Unit", "None"),
        summary=_summary(name, datum),
    )


def _resolution(name: str, datum: Document) -> int:
    resolution: int = datum.get("StorageResolution", MINUTE)
    if resolution not in (SECOND, MINUTE):
        raise InvalidParameterValue(f"The parameter {name}.StorageResolution must be one of 1 or 60.")
    return resolution


def _time(name: str, datum: Document, now: float) -> float:
    time: float = datum.get("Timestamp", now)
    if time < now - MAX_AGE_SECONDS:
        raise InvalidParameterValue(f"The parameter {name}.Timestamp must specify a time within the past two weeks.")
    if time > now + MAX_AHEAD_SECONDS:
        raise InvalidParameterValue(
            f"The parameter {name}.Timestamp must specify a time no more than two hours in the future."
        )
    return time


def _summary(name: str, datum: Document) -> Summary:
    ways = [way for way in _WAYS if way in datum]
    if len(ways) > 1:
        raise InvalidParameterCombination(
            f"The parameters {name}.{ways[0]} and {name}.{ways[1]} are mutually exclusive and you have specified both."
        )
    match ways:
        case ["StatisticValues"]:
            return _statistic_set(f"{name}.StatisticValues", datum["StatisticValues"])
        case ["Values"]:
            return _values(name, datum["Values"], datum.get("Counts"))
        case ["Value"]:
            return _values(name, [datum["Value"]], None)
    raise MissingParameter(f"The parameter {name}.Value is required.")


def _values(name: str, values: Sequence[float], counts: Sequence[float] | None) -> Summary:
    if len(values) > MAX_VALUES:
        raise InvalidParameterValue(f"The collection {name}.Values must not have a size greater than {MAX_VALUES}.")
    if not values:
        raise InvalidParameterValue(f"The parameter {name}.Values must not be empty.")
    if counts is not None and len(counts) != len(values):
        raise InvalidParameterValue(f"The parameters {name}.Values and {name}.Counts must have the same size.")
    summary = Summary()
    for value, times in zip(values, counts or [1.0] * len(values), strict=True):
        if _checked(f"{name}.Counts", times) <= 0:
            raise InvalidParameterValue(f"The value {times} for parameter {name}.Counts is invalid.")
        summary.add(_checked(f"{name}.Value", value), times)
    return summary


def _statistic_set(name: str, given: Document) -> Summary:
    """Where all its values are the same, they are known (GetMetricStatistics, on percentiles of statistic sets)."""
    count, total = _checked(f"{name}.SampleCount", given["SampleCount"]), _checked(f"{name}.Sum", given["Sum"])
    low, high = _checked(f"{name}.Minimum", given["Minimum"]), _checked(f"{name}.Maximum", given["Maximum"])
    if count <= 0:
        raise InvalidParameterValue(f"The value {count} for parameter {name}.SampleCount is invalid.")
    if low > high:
        raise InvalidParameterValue(f"The parameter {name}.Minimum must not be greater than {name}.Maximum.")
    known = {low: count} if low == high and math.isclose(total, low * count) else {}
    return Summary(count, total, low, high, known)


def _checked(parameter: str, value: float) -> float:
    if not math.isfinite(value) or abs(value) > MAX_VALUE:
        text = "NaN" if math.isnan(value) else f"{value:g}"
        raise InvalidParameterValue(f"The value {text} for parameter {parameter} is invalid.")
    return float(value)
