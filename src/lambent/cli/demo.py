"""`lambent demo`: the platform with one of the applications on it that ship with Lambent. Run again, it is there still.

The platform has the main thread; the deployment is ordinary boto3 in a thread beside it, talking HTTP as anybody does.
What it deploys is in `demo_site` and `demo_scoreboard`.
"""

import enum
import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from lambent import app
from lambent.cli import demo_scoreboard, demo_site
from lambent.cli.demo_steps import Demonstration, Shown, Steps
from lambent.cli.deployment import DeploymentError, Endpoint
from lambent.cli.failure import USAGE, Failure
from lambent.settings import Settings, SettingsError, load
from lambent.storage.errors import StorageError


class Application(enum.StrEnum):
    SITE = "site"
    SCOREBOARD = "scoreboard"


def demo(
    application: Annotated[
        Application,
        typer.Argument(help="site: a website from a bucket. scoreboard: the best games of the last hour."),
    ] = Application.SITE,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (4566 if not said)")] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory of everything durable. (~/.local/share/lambent if not said)"),
    ] = None,
    games: Annotated[
        int | None, typer.Option(min=0, help=f"scoreboard: games to play. ({demo_scoreboard.GAMES} if not said)")
    ] = None,
    stop: Annotated[bool, typer.Option("--exit", help="Stop as soon as the application is online; for CI.")] = False,
) -> None:
    """Start the platform with an example application on it: site or scoreboard."""
    try:
        settings = load({"port": port, "data": data}, os.environ)
        walkthrough = Walkthrough(settings, Console(highlight=False), _demonstration(application, games), stop=stop)
        app.run(settings, on_ready=walkthrough.begin)
    except (SettingsError, StorageError, DeploymentError, app.StartError) as error:
        raise Failure(str(error)) from error
    if walkthrough.failure and (stop or not walkthrough.online):
        raise Failure(walkthrough.failure)


def _demonstration(application: Application, games: int | None) -> Demonstration:
    if application is Application.SCOREBOARD:
        return demo_scoreboard.demonstration(demo_scoreboard.GAMES if games is None else games)
    if games is not None:
        raise Failure("--games is for the scoreboard: lambent demo scoreboard --games N", exit_code=USAGE)
    return demo_site.demonstration()


class Walkthrough:
    """What happens beside the running platform, in a thread that does not outlive it."""

    def __init__(self, settings: Settings, console: Console, demonstration: Demonstration, *, stop: bool) -> None:
        self._settings = settings
        self._console = console
        self._demonstration = demonstration
        self._stop = stop
        self.failure = ""
        self.online = False
        """There is something to look at."""

    def begin(self, ready: app.Ready) -> None:
        self._console.print(f"Lambent is ready at [bold]{ready.endpoint}[/], data in {ready.data}", soft_wrap=True)
        threading.Thread(target=self._go, args=(ready,), name="demo", daemon=True).start()

    def _go(self, ready: app.Ready) -> None:
        try:
            endpoint = self._endpoint(ready)
            self._present(self._demonstration(endpoint, self._settings.data / "demo", Steps(self._console)))
            self.online = True
        except DeploymentError as error:
            self.failure = str(error)
        except (ClientError, BotoCoreError) as error:
            self.failure = f"The platform refused a step of the deployment: {error}"
        if self._stop or not self.online:
            signal.raise_signal(signal.SIGTERM)

    def _endpoint(self, ready: app.Ready) -> Endpoint:
        credential = self._settings.credentials[0]
        return Endpoint(
            ready.endpoint,
            credential.access_key_id,
            credential.secret_access_key,
            self._settings.region,
            credential.account_id,
        )

    def _present(self, shown: Shown) -> None:
        if shown.problem:
            self.failure = shown.problem
            self._console.print(f"\n{self.failure}", markup=False, style="yellow")
        else:
            self._console.print(f"\n{shown.sentence}\n")
        self._console.print(f"    [bold]{shown.website_url}[/]", soft_wrap=True)
        self._console.print(f"    {shown.fallback_url}   (where the other name is not known)\n", soft_wrap=True)
        if not self._stop:
            self._console.print(shown.what_to_type, markup=False, soft_wrap=True)
            self._console.print("Everything keeps running; stop it with Ctrl-C.")
