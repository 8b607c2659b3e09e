"""Prometheus's text format, version 0.0.4: families of samples, rendered.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. The format is five rules; the library
of that name would cost a dependency and its import at every start, and keep a second set of counters.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from lambent.kit.frozen import mutable
from lambent.kit.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


@mutable
class Family:
    """All samples of one name."""

    name: str
    kind: str
    """counter, gauge, histogram, summary."""
    description: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)
    """(suffix of the name, labels, value)."""

    def add(self, value: float, labels: Labels | None = None, suffix: str = "") -> "Family":
        self.samples.append((suffix, labels or {}, value))
        return self

    def add_histogram(self, histogram: Histogram) -> "Family":
        reached = 0
        for bound, count in zip((*histogram.bounds, math.inf), list(histogram.counts), strict=True):
            reached += count
            self.add(reached, {"le": _number(bound)}, "_bucket")
        self.add(histogram.total, suffix="_sum")
        return self.add(reached, suffix="_count")


def render(families: Iterable[Family]) -> bytes:
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escape(family.description)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [_line(family.name + suffix, labels, value) for suffix, labels, value in family.samples]
    return ("\n".join(lines) + "\n").encode()


def merged(families: Sequence[Family]) -> list[Family]:
    """Those of one name together, as the format wants them."""
    found: dict[str, Family] = {}
    for family in families:
        found.setdefault(family.name, Family(family.name, family.kind, family.description)).samples += family.samples
    return list(found.values())


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{one}="{_quoted(text)}"' for one, text in labels.items())
    return f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', '\\"')
