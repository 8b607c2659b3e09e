"""The demo's promise: a post is edited and uploaded, and the website shows it. apps/site, deployed as by the demo.

And larger sites: what an edit costs in requests and bytes, how many builds an upload of two hundred files takes, and
whether the website is afterwards what one clean build makes.
"""

import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import report, site_generator
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
LARGE_SAMPLES, LARGE_PATIENCE_SECONDS = 8, 600.0
TARGET_MS = {100: 500.0}
#: Looks at the turn, PAUSE_SECONDS apart, that find nobody.
IDLE_LOOKS = 6
BURST = 200
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


class LargeSite:
    """A generated site, deployed under a name of its own."""

    def __init__(self, target: Target, pages: int) -> None:
        self._target = target
        self._endpoint = Endpoint(
            target.endpoint, target.access_key_id, target.secret_access_key, target.region, ACCOUNT_ID
        )
        self.names = SiteNames(f"bench-site-{pages}")
        self._host = f"{self.names.website}.s3-website.localhost:{target.port}"
        self.sources = site_generator.make(pages)
        self._s3 = self._endpoint.client("s3")

    def publish(self) -> None:
        site = _deploy(self._endpoint, self.names, self._host)
        self.put({key: content for key, content in self.sources.items() if key != "hugo.toml"})
        self.put({"hugo.toml": self.sources["hugo.toml"]})
        site.wait_for_build(LARGE_PATIENCE_SECONDS)
        self.wait_until_idle()

    def put(self, changed: Mapping[str, bytes]) -> None:
        self.sources |= changed
        with ThreadPoolExecutor(8) as hands:
            list(hands.map(lambda item: self._put(*item), changed.items()))

    def served_after(self, number: int) -> float:
        """Seconds from the upload of an edited post to its page."""
        sentence = f"Edited at {time.time_ns()}."
        content = self.sources[site_generator.post(number)] + f"\n{sentence}\n".encode()
        began = time.perf_counter()
        self.put({site_generator.post(number): content})
        deadline = began + LARGE_PATIENCE_SECONDS
        while sentence.encode() not in get_as_browser(self._target.port, self._host, site_generator.url(number))[1]:
            assert time.perf_counter() < deadline, "the edit was never served"
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - began

    def builds(self) -> list[dict[str, Any]]:
        notes: list[dict[str, Any]] = json.loads(self._state("history.json"))
        return notes

    def wait_until_idle(self) -> None:
        """No builder, several times in a row: it may look once more after a build. And no whole build to follow."""
        deadline, quiet = time.perf_counter() + LARGE_PATIENCE_SECONDS, 0
        while quiet < IDLE_LOOKS:
            assert time.perf_counter() < deadline, "the builder does not come to rest"
            is_idle = json.loads(self._state("turn.json"))["holder"] is None
            quiet = quiet + 1 if is_idle and json.loads(self._state("head.json"))["due"] is None else 0
            time.sleep(PAUSE_SECONDS)

    def wait_until_there(self, urls: Iterable[str]) -> None:
        """On the website, all of them."""
        wanted = {f"{url.strip('/')}/index.html" for url in urls}
        deadline = time.perf_counter() + LARGE_PATIENCE_SECONDS
        while missing := wanted - self._published().keys():
            assert time.perf_counter() < deadline, f"{min(missing)} was never published"
            time.sleep(PAUSE_SECONDS)

    def differences(self) -> int:
        """Objects of the website that differ from a clean build of the sources."""
        with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
            site_generator.write(Path(folder) / "source", self.sources)
            out = Path(folder) / "out"
            command = [str(demo_site.installed_hugo()), "build", "-s", f"{folder}/source", "-d", str(out)]
            subprocess.run([*command, "-b", f"http://{self._host}/", "--quiet"], check=True)
            files = [file for file in out.rglob("*") if file.is_file()]
            clean = {file.relative_to(out).as_posix(): hashlib.md5(file.read_bytes()).hexdigest() for file in files}
        there = self._published()
        return sum(clean.get(path) != there.get(path) for path in clean.keys() | there.keys())

    def _published(self) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.names.website)
        return {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", ())}

    def _put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=self.names.source, Key=key, Body=content)

    def _state(self, name: str) -> bytes:
        answer = self._s3.get_object(Bucket=self.names.state, Key=f"{self.names.website}/{name}")
        content: bytes = answer["Body"].read()
        return content


def measure_large(target: Target, pages: int) -> Iterator[report.Figure]:
    site = LargeSite(target, pages)
    site.publish()
    first = site.builds()[-1]
    name = f"site of {pages:,} pages"
    yield report.Figure(
        f"{name}: first build", first["hugo_ms"] + first["publish_ms"], "ms", note="hugo and publishing"
    )
    served = []
    for number in range(LARGE_SAMPLES):
        served.append(site.served_after(number % pages) * 1000)
        site.wait_until_idle()
    yield report.latency(f"{name}: edit uploaded, changed page served", served[1:], TARGET_MS.get(pages))
    edit = next(build for build in reversed(site.builds()) if build["cause"] == "change")
    uploaded = f"{edit['uploaded']} objects"
    steps = f"sync {edit['sync_ms']} ms, hugo {edit['hugo_ms']} ms, publishing {edit['publish_ms']} ms"
    told = ", ".join(f"{count} {operation}" for operation, count in sorted(edit["requests"].items()))
    content = sum(count for operation, count in edit["requests"].items() if not operation.endswith("(state)"))
    yield report.Figure(f"{name}: warm edit, requests to source and website", content, "requests", note=told)
    yield report.Figure(f"{name}: bytes down, warm edit", edit["bytes_down"], "B", note=f"{edit['fetched']} sources")
    yield report.Figure(f"{name}: bytes up, warm edit", edit["bytes_up"], "B", note=f"{uploaded}; {steps}")
    new = site_generator.make(pages + BURST)
    before = time.time()
    site.put({key: content for key, content in new.items() if key not in site.sources})
    took = time.time() - before
    site.wait_until_there(site_generator.url(pages + number) for number in range(BURST))
    site.wait_until_idle()
    builds = sum(build["at"] > before for build in site.builds())
    yield report.Figure(f"{name}: builds of {BURST} uploads", builds, "builds", note=f"uploaded in {took:.1f} s")
    yield report.Figure(f"{name}: differences from a clean build", site.differences(), "objects", note="of all")


def _publish(endpoint: Endpoint, names: SiteNames, website_host: str) -> Path:
    """Everything in place and the example site online; where its sources are."""
    application = deployment.application_folder("site", "package.py")
    site = _deploy(endpoint, names, website_host)
    for _ in site.upload(application / "example"):
        pass
    site.wait_for_build(PATIENCE_SECONDS)
    return application / "example"


def _deploy(endpoint: Endpoint, names: SiteNames, website_host: str) -> Deployment:
    site = Deployment(endpoint, names)
    application = deployment.application_folder("site", "package.py")
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        package = site_deployment.build_package(application, Path(folder), demo_site.installed_hugo())
        site.create_buckets()
        site.deploy_function(package, f"http://{website_host}/")
    site.connect()
    return site


def _wait_until_served(target: Target, names: SiteNames, sentence: str) -> None:
    """Asks as a browser would that is told to reload all the time."""
    page = f"/{demo_site.POST.removeprefix('content/').removesuffix('.md')}/"
    host = f"{names.website}.s3-website.localhost:{target.port}"
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while sentence.encode() not in get_as_browser(target.port, host, page)[1]:
        assert time.perf_counter() < deadline, f"{page} was never served with: {sentence}"
        time.sleep(POLL_SECONDS)
