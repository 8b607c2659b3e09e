"""`lambent events`: what happened lately: which event ran which function, how it ended, how long it took.

Happenings of one chain have one colour and bear the end of their trace's root; what a function set off stands indented.

The platform keeps the last two thousand in memory, and for good what it had to give up (`discarded`). Following asks
again several times a second, which costs the platform less than a connection held open for every watcher.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from lambent.cli import chains
from lambent.cli.chains import Happening
from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Call, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.failure import USAGE, Failure
from lambent.cli.output import clock_time, has_colours, print_json

POLL_SECONDS = 0.2
#: What one answer holds at most.
MAX_EVENTS = 2_000
#: Deeper in a chain, lines are not indented any further.
MAX_INDENT = 5


def events(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with each new one.")] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=MAX_EVENTS, help="How many of the latest.")] = 50,
    discarded: Annotated[
        bool, typer.Option("--discarded", help="Asynchronous events that were given up, and why; kept for good.")
    ] = False,
    trace: Annotated[
        str, typer.Option("--trace", metavar="TRACE", help="Only this chain: a trace's root, or its end as shown.")
    ] = "",
    function: Annotated[str, typer.Option("--function", metavar="NAME", help="Only this function.")] = "",
    as_json: JsonOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Show which events ran which functions lately."""
    if discarded and (follow or trace or function):
        raise Failure(
            "--discarded shows all that is past: it goes with none of -f, --trace, --function", exit_code=USAGE
        )
    client = Client(endpoint, region)
    show = _show_json if as_json else _Printer().show
    shown = 0
    try:
        filters = {"trace": trace, "function": function}
        for batch in _chosen(client, limit, filters, follow=follow, discarded=discarded):
            show(batch)
            shown += len(batch)
    except KeyboardInterrupt:
        raise Failure("", exit_code=130) from None
    if not shown and not as_json:
        nothing = "No event was given up." if discarded else "Nothing like that has run since this Lambent was started."
        typer.echo(f"{nothing} Try: lambent invoke FUNCTION", err=True)


def _chosen(
    client: Client, limit: int, filters: dict[str, str], *, follow: bool, discarded: bool
) -> Iterable[list[Happening]]:
    """In batches of what was there at one time."""
    if discarded:
        return [[_as_happening(record) for record in reversed(_ask(client, limit, filters, after=0)["discarded"])]]
    return _followed(client, limit, filters) if follow else [_ask(client, limit, filters, after=0)["events"]]


def _ask(client: Client, limit: int, filters: dict[str, str], *, after: int) -> dict[str, list[Happening]]:
    query = urlencode({"limit": limit, "after": after, **filters})
    answer: dict[str, list[Happening]] = client.request(Call("lambda", "GET", f"/_lambent/events?{query}")).json()
    return answer


def _as_happening(record: dict[str, Any]) -> Happening:
    """What was given up, in the words of what happened: its duration is the time from acceptance to the end."""
    attempts = "1 attempt" if record["attempts"] == 1 else f"{record['attempts']} attempts"
    return {
        "timeMs": record["discarded_ms"],
        "outcome": "discarded",
        "source": record["source"],
        "functionArn": record["function_arn"],
        "targetArn": record["function_arn"],
        "requestId": record["request_id"],
        "durationMs": record["discarded_ms"] - record["accepted_ms"],
        "detail": f"{record['reason']} after {attempts}. {chains.error_of(record['detail'])}".strip(),
        "traceRoot": "",
    }


def _followed(client: Client, limit: int, filters: dict[str, str]) -> Iterator[list[Happening]]:
    """Numbers start again with the platform, which then takes a higher one for none."""
    last = 0
    while True:
        found = _ask(client, limit, filters, after=last)["events"]
        if found:
            yield found
            last, limit = found[-1]["number"], MAX_EVENTS
        time.sleep(POLL_SECONDS)


def _show_json(batch: list[Happening]) -> None:
    for happening in batch:
        print_json(happening)


class _Printer:
    """A line each, with a heading before the first: lines appear as things happen, so the widths are fixed."""

    def __init__(self) -> None:
        self._colours = has_colours()
        self._depths = chains.Depths()
        self._is_first = True

    def show(self, batch: list[Happening]) -> None:
        if self._is_first and batch:
            self._is_first = False
            self._write(self._row("TIME", "TRACE", "EVENT", "FUNCTION", "OUTCOME", "DURATION", "REQUEST ID"), "1")
        self._depths.learn(batch)
        for happening in batch:
            self._show(happening)

    def _show(self, happening: Happening) -> None:
        outcome, root = happening["outcome"], happening["traceRoot"]
        depth = self._depths.of(happening)
        text = self._row(
            clock_time(happening["timeMs"]),
            self._in_colour(chains.short(root), chains.colour_of(root), width=chains.SHORT),
            f"{'  ' * min(depth - 1, MAX_INDENT)}└ {happening['source']}" if depth else happening["source"],
            chains.target_of(happening),
            self._in_colour(outcome, OUTCOME_COLOURS.get(outcome, ""), width=10),
            f"{happening['durationMs']:.1f} ms",
            happening["requestId"],
        )
        self._write(text, "")
        if detail := chains.detail_of(happening):
            self._write(f"{'':20}{detail}", "2")

    def _row(
        self, moment: str, root: str, source: str, target: str, outcome: str, duration: str, request_id: str
    ) -> str:
        return f"{moment:<12} {root:<6} {source:<28} {target:<24} {outcome:<10} {duration:>11}  {request_id}".rstrip()

    def _in_colour(self, text: str, colour: str, *, width: int) -> str:
        padded = f"{text:<{width}}"
        return f"\x1b[{colour}m{padded}\x1b[0m" if self._colours and colour else padded

    def _write(self, text: str, colour: str) -> None:
        sys.stdout.write(f"\x1b[{colour}m{text}\x1b[0m\n" if self._colours and colour else f"{text}\n")
        sys.stdout.flush()


OUTCOME_COLOURS = {
    "error": "31",
    "fault": "31",
    "discarded": "31",
    "refused": "31",
    "stopped": "31",
    "throttled": "33",
}
