"""The demo's promise: a post is edited and uploaded, and the website shows it. apps/site, deployed as by the demo."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import report
from bench.signing import Target
from lambent.cli import demo_site, deployment, site_deployment
from lambent.cli.demo_steps import get_as_browser
from lambent.cli.deployment import Endpoint
from lambent.cli.site_deployment import Deployment, SiteNames

SAMPLES, WARMING = 50, 3
#: An edit begins when the one before is long done, as a person's would.
PAUSE_SECONDS = 0.1
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 60.0
ACCOUNT_ID = "000000000000"


def measure(target: Target) -> Iterator[report.Figure]:
    names = SiteNames("bench-site")
    endpoint = Endpoint(target.endpoint, target.access_key_id, target.secret_access_key, target.region, ACCOUNT_ID)
    source = _publish(endpoint, names, f"{names.website}.s3-website.localhost:{target.port}")
    s3 = endpoint.client("s3")
    served: list[float] = []
    for number in range(SAMPLES + WARMING):
        sentence = f"This is edit number {number} of {time.time_ns()}."
        content = source / demo_site.POST
        began = time.perf_counter()
        s3.put_object(Bucket=names.source, Key=demo_site.POST, Body=content.read_bytes() + f"\n{sentence}\n".encode())
        _wait_until_served(target, names, sentence)
        served.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_SECONDS)
    yield report.latency("edit of a post uploaded, changed page served", served[WARMING:], 1000)


def _publish(endpoint: Endpoint, names: SiteNames, website_host: str) -> Path:
    """Everything in place and the example site online; where its sources are."""
    site = Deployment(endpoint, names)
    application = deployment.application_folder("site", "package.py")
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        package = site_deployment.build_package(application, Path(folder), demo_site.installed_hugo())
        site.create_buckets()
        site.deploy_function(package, f"http://{website_host}/")
    site.connect()
    for _ in site.upload(application / "example"):
        pass
    site.wait_for_build(PATIENCE_SECONDS)
    return application / "example"


def _wait_until_served(target: Target, names: SiteNames, sentence: str) -> None:
    """Asks as a browser would that is told to reload all the time."""
    page = f"/{demo_site.POST.removeprefix('content/').removesuffix('.md')}/"
    host = f"{names.website}.s3-website.localhost:{target.port}"
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while sentence.encode() not in get_as_browser(target.port, host, page)[1]:
        assert time.perf_counter() < deadline, f"{page} was never served with: {sentence}"
        time.sleep(POLL_SECONDS)
