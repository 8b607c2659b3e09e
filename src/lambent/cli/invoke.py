"""`lambent invoke FUNCTION [EVENT]`: run a function once.

What it returns goes to standard output; its error, its log (`--tail`) and progress go to standard error, so that the
output can be piped on. Exit code 1 if the function failed.
"""

import base64
import json
import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console

from lambent.cli.client import (
    DEFAULT_ENDPOINT,
    DEFAULT_REGION,
    Call,
    Client,
    EndpointOption,
    JsonOption,
    Refused,
    RegionOption,
    Reply,
)
from lambent.cli.completion import complete_function
from lambent.cli.failure import USAGE, Failure
from lambent.cli.output import has_colours


def invoke(
    function: Annotated[str, typer.Argument(help="Name or ARN of the function.", autocompletion=complete_function)],
    event: Annotated[str, typer.Argument(metavar="[JSON|-]", help="The event; - reads it from standard input.")] = "{}",
    asynchronous: Annotated[
        bool, typer.Option("--event", help="Hand the event over to the queue and do not wait for the function.")
    ] = False,
    tail: Annotated[bool, typer.Option("--tail", help="Show what the function logged (the last 4 KB).")] = False,
    qualifier: Annotated[str, typer.Option("--qualifier", help="Version or alias to invoke.")] = "",
    as_json: JsonOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Invoke a function and print what it returns."""
    payload = _read_event(event)
    headers = {
        "content-type": "application/json",
        "x-amz-invocation-type": "Event" if asynchronous else "RequestResponse",
        "x-amz-log-type": "Tail" if tail and not asynchronous else "None",
    }
    query = f"?Qualifier={quote(qualifier, safe='')}" if qualifier else ""
    target = f"/2015-03-31/functions/{quote(function, safe='')}/invocations{query}"
    client = Client(endpoint, region)
    with Console(stderr=True).status(f"{function} is running"):
        reply = _send(client, function, Call("lambda", "POST", target, payload, headers))
    if tail:
        typer.echo(base64.b64decode(reply.headers.get("x-amz-log-result", "")).decode("utf-8", "replace"), err=True)
    if asynchronous:
        typer.echo(f"accepted; its request id is {reply.headers.get('x-amzn-requestid', 'unknown')}", err=True)
    elif "x-amz-function-error" in reply.headers:
        raise _function_failure(function, reply, as_json=as_json)
    else:
        _print_result(reply.body, as_json=as_json)


def _read_event(event: str) -> bytes:
    text = sys.stdin.read() if event == "-" else event
    try:
        json.loads(text)
    except ValueError as error:
        raise Failure(
            f"the event is not JSON ({error}); write it like '{{\"key\": 1}}', or - to read it from standard input",
            exit_code=USAGE,
        ) from error
    return text.encode()


def _send(client: Client, function: str, call: Call) -> Reply:
    try:
        return client.request(call)
    except Refused as error:
        if error.status == 404:
            raise Failure(
                f"{client.endpoint} has no function {function}. See which it has with: lambent functions"
            ) from error
        raise


def _print_result(body: bytes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(body.decode())
        return
    try:
        text = json.dumps(json.loads(body or b"null"), indent=2, ensure_ascii=False)
    except ValueError:  # a custom runtime may return anything
        typer.echo(body)
        return
    if has_colours():
        Console().print_json(text, indent=2, ensure_ascii=False)
    else:
        typer.echo(text)


def _function_failure(function: str, reply: Reply, *, as_json: bool) -> Failure:
    """The error as the function reported it, then where it happened."""
    if as_json:
        typer.echo(reply.body.decode())
    try:
        error: Any = reply.json()
    except ValueError:
        error = reply.body.decode("utf-8", "replace")
    if not isinstance(error, dict):
        return Failure(f"{function} failed: {error}")
    kind, message = error.get("errorType"), error.get("errorMessage", "")
    trace = error.get("stackTrace") or error.get("trace") or []
    lines = [f"{function} failed: {kind}: {message}" if kind else f"{function} failed: {message}"]
    lines += [str(frame).rstrip() for frame in trace]
    return Failure("\n".join(lines))
