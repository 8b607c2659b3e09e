"""Websites as a browser sees them, by host, by a bucket named as the host, and by path.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
"""

import http.client
from dataclasses import dataclass
from typing import Any

import pytest

from platform_process import PlatformProcess

PAGES = {
    "index.html": b"<h1>home</h1>",
    "posts/index.html": b"<h1>posts</h1>",
    "posts/first": b"<h1>first</h1>",
    "a b\u00e4.html": b"<h1>umlaut</h1>",
    "error.html": b"<h1>lost?</h1>",
    "film": bytes(range(256)) * 10,
}


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Browser:
    port: int
    host: str
    base: str = ""

    def open(self, path: str, *, method: str = "GET", **headers: str) -> Page:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, self.base + path, headers=given)
            answer = connection.getresponse()
            return Page(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def publish(s3: Any, bucket: str, configuration: dict[str, Any]) -> None:
    s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerPreferred")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)


@pytest.fixture(scope="module")
def s3(platform: PlatformProcess) -> Any:
    return platform.client("s3")


@pytest.fixture(scope="module")
def site(platform: PlatformProcess, s3: Any) -> str:
    bucket = "www.pages.example"
    publish(s3, bucket, {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}})
    for key, body in PAGES.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="private", Body=b"secret")
    s3.put_object(Bucket=bucket, Key="moved", Body=b"", ACL="public-read", WebsiteRedirectLocation="/posts/first")
    s3.put_object(
        Bucket=bucket, Key="away", Body=b"", ACL="public-read", WebsiteRedirectLocation="https://elsewhere.example/x"
    )
    return bucket


@pytest.fixture(params=["host", "region", "own name", "path"])
def browser(request: pytest.FixtureRequest, platform: PlatformProcess, site: str) -> Browser:
    return {
        "host": Browser(platform.port, f"{site}.s3-website.localhost:{platform.port}"),
        "region": Browser(platform.port, f"{site}.s3-website-eu-west-1.localhost:{platform.port}"),
        "own name": Browser(platform.port, site),
        "path": Browser(platform.port, f"localhost:{platform.port}", f"/_lambent/website/{site}"),
    }[request.param]


def test_pages_and_the_index_of_every_folder(browser: Browser) -> None:
    for path, key in (
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/posts/", "posts/index.html"),
        ("/posts/first", "posts/first"),
        ("/a%20b%C3%A4.html", "a b\u00e4.html"),
        ("/index.html?utm=1", "index.html"),
    ):
        page = browser.open(path)
        assert (page.status, page.body, page.headers["content-type"]) == (200, PAGES[key], "text/html")


def test_a_folder_without_its_slash_is_redirected(browser: Browser) -> None:
    page = browser.open("/posts")
    assert (page.status, page.headers["location"]) == (302, f"{browser.base}/posts/")


def test_what_is_missing_shows_the_error_document(browser: Browser) -> None:
    for path in ("/nope", "/nope/", "/posts/nope/deeper"):
        page = browser.open(path, If_None_Match="*", Range="bytes=0-1")
        assert (page.status, page.body) == (404, PAGES["error.html"])


def test_what_is_not_public_is_not_served(browser: Browser) -> None:
    page = browser.open("/private")
    assert (page.status, page.body) == (403, PAGES["error.html"])


def test_objects_redirect(browser: Browser) -> None:
    page = browser.open("/moved")
    assert (page.status, page.headers["location"]) == (301, f"{browser.base}/posts/first")
    page = browser.open("/away")
    assert (page.status, page.headers["location"]) == (301, "https://elsewhere.example/x")


def test_head_conditions_and_ranges(browser: Browser) -> None:
    head = browser.open("/film", method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "2560", b"")
    assert browser.open("/film", If_None_Match=head.headers["etag"]).status == 304
    assert browser.open("/film", If_Modified_Since=head.headers["last-modified"]).status == 304
    assert browser.open("/film", If_Modified_Since="last Tuesday").status == 200
    part = browser.open("/film", Range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/2560"
    assert browser.open("/film", Range="bytes=9999-").status == 416


def test_nothing_can_be_done_but_looking(browser: Browser) -> None:
    for method in ("POST", "PUT", "DELETE"):
        if browser.host == "www.pages.example":
            continue  # there these are requests to S3 itself
        page = browser.open("/index.html", method=method)
        assert (page.status, b"MethodNotAllowed" in page.body) == (405, True)
        assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/%ff", "/%00", "/..", "/../../etc/passwd", "/%2e%2e/x", "/" + "a" * 2000, "//", "/<script>"]
)
def test_strange_paths_get_a_page(browser: Browser, path: str) -> None:
    page = browser.open(path)
    assert 400 <= page.status < 500
    assert b"<script>" not in page.body


def test_without_an_error_document_the_page_is_s3s(platform: PlatformProcess, s3: Any) -> None:
    publish(s3, "bare-site", {"IndexDocument": {"Suffix": "index.html"}})
    browser = Browser(platform.port, "bare-site.s3-website.localhost")
    page = browser.open("/a<b>")
    assert page.status == 404
    for line in (b"<h1>404 Not Found</h1>", b"<li>Code: NoSuchKey</li>", b"<li>Key: a&lt;b&gt;</li>"):
        assert line in page.body
    assert browser.open("/", method="HEAD").body == b""


@pytest.mark.parametrize(
    ("bucket", "code"), [("no-such-site", b"NoSuchBucket"), ("plain-bucket", b"NoSuchWebsiteConfiguration")]
)
def test_what_is_no_website_says_so(platform: PlatformProcess, s3: Any, bucket: str, code: bytes) -> None:
    if bucket == "plain-bucket":
        s3.create_bucket(Bucket=bucket)
    page = Browser(platform.port, f"{bucket}.s3-website.localhost").open("/")
    assert (page.status, b"<li>Code: " + code + b"</li>" in page.body) == (404, True)


def test_everything_can_be_redirected_elsewhere(platform: PlatformProcess, s3: Any) -> None:
    everything = {"HostName": "elsewhere.example", "Protocol": "https"}
    publish(s3, "moved-site", {"RedirectAllRequestsTo": everything})
    page = Browser(platform.port, "moved-site.s3-website.localhost").open("/a%20b")
    assert (page.status, page.headers["location"]) == (301, "https://elsewhere.example/a%20b")


def test_rules_redirect_prefixes_and_errors_and_stay_on_the_host(platform: PlatformProcess, s3: Any) -> None:
    rules = [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"ReplaceKeyWith": "lost", "HttpRedirectCode": "302"},
        },
    ]
    publish(s3, "ruled-site", {"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": rules})
    host = f"ruled-site.s3-website.localhost:{platform.port}"
    for browser in (
        Browser(platform.port, host),
        Browser(platform.port, f"localhost:{platform.port}", "/_lambent/website/ruled-site"),
    ):
        here = f"http://{browser.host}{browser.base}"
        page = browser.open("/old/a/b")
        assert (page.status, page.headers["location"]) == (301, f"{here}/new/a/b")
        page = browser.open("/nope")
        assert (page.status, page.headers["location"]) == (302, f"{here}/lost")


def test_requests_signed_for_s3_are_not_for_the_website(platform: PlatformProcess, s3: Any, site: str) -> None:
    """A bucket named as the host: its owner still works with S3 under that host, path style."""
    assert s3.list_objects_v2(Bucket=site)["KeyCount"] == len(PAGES) + 3
    page = Browser(platform.port, site).open("/")
    assert page.body == PAGES["index.html"]
