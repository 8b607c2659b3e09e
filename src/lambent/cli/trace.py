"""`lambent trace`: one chain of events as a tree: what set off what, how long each step took, and where time went."""

import sys
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from lambent.cli import chains
from lambent.cli.chains import Step
from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Call, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.events import MAX_EVENTS, OUTCOME_COLOURS
from lambent.cli.failure import Failure
from lambent.cli.output import clock_time, has_colours, print_json


def trace(
    root: Annotated[
        str, typer.Argument(metavar="TRACE", help="A trace's root, or its end as `lambent events` shows it.")
    ],
    as_json: JsonOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Show one chain of events as a tree, with the times between its steps."""
    query = urlencode({"limit": MAX_EVENTS, "trace": root})
    happenings = Client(endpoint, region).request(Call("lambda", "GET", f"/_lambent/events?{query}")).json()["events"]
    roots = sorted({happening["traceRoot"] for happening in happenings})
    if not roots:
        raise Failure(f"No trace {root!r} among what happened lately. Look for one with: lambent events")
    if len(roots) > 1:
        raise Failure(f"{root!r} is the end of several traces: {', '.join(roots)}")
    steps = chains.tree(happenings)
    if as_json:
        print_json({"traceRoot": roots[0], "steps": [_document(step) for step in steps]})
    else:
        _print(roots[0], steps)


def _document(step: Step) -> dict[str, Any]:
    gap = None if step.gap_ms is None else round(step.gap_ms, 2)
    return {**step.happening, "depth": step.depth, "atMs": round(step.at_ms, 2), "gapMs": gap}


def _print(root: str, steps: list[Step]) -> None:
    colours = has_colours()
    began = chains.started_ms(steps[0].happening)
    lasted = max(step.happening["timeMs"] for step in steps) - began
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    lines = [
        _coloured(f"{root}  {clock_time(round(began))}  {count} in {lasted:.0f} ms", chains.colour_of(root), colours),
        "",
        _coloured(f"{'AT':>9} {'GAP':>9} {'TOOK':>11}  EVENT", "1", colours),
    ]
    width = max(len(_label(step)) for step in steps)
    for step in steps:
        lines += _lines(step, width, colours)
    sys.stdout.write("\n".join(lines) + "\n")


def _lines(step: Step, width: int, colours: bool) -> list[str]:
    happening = step.happening
    took = f"{happening['durationMs']:.1f} ms" if happening["durationMs"] else ""
    gap = "" if step.gap_ms is None else f"+{step.gap_ms:.0f} ms"
    times = f"{step.at_ms:>6.0f} ms {gap:>9} {took:>11}  "
    outcome = _coloured(happening["outcome"], OUTCOME_COLOURS.get(happening["outcome"], ""), colours)
    lines = [f"{times}{_label(step):<{width}}  {outcome}"]
    detail = chains.detail_of(happening)
    if detail:
        lines.append(_coloured(f"{'':{len(times) + 3 * step.depth}}{detail}", "2", colours))
    return lines


def _label(step: Step) -> str:
    branch = "   " * (step.depth - 1) + "└─ " if step.depth else ""
    return f"{branch}{step.happening['source']} → {chains.target_of(step.happening)}"


def _coloured(text: str, colour: str, colours: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colours and colour else text
