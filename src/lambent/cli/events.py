"""`lambent events`: what happened lately: which event ran which function, how it ended, how long it took.

The platform keeps the last two thousand in memory, and for good what it had to give up (`discarded`). Following asks
again several times a second, which costs the platform less than a connection held open for every watcher.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Call, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.failure import USAGE, Failure
from lambent.cli.output import clock_time, has_colours, print_json

Happening = dict[str, Any]

POLL_SECONDS = 0.2
#: What one answer holds at most.
MAX_EVENTS = 2_000


def events(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with each new one.")] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=MAX_EVENTS, help="How many of the latest.")] = 50,
    discarded: Annotated[
        bool, typer.Option("--discarded", help="Asynchronous events that were given up, and why; kept for good.")
    ] = False,
    as_json: JsonOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Show which events ran which functions lately."""
    if discarded and follow:
        raise Failure("--discarded shows what is past; it cannot be followed", exit_code=USAGE)
    client = Client(endpoint, region)
    show = print_json if as_json else _Printer().show
    shown = 0
    try:
        for happening in _chosen(client, limit, follow=follow, discarded=discarded):
            show(happening)
            shown += 1
    except KeyboardInterrupt:
        raise Failure("", exit_code=130) from None
    if not shown and not as_json:
        nothing = "No event was given up." if discarded else "Nothing has run since this Lambent was started."
        typer.echo(f"{nothing} Try: lambent invoke FUNCTION", err=True)


def _chosen(client: Client, limit: int, *, follow: bool, discarded: bool) -> Iterable[Happening]:
    if discarded:
        return [_as_happening(record) for record in reversed(_ask(client, limit, after=0)["discarded"])]
    return _followed(client, limit) if follow else _ask(client, limit, after=0)["events"]


def _ask(client: Client, limit: int, *, after: int) -> dict[str, list[Happening]]:
    query = urlencode({"limit": limit, "after": after})
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
        "requestId": record["request_id"],
        "durationMs": record["discarded_ms"] - record["accepted_ms"],
        "detail": f"{record['reason']} after {attempts}. {record['detail']}".strip(),
    }


def _followed(client: Client, limit: int) -> Iterator[Happening]:
    """Numbers start again with the platform; then so do we."""
    last = 0
    while True:
        found = _ask(client, limit, after=last)["events"]
        if found:
            yield from found
            last, limit = found[-1]["number"], MAX_EVENTS
        time.sleep(POLL_SECONDS)


class _Printer:
    """A line each, with a heading before the first: lines appear as things happen, so the widths are fixed."""

    def __init__(self) -> None:
        self._colours = has_colours()
        self._is_first = True

    def show(self, happening: Happening) -> None:
        if self._is_first:
            self._is_first = False
            self._write(_row("TIME", "EVENT", "FUNCTION", "OUTCOME", "DURATION", "REQUEST ID"), "1")
        outcome = happening["outcome"]
        text = _row(
            clock_time(happening["timeMs"]),
            happening["source"],
            _function(happening["functionArn"]),
            outcome,
            f"{happening['durationMs']:.1f} ms",
            happening["requestId"],
        )
        self._write(text, _COLOURS.get(outcome, ""))
        if happening.get("detail") and outcome != "ok":
            self._write(f"{'':14}{happening['detail']}", "2")

    def _write(self, text: str, colour: str) -> None:
        sys.stdout.write(f"\x1b[{colour}m{text}\x1b[0m\n" if self._colours and colour else f"{text}\n")
        sys.stdout.flush()


_COLOURS = {"error": "31", "fault": "31", "discarded": "31", "throttled": "33"}


def _row(moment: str, source: str, function: str, outcome: str, duration: str, request_id: str) -> str:
    return f"{moment:<13} {source:<28} {function:<24} {outcome:<10} {duration:>11}  {request_id}".rstrip()


def _function(arn: str) -> str:
    """`arn:aws:lambda:R:A:function:NAME[:QUALIFIER]` -> `NAME[:QUALIFIER]`"""
    return arn.partition(":function:")[2] or arn
