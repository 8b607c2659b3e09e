"""`lambent up`: the platform in the foreground, until Ctrl-C or SIGTERM."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lambent import app
from lambent.cli.failure import Failure
from lambent.settings import SettingsError, load


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on. (127.0.0.1 if not said)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (4566 if not said)")] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory of everything durable. (~/.local/share/lambent if not said)"),
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file with further settings.")] = None,
    auth: Annotated[
        str | None, typer.Option(metavar="on|off", help="off takes any credentials, unchecked. (on if not said)")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(metavar="auto|full|userns|process", help="How functions are kept apart. (auto if not said)"),
    ] = None,
) -> None:
    """Start the platform: every AWS service of Lambent on one endpoint."""
    given = {"host": host, "port": port, "data": data, "auth": auth, "isolation": isolation}
    try:
        settings = load(given, os.environ, config)
        exit_code = app.run(settings, on_ready=_announce)
    except (SettingsError, app.StartError) as error:
        raise Failure(str(error)) from error
    raise typer.Exit(exit_code)


def _announce(ready: app.Ready) -> None:
    typer.echo(f"Lambent is ready at {ready.endpoint}, data in {ready.data}; stop it with Ctrl-C")
    typer.echo(f"Isolation of functions: {ready.isolation}")
