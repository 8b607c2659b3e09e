"""Statistics of a part of the values: TM, WM, TC, TS, PR, IQM.

"CloudWatch statistics definitions",
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html: `TM(10%:90%)` is the mean of
what is left without the lowest and the highest tenth, `tm90` that of `TM(0%:90%)`, `TM(80:500)` of the values above
80 and up to 500. WM does not leave the others out but counts them as the outermost that are kept; TC and TS are number
and sum; PR is the per cent of all values that lie between two; IQM is `TM(25%:75%)`. As for percentiles, there is none
where single values are not known, or where one is negative.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

from lambent.kit.frozen import frozen
from lambent.kit.meter import Summary

_NUMBER = r"(\d{1,15}(?:\.\d{1,10})?)"
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\((?:{_NUMBER}(%?))?:(?:{_NUMBER}(%?))?\)")
_SHORT = re.compile(rf"(tm|wm|tc|ts){_NUMBER}")
#: Of shares of counts.
_TOLERANCE = 1e-9


@frozen
class Bounds:
    low: float | None
    high: float | None
    is_share: bool
    """Of the number of values; else they are values."""


@frozen
class _Kept:
    values: Sequence[tuple[float, float]]
    """What is left, in order, and how often."""
    below: float
    above: float
    """How many are left out on each side."""


def parse(name: str) -> Callable[[Summary], float | None] | None:
    """None: it is no statistic of a part."""
    found = _read(name)
    if found is None:
        return None
    kind, bounds = found
    calculate = _KINDS[kind]
    return lambda summary: None if not summary.values or summary.low < 0 else calculate(summary, bounds)


def _read(name: str) -> tuple[str, Bounds] | None:
    if name == "IQM":
        return "TM", Bounds(0.25, 0.75, is_share=True)
    if short := _SHORT.fullmatch(name):
        share = float(short[2]) / 100
        return (short[1].upper(), Bounds(None, share, is_share=True)) if 0 < share <= 1 else None
    found = _RANGE.fullmatch(name)
    return None if found is None else _read_range(*found.groups())


def _read_range(
    kind: str, low: str | None, low_unit: str | None, high: str | None, high_unit: str | None
) -> tuple[str, Bounds] | None:
    units = {unit for text, unit in ((low, low_unit), (high, high_unit)) if text is not None}
    if len(units) != 1:  # nothing is given, or a share and a value
        return None
    is_share = units == {"%"}
    first, last = (None if text is None else float(text) / (100 if is_share else 1) for text in (low, high))
    is_ordered = first is None or last is None or first < last
    if not is_ordered or (is_share and (kind == "PR" or max(first or 0, last or 0) > 1)):
        return None
    return kind, Bounds(first, last, is_share)


def _keep(summary: Summary, bounds: Bounds) -> _Kept:
    ordered = sorted(summary.values.items())
    return _by_rank(ordered, summary.count, bounds) if bounds.is_share else _by_value(ordered, bounds)


def _by_rank(ordered: Sequence[tuple[float, float]], count: float, bounds: Bounds) -> _Kept:
    first = math.floor((bounds.low or 0) * count + _TOLERANCE)
    last = math.ceil((1 if bounds.high is None else bounds.high) * count - _TOLERANCE)
    kept, seen = [], 0.0
    for value, times in ordered:
        inside = min(seen + times, last) - max(seen, first)
        if inside > 0:
            kept.append((value, inside))
        seen += times
    return _Kept(kept, first, count - last)


def _by_value(ordered: Sequence[tuple[float, float]], bounds: Bounds) -> _Kept:
    """The lower bound is not among the values, the upper one is."""
    low, high = -math.inf if bounds.low is None else bounds.low, math.inf if bounds.high is None else bounds.high
    return _Kept(
        [(value, times) for value, times in ordered if low < value <= high],
        sum(times for value, times in ordered if value <= low),
        sum(times for value, times in ordered if value > high),
    )


def _count(summary: Summary, bounds: Bounds) -> float:
    return sum(times for _, times in _keep(summary, bounds).values)


def _sum(summary: Summary, bounds: Bounds) -> float:
    return sum(value * times for value, times in _keep(summary, bounds).values)


def _mean(summary: Summary, bounds: Bounds) -> float | None:
    count = _count(summary, bounds)
    return _sum(summary, bounds) / count if count else None


def _winsorized_mean(summary: Summary, bounds: Bounds) -> float | None:
    kept = _keep(summary, bounds)
    if not kept.values:
        return None
    total = sum(value * times for value, times in kept.values)
    total += kept.below * kept.values[0][0] + kept.above * kept.values[-1][0]
    return total / summary.count


def _rank(summary: Summary, bounds: Bounds) -> float:
    return _count(summary, bounds) / summary.count * 100


_KINDS: Mapping[str, Callable[[Summary, Bounds], float | None]] = {
    "TM": _mean,
    "WM": _winsorized_mean,
    "TC": _count,
    "TS": _sum,
    "PR": _rank,
}
