"""`lambent functions`: what is deployed."""

import sys
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.function_list import list_functions
from lambent.cli.output import print_json

#: Columns of a table that no person's terminal limits.
PIPE_COLUMNS = 240


def functions(
    as_json: JsonOption = False, endpoint: EndpointOption = DEFAULT_ENDPOINT, region: RegionOption = DEFAULT_REGION
) -> None:
    """List the functions."""
    found = list_functions(Client(endpoint, region))
    if as_json:
        print_json(found)
    elif found:
        _console().print(_table(found))
    else:
        typer.echo(f"No functions at {endpoint} in {region}. Create one, or see one at work with: lambent demo")


def _console() -> Console:
    """As wide as the terminal; into a pipe or file, wide enough that nothing is cut."""
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("FUNCTION", style="cyan", no_wrap=True)
    table.add_column("RUNTIME")
    table.add_column("HANDLER")
    for name in ("MEMORY", "TIMEOUT", "CODE"):
        table.add_column(name, justify="right")
    table.add_column("CHANGED", no_wrap=True)
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
