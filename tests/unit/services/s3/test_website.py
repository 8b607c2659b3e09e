"""Websites: index documents, error documents, redirects, routing rules."""

from collections.abc import Mapping
from typing import Any

import pytest

from lambent.services.s3 import website
from lambent.services.s3.website import Address, Decision, ErrorPage, Found, LookedUp, Redirect, Serve
from lambent.services.s3.website import WebsiteConfiguration as Configuration
from lambent.wire.errors import ServiceError

HERE = Address("http", "b.s3-website.localhost:4566")
PUBLIC, PRIVATE = LookedUp(Found.PUBLIC), LookedUp(Found.PRIVATE)
PLAIN: dict[str, Any] = {"IndexDocument": {"Suffix": "index.html"}}
WITH_ERROR = {**PLAIN, "ErrorDocument": {"Key": "oops/404.html"}}
SITE = {
    "index.html": PUBLIC,
    "about/index.html": PUBLIC,
    "style.css": PUBLIC,
    "draft.html": PRIVATE,
    "oops/404.html": PUBLIC,
    "old": LookedUp(Found.PUBLIC, "/new"),
    "away": LookedUp(Found.PUBLIC, "https://example.com/"),
    "both": PUBLIC,
    "both/index.html": PUBLIC,
    "secret/index.html": PRIVATE,
}


def decide(document: Mapping[str, Any], key: str, site: Mapping[str, LookedUp] = SITE) -> Decision:
    """As the shell does it: look up the candidates only."""
    configuration = website.parse(document)
    found = {candidate: site.get(candidate, website.MISSING) for candidate in website.candidates(configuration, key)}
    return website.decide(configuration, key, found, HERE)


MISSING = "The specified key does not exist."


@pytest.mark.parametrize(
    ("document", "key", "expected"),
    [
        (PLAIN, "", Serve("index.html")),
        (PLAIN, "about/", Serve("about/index.html")),
        (PLAIN, "about", Redirect("/about/", 302)),
        (PLAIN, "style.css", Serve("style.css")),
        (PLAIN, "both", Serve("both")),
        (PLAIN, "old", Redirect("/new", 301)),
        (PLAIN, "away", Redirect("https://example.com/", 301)),
        (PLAIN, "nope", ErrorPage(404, "NoSuchKey", MISSING, "nope")),
        (PLAIN, "nope/", ErrorPage(404, "NoSuchKey", MISSING, "nope/index.html")),
        (PLAIN, "draft.html", ErrorPage(403, "AccessDenied", "Access Denied")),
        (PLAIN, "secret", ErrorPage(404, "NoSuchKey", MISSING, "secret")),
        (PLAIN, "secret/", ErrorPage(403, "AccessDenied", "Access Denied")),
        (WITH_ERROR, "nope", Serve("oops/404.html", 404)),
        (WITH_ERROR, "draft.html", Serve("oops/404.html", 403)),
        (WITH_ERROR, "style.css", Serve("style.css")),
    ],
)
def test_decide(document: dict[str, Any], key: str, expected: Decision) -> None:
    assert decide(document, key) == expected


def test_an_error_document_that_is_not_public_is_not_served() -> None:
    site = {**SITE, "oops/404.html": PRIVATE}
    assert decide(WITH_ERROR, "nope", site) == ErrorPage(404, "NoSuchKey", MISSING, "nope")


@pytest.mark.parametrize(
    ("protocol", "key", "location"),
    [
        (None, "a b/ü", "http://www.example.com/a%20b/%C3%BC"),
        ("https", "", "https://www.example.com/"),
    ],
)
def test_redirecting_everything(protocol: str | None, key: str, location: str) -> None:
    target = {"HostName": "www.example.com", **({"Protocol": protocol} if protocol else {})}
    assert decide({"RedirectAllRequestsTo": target}, key) == Redirect(location, 301)


def routed(redirect: dict[str, str], **condition: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"Redirect": redirect}
    return {**WITH_ERROR, "RoutingRules": [{**rule, "Condition": condition} if condition else rule]}


@pytest.mark.parametrize(
    ("document", "key", "expected"),
    [
        # The examples of "(Optional) Configuring a webpage redirect".
        (
            routed({"ReplaceKeyPrefixWith": "documents/"}, KeyPrefixEquals="docs/"),
            "docs/a b.html",
            Redirect("http://b.s3-website.localhost:4566/documents/a%20b.html", 301),
        ),
        (
            routed({"ReplaceKeyWith": "errorpage.html"}, KeyPrefixEquals="images/"),
            "images/1.jpg",
            Redirect("http://b.s3-website.localhost:4566/errorpage.html", 301),
        ),
        (
            routed(
                {"HostName": "ec2.example.com", "ReplaceKeyPrefixWith": "report-404/", "Protocol": "https"},
                HttpErrorCodeReturnedEquals="404",
            ),
            "nope",
            Redirect("https://ec2.example.com/report-404/nope", 301),
        ),
        (
            routed({"HostName": "ec2.example.com", "HttpRedirectCode": "307"}, HttpErrorCodeReturnedEquals="404"),
            "nope",
            Redirect("http://ec2.example.com/nope", 307),
        ),
        (routed({"HostName": "e"}, HttpErrorCodeReturnedEquals="404"), "style.css", Serve("style.css")),
        (routed({"HostName": "e"}, HttpErrorCodeReturnedEquals="403"), "nope", Serve("oops/404.html", 404)),
        (
            routed({"HostName": "e"}, HttpErrorCodeReturnedEquals="404", KeyPrefixEquals="x"),
            "nope",
            Serve("oops/404.html", 404),
        ),
        (routed({"HostName": "everywhere"}), "style.css", Redirect("http://everywhere/style.css", 301)),
    ],
)
def test_routing_rules(document: dict[str, Any], key: str, expected: Decision) -> None:
    assert decide(document, key) == expected


@pytest.mark.parametrize(
    "document",
    [
        PLAIN,
        WITH_ERROR,
        {"RedirectAllRequestsTo": {"HostName": "www.example.com", "Protocol": "https"}},
        routed({"HostName": "e", "ReplaceKeyWith": "k", "HttpRedirectCode": "302"}, KeyPrefixEquals="p"),
    ],
)
def test_configurations_come_back_as_they_were_put(document: dict[str, Any]) -> None:
    stored = website.parse(document).to_text()
    assert website.to_document(Configuration.from_text(stored)) == document


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "InvalidArgument"),
        ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
        ({**PLAIN, "ErrorDocument": {"Key": ""}}, "InvalidArgument"),
        ({"RedirectAllRequestsTo": {"HostName": ""}}, "InvalidArgument"),
        ({**PLAIN, "RedirectAllRequestsTo": {"HostName": "e"}}, "InvalidArgument"),
        ({"RedirectAllRequestsTo": {"HostName": "e", "Protocol": "gopher"}}, "InvalidRequest"),
        ({**PLAIN, "RoutingRules": [{"Redirect": {}}]}, "InvalidRequest"),
        ({**PLAIN, "RoutingRules": [{"Redirect": {"HostName": "e"}, "Condition": {}}]}, "InvalidRequest"),
        (routed({"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}), "InvalidRequest"),
        (routed({"HttpRedirectCode": "200"}), "InvalidRequest"),
        (routed({"HostName": "e"}, HttpErrorCodeReturnedEquals="200"), "InvalidRequest"),
        ({**PLAIN, "RoutingRules": [{"Redirect": {"HostName": "e"}}] * 51}, "InvalidRequest"),
    ],
)
def test_what_is_no_website(document: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        website.parse(document)
    assert refused.value.code == code
