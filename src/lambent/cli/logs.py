"""`lambent logs FUNCTION`: what it printed; with -f what it prints, the moment it does.

Following opens the live tail first and reads what was before it second, so that no line falls in between; lines that
come both ways are shown once.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from lambent.cli.client import (
    DEFAULT_ENDPOINT,
    DEFAULT_REGION,
    Call,
    Client,
    EndpointOption,
    JsonOption,
    Refused,
    RegionOption,
)
from lambent.cli.completion import complete_function
from lambent.cli.failure import USAGE, Failure
from lambent.cli.output import clock_time, has_colours, print_json

Event = dict[str, Any]

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: How long before a live tail opened a line may have been printed and still come through it.
_OVERLAP_MS = 5_000


def logs(
    function: Annotated[
        str,
        typer.Argument(
            help="Name of the function, or of a log group (beginning with /).", autocompletion=complete_function
        ),
    ],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with each new line, live.")] = False,
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back: 30s, 10m, 2h, 1d (if not said 1h; with -f 0s)")
    ] = "",
    pattern: Annotated[
        str,
        typer.Option(
            "--filter", metavar="PATTERN", help='In CloudWatch syntax: ERROR, "a phrase", { $.level = "error" }'
        ),
    ] = "",
    as_json: JsonOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Show what a function printed; -f follows it live."""
    client = Client(endpoint, region)
    group = function if function.startswith("/") else f"/aws/lambda/{function}"
    start_ms = int(time.time() * 1000) - _duration_ms(since or ("0s" if follow else "1h"))
    show = print_json if as_json else _Printer().show
    events = _follow(client, group, pattern, start_ms) if follow else _past(client, group, pattern, start_ms)
    try:
        for event in events:
            show(event)
    except KeyboardInterrupt:
        raise Failure("", exit_code=130) from None
    except Refused as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise Failure(f"{function} has logged nothing yet. Is the name right? See: lambent functions") from error


def _duration_ms(text: str) -> int:
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if match is None:
        raise Failure(f"--since {text!r} is not a duration; write one like 30s, 10m, 2h or 1d", exit_code=USAGE)
    return int(match[1]) * _UNIT_SECONDS[match[2]] * 1000


def _past(client: Client, group: str, pattern: str, start_ms: int) -> Iterator[Event]:
    request: dict[str, Any] = {"logGroupName": group, "startTime": start_ms, "filterPattern": pattern}
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.FilterLogEvents"}
    while True:
        page = client.request(Call("logs", "POST", "/", json.dumps(request).encode(), headers)).json()
        for event in page["events"]:
            yield {"timestamp": event["timestamp"], "stream": event["logStreamName"], "message": event["message"]}
        if not page.get("nextToken"):
            return
        request["nextToken"] = page["nextToken"]


def _follow(client: Client, group: str, pattern: str, start_ms: int) -> Iterator[Event]:
    query = urlencode({"group": group, "region": client.region, "filter": pattern})
    lines = client.lines(Call("logs", "GET", f"/_lambent/tail?{query}"))
    next(lines)  # an empty line: from here on the tail misses nothing
    opened_ms = int(time.time() * 1000)
    shown: Counter[tuple[Any, ...]] = Counter()
    for event in _past_or_nothing(client, group, pattern, start_ms):
        if event["timestamp"] > opened_ms - _OVERLAP_MS:
            shown[tuple(event.values())] += 1
        yield event
    for line in lines:
        if line == b"\n":
            continue
        event = json.loads(line)
        key = tuple(event.values())
        if shown[key]:
            shown[key] -= 1
        else:
            yield event


def _past_or_nothing(client: Client, group: str, pattern: str, start_ms: int) -> Iterator[Event]:
    try:
        yield from _past(client, group, pattern, start_ms)
    except Refused as error:
        if error.code != "ResourceNotFoundException":
            raise
        typer.echo(f"waiting for the first line of {group}", err=True)


class _Printer:
    """One line per log event: time, execution environment, message."""

    def __init__(self) -> None:
        self._colours = has_colours()

    def show(self, event: Event) -> None:
        lost = event.get("lost")
        text = f"({lost} lines were too fast to be shown here)" if lost else self._text(event)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def _text(self, event: Event) -> str:
        moment, environment = clock_time(event["timestamp"]), _environment(event["stream"])
        message = _harmless(event["message"].rstrip("\n"))
        if not self._colours:
            return f"{moment} {environment} {message}"
        return f"{_dim(moment)} {_tinted(environment)} {_highlighted(message)}"


def _environment(stream: str) -> str:
    """`2026/11/23/[$LATEST]0123456789abcdef...` -> `01234567`"""
    return stream.rpartition("]")[2][:8] or stream[:8]


def _harmless(message: str) -> str:
    """Without control characters, which could rewrite the terminal; colours of the function's own stay."""
    return _CONTROLS.sub("", message)


_CONTROLS = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")
_PLATFORM = re.compile(r"(START|END|REPORT|INIT_START) ")
_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|Traceback|Exception|Task timed out|Runtime\.\w+)\b|^\w*Error\b")
_WARNING = re.compile(r"\b(WARN|WARNING)\b")
_TINTS = (36, 35, 34, 32, 33, 96, 95, 94, 92)


def _dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m"


def _tinted(environment: str) -> str:
    """Each environment keeps its colour, so that interleaved ones can be told apart."""
    return f"\x1b[{_TINTS[sum(environment.encode()) % len(_TINTS)]}m{environment}\x1b[0m"


def _highlighted(message: str) -> str:
    if _PLATFORM.match(message):
        return _dim(message)
    if _ERROR.search(message):
        return f"\x1b[31m{message}\x1b[0m"
    if _WARNING.search(message):
        return f"\x1b[33m{message}\x1b[0m"
    return message
