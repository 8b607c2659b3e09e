"""Evaluation: the expressions of a GetMetricData, over the metrics that it names. Pure: the values have been read."""

import math
from collections.abc import Mapping
from dataclasses import replace

from lambent.services.cloudwatch import expression_parser, math_functions, time_series
from lambent.services.cloudwatch.errors import ValidationError
from lambent.services.cloudwatch.expression_parser import Array, Binary, Call, Name, Negative, Node, Number, Text
from lambent.services.cloudwatch.math_functions import LINEAR, REPEAT, NoData
from lambent.services.cloudwatch.periods import Span
from lambent.services.cloudwatch.time_series import TimeSeries, Value


class Evaluator:
    """Of one request."""

    def __init__(self, metrics: Mapping[str, TimeSeries], expressions: Mapping[str, str], span: Span) -> None:
        """`span`: of the request, with the period of what has no metrics in it. Raises ValidationError."""
        self._metrics = metrics
        self._trees = {name: expression_parser.parse(text) for name, text in expressions.items()}
        self._references = {name: expression_parser.names_in(tree) for name, tree in self._trees.items()}
        self._span = span
        self._done: dict[str, Value | None] = dict(metrics)
        """None: nothing could be calculated, for there is no data."""

    def series_of(self, name: str) -> list[TimeSeries]:
        """What the query with that id gives. Raises ValidationError: it is a number, or refers to itself."""
        self._prepare(name)
        value = self._done[name]
        if value is None:
            return [TimeSeries(name, self._span.period, {})]
        if isinstance(value, float):
            raise ValidationError(f"The expression of {name} is a number; the result must be a time series.")
        if isinstance(value, list):
            return [_finite(replace(one, label=f"{name} {one.label}".strip())) for one in value]
        return [_finite(replace(value, label=name)) if name in self._trees else value]

    def _prepare(self, name: str) -> None:
        """Calculate it, and before it what it refers to: queries may be a chain of 500. Raises ValidationError."""
        path = [name]
        while path:
            latest = path[-1]
            if latest not in self._done:
                needed = [one for one in self._references[latest] if one in self._trees and one not in self._done]
                if any(one in path for one in needed):
                    raise ValidationError(f"The expression of {latest} refers to itself.")
                if needed:
                    path.append(needed[0])
                    continue
                self._done[latest] = self._calculated(self._trees[latest])
            path.pop()

    def _calculated(self, tree: Node) -> Value | None:
        try:
            return self._value(tree)
        except NoData:
            return None

    def _named(self, name: str) -> Value:
        """Raises ValidationError, NoData."""
        if name not in self._done:
            raise ValidationError(f"There is no query with the id {name}.")
        value = self._done[name]
        if value is None:
            raise NoData
        return value

    def _value(self, node: Node) -> Value:
        match node:
            case Number(number):
                return number
            case Name(name):
                return self._named(name)
            case Array(elements):
                return [series for element in elements for series in self._several(element)]
            case Binary():
                return self._combined(node)
            case Negative(operand):
                return time_series.combine("*", -1.0, self._value(operand))
            case Call(function, arguments):
                return self._call(function, arguments)
            case Text(text):
                raise ValidationError(f"The text {text!r} has no place there.")

    def _combined(self, node: Binary) -> Value:
        """From the left: a sum of 500 metrics is 500 deep."""
        spine: list[Binary] = []
        leftmost: Node = node
        while isinstance(leftmost, Binary):
            spine.append(leftmost)
            leftmost = leftmost.left
        value = self._value(leftmost)
        for one in reversed(spine):
            value = time_series.combine(one.sign, value, self._value(one.right))
        return value

    def _several(self, node: Node) -> list[TimeSeries]:
        value = self._value(node)
        if isinstance(value, float):
            raise ValidationError("A list holds time series, not numbers.")
        return value if isinstance(value, list) else [value]

    def _call(self, function: str, arguments: tuple[Node, ...]) -> Value:
        match function:
            case "METRICS":
                return self._all_metrics(arguments)
            case "FILL":
                return self._fill(arguments)
            case "IF":
                return self._if(arguments)
            case "SORT":
                return self._sort(arguments)
        calculate = math_functions.find(function)
        return calculate([self._value(argument) for argument in arguments], self._span)

    def _all_metrics(self, arguments: tuple[Node, ...]) -> Value:
        """All of the request's metrics, or those whose id contains a text."""
        if not arguments:
            return list(self._metrics.values())
        if len(arguments) == 1 and isinstance(arguments[0], Text):
            wanted = arguments[0].value
            return [series for name, series in self._metrics.items() if wanted in name]
        raise ValidationError("The function METRICS takes one text, or nothing.")

    def _fill(self, arguments: tuple[Node, ...]) -> Value:
        if len(arguments) != 2:
            raise ValidationError(f"The function FILL takes 2 arguments, not {len(arguments)}.")
        filled, filler = arguments
        if isinstance(filler, Name) and filler.name in (REPEAT, LINEAR):
            return math_functions.fill(self._value(filled), filler.name, self._span)
        return math_functions.fill(self._value(filled), self._value(filler), self._span)

    def _sort(self, arguments: tuple[Node, ...]) -> Value:
        match arguments:
            case [several, Name(by), Name(order), *limit] if len(limit) <= 1:
                end = self._value(limit[0]) if limit else None
                return math_functions.sort(self._value(several), by.upper(), order.upper(), end)
        raise ValidationError("The function SORT takes a list, a statistic, ASC or DESC, and perhaps a number.")

    def _if(self, arguments: tuple[Node, ...]) -> Value:
        if len(arguments) not in (2, 3):
            raise ValidationError(f"The function IF takes 2 or 3 arguments, not {len(arguments)}.")
        condition, when_true, *when_false = [self._value(argument) for argument in arguments]
        return math_functions.choose(condition, when_true, when_false[0] if when_false else None)


def _finite(series: TimeSeries) -> TimeSeries:
    """What no float holds, a sum perhaps, leaves no data point."""
    return replace(series, points={time: value for time, value in series.points.items() if math.isfinite(value)})
