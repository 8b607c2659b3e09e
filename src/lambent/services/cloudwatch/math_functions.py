"""Functions of metric math, by name: (arguments, what the query spans) -> value.

"Metric math syntax and functions",
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. Statistics (`SUM`, `AVG`, ...) of
one series are a number, of a list of series a series: that of each time.
"""

import itertools
import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lambent.services.cloudwatch.errors import ValidationError
from lambent.services.cloudwatch.periods import Span
from lambent.services.cloudwatch.time_series import TimeSeries, Value, finite

Arguments = Sequence[Value]
Function = Callable[[Arguments, Span], Value]
Reduce = Callable[[Sequence[float]], float]
Change = Callable[[float], float]

#: Instead of a number, as FILL's second argument.
REPEAT, LINEAR = "REPEAT", "LINEAR"


def find(name: str) -> Function:
    """Raises ValidationError, naming what there is."""
    found = _FUNCTIONS.get(name)
    if found is None:
        known = ", ".join(["FILL", "IF", "METRICS", "SORT", *_FUNCTIONS])
        raise ValidationError(f"The function {name} is not served by Lambent, which knows {known}.")
    return found


def fill(value: Value, filler: Value | str, span: Span) -> Value:
    """Every period of the span gets a value: a number's or a series', the one before, or one in between."""
    if isinstance(value, list):
        return [_filled(one, filler, span) for one in value]
    return _filled(_series("FILL", value), filler, span)


def choose(condition: Value, when_true: Value, when_false: Value | None) -> Value:
    """IF: each point by the condition's; without a third argument, none where it is false."""
    if isinstance(condition, float):
        chosen = when_true if condition else when_false
        if chosen is None:
            raise ValidationError("IF with a number as its condition needs a third argument.")
        return chosen
    series = _series("IF", condition)
    points = {}
    for time, value in series.points.items():
        chosen = when_true if value else when_false
        point = chosen if isinstance(chosen, float) else _at(chosen, time)
        if point is not None:
            points[time] = point
    return replace(series, points=points)


def _at(value: Value | None, time: int) -> float | None:
    return _series("IF", value).points.get(time) if value is not None else None


def _filled(series: TimeSeries, filler: Value | str, span: Span) -> TimeSeries:
    times = span.times(series.period)
    known = series.points
    if isinstance(filler, str):
        fill_in = _repeated if filler == REPEAT else _interpolated
        return replace(series, points=fill_in(known, times))
    if isinstance(filler, TimeSeries):
        points = {time: known.get(time, filler.points.get(time)) for time in times}
        return replace(series, points={time: value for time, value in points.items() if value is not None})
    if isinstance(filler, list):
        raise ValidationError("FILL cannot fill in a list of time series.")
    return replace(series, points={time: known.get(time, filler) for time in times})


def _repeated(known: Mapping[int, float], times: range) -> dict[int, float]:
    points = {}
    last: float | None = None
    for time in times:
        last = known.get(time, last)
        if last is not None:
            points[time] = last
    return points


def _interpolated(known: Mapping[int, float], times: range) -> dict[int, float]:
    """Between two known values on the line from one to the other; before the first and after the last, none."""
    points = {}
    present = sorted(known)
    for before, after in itertools.pairwise(present):
        slope = (known[after] - known[before]) / (after - before)
        points.update({time: known[before] + slope * (time - before) for time in range(before, after, times.step)})
    if present:
        points[present[-1]] = known[present[-1]]
    return points


def sort(value: Value, by: str, order: str, limit: Value | None) -> Value:
    """SORT: a list of time series by a statistic of each; those without values stand last."""
    if by not in _SORTED_BY or order not in ("ASC", "DESC"):
        raise ValidationError(f"SORT goes by one of {', '.join(_SORTED_BY)}, ASC or DESC.")
    several = _several("SORT", value)
    reduce = _SORTED_BY[by]
    ranked = [(finite(reduce, list(one.points.values())) if one.points else None, one) for one in several]
    known = [(rank, one) for rank, one in ranked if rank is not None]
    known.sort(key=operator.itemgetter(0), reverse=order == "DESC")
    ordered = [one for _, one in known] + [one for rank, one in ranked if rank is None]
    return ordered if limit is None else ordered[: _index("SORT", limit)]


def _slice(arguments: Arguments, _: Span) -> Value:
    """Without an end all from the start on; the end is not in it."""
    if len(arguments) not in (2, 3):
        raise ValidationError(f"The function SLICE takes 2 or 3 arguments, not {len(arguments)}.")
    several, *bounds = arguments
    return _several("SLICE", several)[slice(*(_index("SLICE", one) for one in bounds), *[None] * (2 - len(bounds)))]


def _remove_empty(arguments: Arguments, _: Span) -> Value:
    [value] = _exactly("REMOVE_EMPTY", arguments, 1)
    return [one for one in _several("REMOVE_EMPTY", value) if one.points]


def _several(name: str, value: Value) -> list[TimeSeries]:
    if isinstance(value, float):
        raise ValidationError(f"The function {name} takes a list of time series.")
    return value if isinstance(value, list) else [value]


def _index(name: str, value: Value) -> int:
    if not isinstance(value, float) or not value.is_integer() or value < 0:
        raise ValidationError(f"The function {name} counts in whole numbers from 0.")
    return int(value)


def _of_time(name: str, read: Callable[[datetime], float]) -> Function:
    """What the clock and the calendar say, in UTC, at each period: "a non-sparse time series"."""

    def of_one(series: TimeSeries, span: Span) -> TimeSeries:
        points = {time: float(read(datetime.fromtimestamp(time, UTC))) for time in span.times(series.period)}
        return replace(series, points=points)

    def calculate(arguments: Arguments, span: Span) -> Value:
        [value] = _exactly(name, arguments, 1)
        return [of_one(one, span) for one in value] if isinstance(value, list) else of_one(_series(name, value), span)

    return calculate


def _statistic(name: str, reduce: Reduce) -> Function:
    def calculate(arguments: Arguments, _: Span) -> Value:
        [value] = _exactly(name, arguments, 1)
        if isinstance(value, list):
            return _across(reduce, value)
        points = list(_series(name, value).points.values())
        result = finite(reduce, points) if points else None
        if result is None:
            raise NoData
        return result

    return calculate


class NoData(Exception):
    """A number was to be made of a series without values: nothing can be calculated with it."""


def _across(reduce: Reduce, several: Sequence[TimeSeries]) -> TimeSeries:
    times = sorted({time for one in several for time in one.points})
    found = {time: finite(reduce, [one.points[time] for one in several if time in one.points]) for time in times}
    points = {time: value for time, value in found.items() if value is not None}
    return TimeSeries("", max((one.period for one in several), default=60), points)


def _each(name: str, change: Change) -> Function:
    def calculate(arguments: Arguments, _: Span) -> Value:
        [value] = _exactly(name, arguments, 1)
        if isinstance(value, float):
            changed = finite(change, value)
            if changed is None:
                raise ValidationError(f"{name}({value:g}) has no value.")
            return changed
        if isinstance(value, list):
            return [one.map(change) for one in value]
        return value.map(change)

    return calculate


def _successive(name: str, change: Callable[[float, float, int], float]) -> Function:
    """Of each value and the one before it: (before, value, seconds between)."""

    def of_one(series: TimeSeries) -> TimeSeries:
        times = sorted(series.points)
        points = {
            two: change(series.points[one], series.points[two], two - one) for one, two in itertools.pairwise(times)
        }
        return replace(series, points=points)

    def calculate(arguments: Arguments, _: Span) -> Value:
        [value] = _exactly(name, arguments, 1)
        return [of_one(one) for one in value] if isinstance(value, list) else of_one(_series(name, value))

    return calculate


def _period(arguments: Arguments, _: Span) -> Value:
    [value] = _exactly("PERIOD", arguments, 1)
    return float(_series("PERIOD", value).period)


def _count(arguments: Arguments, _: Span) -> Value:
    [value] = _exactly("METRIC_COUNT", arguments, 1)
    return float(len(value)) if isinstance(value, list) else 1.0


def _running_sum(arguments: Arguments, _: Span) -> Value:
    [value] = _exactly("RUNNING_SUM", arguments, 1)
    series = _series("RUNNING_SUM", value)
    total = 0.0
    points = {}
    for time in sorted(series.points):
        total += series.points[time]
        points[time] = total
    return replace(series, points=points)


def _time_series(arguments: Arguments, span: Span) -> Value:
    [value] = _exactly("TIME_SERIES", arguments, 1)
    if not isinstance(value, float):
        raise ValidationError("TIME_SERIES takes a number.")
    return TimeSeries("", span.period, dict.fromkeys(span.times(span.period), value))


def _element(name: str, index: int) -> Function:
    def calculate(arguments: Arguments, _: Span) -> Value:
        [value] = _exactly(name, arguments, 1)
        if not isinstance(value, list) or not value:
            raise ValidationError(f"{name} takes a list of time series.")
        return value[index]

    return calculate


def _exactly(name: str, arguments: Arguments, count: int) -> Arguments:
    if len(arguments) != count:
        raise ValidationError(f"The function {name} takes {count} argument{'s' * (count != 1)}, not {len(arguments)}.")
    return arguments


def _series(name: str, value: Value) -> TimeSeries:
    if not isinstance(value, TimeSeries):
        raise ValidationError(f"The function {name} takes a time series here.")
    return value


_FUNCTIONS: dict[str, Function] = {
    "AVG": _statistic("AVG", statistics.fmean),
    "MAX": _statistic("MAX", max),
    "MIN": _statistic("MIN", min),
    "STDDEV": _statistic("STDDEV", statistics.pstdev),
    "SUM": _statistic("SUM", sum),
    "ABS": _each("ABS", abs),
    "CEIL": _each("CEIL", math.ceil),
    "FLOOR": _each("FLOOR", math.floor),
    "LOG": _each("LOG", math.log),
    "LOG10": _each("LOG10", math.log10),
    "DIFF": _successive("DIFF", lambda before, value, _: value - before),
    "DIFF_TIME": _successive("DIFF_TIME", lambda _, __, seconds: float(seconds)),
    "RATE": _successive("RATE", lambda before, value, seconds: (value - before) / seconds),
    "FIRST": _element("FIRST", 0),
    "LAST": _element("LAST", -1),
    "METRIC_COUNT": _count,
    "PERIOD": _period,
    "RUNNING_SUM": _running_sum,
    "TIME_SERIES": _time_series,
    "REMOVE_EMPTY": _remove_empty,
    "SLICE": _slice,
    "MINUTE": _of_time("MINUTE", lambda moment: moment.minute),
    "HOUR": _of_time("HOUR", lambda moment: moment.hour),
    "DAY": _of_time("DAY", datetime.isoweekday),
    "DATE": _of_time("DATE", lambda moment: moment.day),
    "MONTH": _of_time("MONTH", lambda moment: moment.month),
    "YEAR": _of_time("YEAR", lambda moment: moment.year),
    "EPOCH": _of_time("EPOCH", datetime.timestamp),
}

#: What SORT may go by.
_SORTED_BY: dict[str, Reduce] = {"AVG": statistics.fmean, "MIN": min, "MAX": max, "SUM": sum}
