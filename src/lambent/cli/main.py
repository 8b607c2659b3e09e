"""The commands of `lambent`, and what happens when one fails.

A command's module is imported when the command is called: `lambent --version` and shell completion need none of them,
and `lambent up` alone brings in the platform. So their one-line helps stand here.
"""

import gc
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lambent import __version__
from lambent.cli.failure import Failure
from lambent.kit.deferred import Deferred

#: Name -> (module, its function, what it does), in the order of `lambent --help`.
COMMANDS = {
    "up": (Deferred("lambent.cli.up"), "up", "Start the platform."),
    "demo": (
        Deferred("lambent.cli.demo"),
        "demo",
        "Start the platform with an example application on it: site or scoreboard.",
    ),
    "functions": (Deferred("lambent.cli.functions"), "functions", "List the functions."),
    "invoke": (Deferred("lambent.cli.invoke"), "invoke", "Invoke a function and print what it returns."),
    "logs": (Deferred("lambent.cli.logs"), "logs", "Show what a function printed; -f follows it live."),
    "events": (
        Deferred("lambent.cli.events"),
        "events",
        "Show which events ran which functions lately; -f follows them live.",
    ),
    "trace": (
        Deferred("lambent.cli.trace"),
        "trace",
        "Show one chain of events as a tree, with the times between its steps.",
    ),
    "site": (Deferred("lambent.cli.site"), "site", "Show what the builder of a site has done; roll back, verify."),
}


class LateCommand(TyperCommand):
    """Stands for a command in the help and becomes it when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return _load(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class CommandTable(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (typer's signature)
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        return LateCommand(name=cmd_name, callback=None, help=COMMANDS[cmd_name][2])


app = typer.Typer(
    name="lambent",
    cls=CommandTable,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lambent {__version__}")
        raise typer.Exit


@app.callback()
def lambent(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Your own Lambda: functions that run on events, in a sandbox, behind the real AWS APIs."""


def main() -> None:
    """Exits with 0 for success, 1 for failure of the command or the function, 2 for arguments that make no sense."""
    try:
        app(prog_name="lambent")
    except Failure as failure:
        if failure.message:
            typer.echo(f"lambent: {failure.message}", err=True)
        sys.exit(failure.exit_code)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _load(name: str) -> Any:
    module, function, _ = COMMANDS[name]
    gc.disable()  # importing makes objects and no garbage: looking for some took a tenth of the start
    implementation = module.load()
    gc.freeze()  # or the first look, right after this, would be at all of them
    gc.enable()
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, context_settings={"help_option_names": ["-h", "--help"]})(getattr(implementation, function))
    return typer.main.get_command(single)
