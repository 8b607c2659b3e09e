"""Websites as a browser sees them, by host and by path."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.s3.refusals import refusal

PLAIN = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}}


@dataclass
class Page:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Site:
    platform: PlatformProcess
    bucket: str

    def get(self, path: str, *, host: str = "", method: str = "GET", **headers: str) -> Page:
        connection = http.client.HTTPConnection("127.0.0.1", self.platform.port)
        connection.request(method, path, headers={"Host": host or f"{self.bucket}.s3-website.localhost", **headers})
        response = connection.getresponse()
        page = Page(response.status, response.headers, response.read())
        connection.close()
        return page


@pytest.fixture
def site(s3: Any, platform: PlatformProcess, open_bucket: str) -> Site:
    s3.put_bucket_website(Bucket=open_bucket, WebsiteConfiguration=PLAIN)
    pages = {
        "index.html": b"<h1>home</h1>",
        "posts/index.html": b"<h1>posts</h1>",
        "posts/a b.html": b"<h1>a post</h1>",
        "404.html": b"<h1>not here</h1>",
    }
    for key, body in pages.items():
        s3.put_object(Bucket=open_bucket, Key=key, Body=body, ContentType="text/html", ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="draft.html", Body=b"secret")
    return Site(platform, open_bucket)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"<h1>home</h1>"),
        ("/posts/", 200, b"<h1>posts</h1>"),
        ("/posts/a%20b.html", 200, b"<h1>a post</h1>"),
        ("/nope", 404, b"<h1>not here</h1>"),
        ("/draft.html", 403, b"<h1>not here</h1>"),
    ],
)
def test_pages(site: Site, path: str, status: int, body: bytes) -> None:
    page = site.get(path)
    assert (page.status, page.body, page.headers["Content-Type"]) == (status, body, "text/html")


def test_a_folder_is_redirected_to_its_index(site: Site) -> None:
    page = site.get("/posts")
    assert (page.status, page.headers["Location"]) == (302, "/posts/")


def test_heads_and_conditions(site: Site) -> None:
    page = site.get("/")
    assert site.get("/", method="HEAD").body == b""
    assert site.get("/", **{"If-None-Match": page.headers["ETag"]}).status == 304
    part = site.get("/", Range="bytes=0-3")
    assert (part.status, part.body) == (206, b"<h1>")
    assert site.get("/", method="POST").status == 405


def test_every_address_of_a_website(site: Site) -> None:
    port = site.platform.port
    for host in (
        f"{site.bucket}.s3-website.localhost:{port}",
        f"{site.bucket}.s3-website-eu-west-1.localhost",
        f"{site.bucket}.s3-website.us-east-1.localhost",
    ):
        assert site.get("/", host=host).body == b"<h1>home</h1>"
    fallback = f"/_lambent/website/{site.bucket}"
    assert site.get(f"{fallback}/", host="localhost").body == b"<h1>home</h1>"
    assert site.get(fallback, host="localhost").headers["Location"] == f"{fallback}/"
    assert site.get(f"{fallback}/posts", host="localhost").headers["Location"] == f"{fallback}/posts/"


def test_a_bucket_named_as_the_host(s3: Any, platform: PlatformProcess) -> None:
    s3.create_bucket(Bucket="www.example.com", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="www.example.com")
    s3.put_bucket_website(Bucket="www.example.com", WebsiteConfiguration=PLAIN)
    s3.put_object(Bucket="www.example.com", Key="index.html", Body=b"named", ACL="public-read")
    site = Site(platform, "www.example.com")
    assert site.get("/", host="www.example.com").body == b"named"
    s3.delete_object(Bucket="www.example.com", Key="index.html")
    s3.delete_bucket(Bucket="www.example.com")


def test_redirects(s3: Any, site: Site) -> None:
    s3.put_object(Bucket=site.bucket, Key="old", Body=b"", ACL="public-read", WebsiteRedirectLocation="/posts/")
    page = site.get("/old")
    assert (page.status, page.headers["Location"]) == (301, "/posts/")
    rules = [{"Condition": {"KeyPrefixEquals": "blog/"}, "Redirect": {"ReplaceKeyPrefixWith": "posts/"}}]
    s3.put_bucket_website(Bucket=site.bucket, WebsiteConfiguration={**PLAIN, "RoutingRules": rules})
    page = site.get("/blog/a")
    assert page.headers["Location"] == f"http://{site.bucket}.s3-website.localhost/posts/a"
    everything = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket=site.bucket, WebsiteConfiguration=everything)
    page = site.get("/a?b=c")
    assert (page.status, page.headers["Location"].partition("?")[0]) == (301, "https://example.com/a")


def test_without_a_configuration(s3: Any, site: Site) -> None:
    assert s3.get_bucket_website(Bucket=site.bucket)["ErrorDocument"] == {"Key": "404.html"}
    s3.delete_bucket_website(Bucket=site.bucket)
    assert refusal(s3.get_bucket_website, Bucket=site.bucket) == ("NoSuchWebsiteConfiguration", 404)
    page = site.get("/")
    assert (page.status, b"NoSuchWebsiteConfiguration" in page.body) == (404, True)
    assert site.get("/", host="no-such-bucket.s3-website.localhost").status == 404


def test_a_policy_makes_a_site_public_as_well(s3: Any, site: Site) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{site.bucket}/*",
    }
    s3.put_bucket_policy(Bucket=site.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert site.get("/draft.html").body == b"secret"


def test_what_is_no_configuration(s3: Any, make_bucket: Callable[..., str]) -> None:
    bad = {"IndexDocument": {"Suffix": "a/b"}}
    assert refusal(s3.put_bucket_website, Bucket=make_bucket(), WebsiteConfiguration=bad) == ("InvalidArgument", 400)
