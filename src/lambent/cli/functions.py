"""`lambent functions`: what is deployed."""

from typing import Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Call, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.output import print_json


def functions(
    as_json: JsonOption = False, endpoint: EndpointOption = DEFAULT_ENDPOINT, region: RegionOption = DEFAULT_REGION
) -> None:
    """List the functions."""
    found = list_functions(Client(endpoint, region))
    if as_json:
        print_json(found)
    elif found:
        Console().print(_table(found))
    else:
        typer.echo(f"No functions at {endpoint} in {region}. Create one, or see one at work with: lambent demo")


def list_functions(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    marker = ""
    while True:
        query = f"?Marker={quote(marker, safe='')}" if marker else ""
        page = client.request(Call("lambda", "GET", f"/2015-03-31/functions/{query}")).json()
        found += page["Functions"]
        marker = page.get("NextMarker") or ""
        if not marker:
            return found


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("FUNCTION", style="cyan", no_wrap=True)
    table.add_column("RUNTIME")
    table.add_column("HANDLER")
    for name in ("MEMORY", "TIMEOUT", "CODE"):
        table.add_column(name, justify="right")
    table.add_column("CHANGED")
    table.add_column("STATE")
    for one in sorted(found, key=lambda function: str(function["FunctionName"])):
        table.add_row(
            one["FunctionName"],
            one.get("Runtime", "-"),
            one.get("Handler", "-"),
            f"{one.get('MemorySize', 128)} MB",
            f"{one.get('Timeout', 3)} s",
            _size(one.get("CodeSize", 0)),
            one.get("LastModified", "")[:19].replace("T", " "),
            one.get("State") or "Active",
        )
    return table


def _size(count: int) -> str:
    return (
        f"{count} B" if count < 1024 else f"{count / 1024:.0f} KB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MB"
    )
