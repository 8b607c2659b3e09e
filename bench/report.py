"""Figures as a table for people and as JSON for machines: medians, p99, rates, and the target beside each."""

import json
import platform
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.client import Outcome


@dataclass
class Figure:
    name: str
    value: float
    unit: str
    target: float | None = None
    higher_is_better: bool = False
    p99: float | None = None
    note: str = ""

    @property
    def reached(self) -> str:
        if self.target is None:
            return ""
        good = self.value >= self.target if self.higher_is_better else self.value <= self.target
        return "yes" if good else "NO"


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rate(
    name: str, outcomes: list[Outcome], target: float | None, *, each: int = 1, unit: str = "per second"
) -> Figure:
    """Median of the runs' rates, of `each` things in a request; the p99 latency of all requests.

    Beside it the server's own CPU time a request, in the run where it was least.
    """
    latencies = [latency for outcome in outcomes for latency in outcome.latencies_ms]
    failures = sum(sum(outcome.failures.values()) for outcome in outcomes)
    costs = [one.cpu_seconds / len(one.latencies_ms) * 1e6 for one in outcomes if one.cpu_seconds is not None]
    return Figure(
        name,
        statistics.median(outcome.per_second for outcome in outcomes) * each,
        unit,
        target,
        higher_is_better=True,
        p99=percentile(latencies, 0.99),
        note=f"p50 {statistics.median(latencies):.2f} ms"
        + (f", {failures} FAILED" if failures else "")
        + (f", {min(costs):,.0f} us CPU each" if costs else ""),
    )


def latency(name: str, values_ms: list[float], target: float | None) -> Figure:
    return Figure(
        name,
        statistics.median(values_ms),
        "ms",
        target,
        p99=percentile(values_ms, 0.99),
        note=f"{len(values_ms)} samples, min {min(values_ms):.2f}",
    )


def show(figures: list[Figure], endpoint: str) -> None:
    table = Table(title=f"{endpoint}, {platform.machine()}, Python {platform.python_version()}")
    for column in ("what", "median", "unit", "p99 ms", "target", "reached", "note"):
        table.add_column(column, justify="right" if column in ("median", "p99 ms", "target") else "left")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.2f}" if figure.value < 100 else f"{figure.value:,.0f}",
            figure.unit,
            f"{figure.p99:,.2f}" if figure.p99 is not None else "",
            f"{figure.target:,g}" if figure.target is not None else "",
            figure.reached,
            figure.note,
        )
    Console(width=150).print(table)


def save(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")
