"""Values of metric math: numbers, time series, and lists of those; and what operators do to them.

An operator between two series works where both have a value; a number goes with every value. What has no result (a
division by zero) leaves no data point.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from lambent.kit.frozen import frozen
from lambent.services.cloudwatch.errors import ValidationError


@frozen
class TimeSeries:
    label: str
    period: int
    points: Mapping[int, float]
    """By seconds since the epoch, in order."""

    def map(self, function: "Callable[[float], float | None]") -> "TimeSeries":
        mapped = {time: finite(function, value) for time, value in self.points.items()}
        return replace(self, points={time: value for time, value in mapped.items() if value is not None})


Value = float | TimeSeries | list[TimeSeries]
Operation = Callable[[float, float], float]
Operand = TypeVar("Operand")


def combine(sign: str, left: Value, right: Value) -> Value:
    """Raises ValidationError: two lists."""
    operation = _OPERATIONS[sign]
    if isinstance(left, list) and isinstance(right, list):
        raise ValidationError(f"The operator {sign} cannot be used between two lists of time series.")
    if isinstance(left, list):
        return [_as_series(combine(sign, one, right)) for one in left]
    if isinstance(right, list):
        return [_as_series(combine(sign, left, one)) for one in right]
    if isinstance(left, TimeSeries) and isinstance(right, TimeSeries):
        return _between(operation, left, right)
    if isinstance(left, TimeSeries):
        number = _as_number(right)
        return left.map(lambda value: operation(value, number))
    number = left
    if isinstance(right, TimeSeries):
        return right.map(lambda value: operation(number, value))
    result = finite(lambda value: operation(number, value), right)
    if result is None:
        raise ValidationError(f"{left:g} {sign} {right:g} has no value.")
    return result


def _between(operation: Operation, left: TimeSeries, right: TimeSeries) -> TimeSeries:
    points = {}
    for time, value in left.points.items():
        other = right.points.get(time)
        if other is not None and (result := finite(lambda one, two=other: operation(one, two), value)) is not None:  # type: ignore[misc]  # the bound value
            points[time] = result
    return TimeSeries(left.label, max(left.period, right.period), points)


def finite(function: Callable[[Operand], float | None], value: Operand) -> float | None:
    """None: it has no result, or none that a float holds."""
    try:
        result = function(value)
        number = math.nan if result is None or isinstance(result, complex) else float(result)
    except (ArithmeticError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _as_series(value: Value) -> TimeSeries:
    assert isinstance(value, TimeSeries)
    return value


def _as_number(value: Value) -> float:
    assert isinstance(value, float)
    return value


_OPERATIONS: dict[str, Operation] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}
