"""What an edit reaches, read from a site's dependency graph."""

import json
import zlib
from typing import Any

import pytest

from lambent.cli import site_reach
from lambent.cli.site_reach import Reached


def page(path: str, source: str, outputs: list[str], **edges: list[str]) -> list[Any]:
    terms, up, beside = (edges.get(name, []) for name in ("terms", "up", "beside"))
    return [path, "en", "page", "posts", "", source, outputs, terms, [], up, beside]


DOCUMENT = {
    "version": site_reach.VERSION,
    "pages": [
        page(
            "/posts/a",
            "content/posts/a.md",
            ["posts/a/index.html"],
            terms=["/tags/x"],
            up=["/posts", "/"],
            beside=["/b"],
        ),
        page("/posts", "", ["posts/index.html", "posts/index.xml"]),
        page("/tags/x", "", ["tags/x/index.html"]),
        page("/", "", ["index.html"]),
        page("/b", "content/b.md", ["b/index.html"]),
        page("/c", "content/c.md", ["c/index.html"]),
    ],
    "weights": [["/posts/a", 1], ["/", 1], ["/c", 1]],
    "links": [[0, [[[1, 2], True]]]],
}


def encoded(document: object) -> bytes:
    return zlib.compress(json.dumps(document).encode())


def test_a_post_reaches_its_page_its_lists_its_neighbours_and_who_links_to_it() -> None:
    assert site_reach.of_source(encoded(DOCUMENT), "content/posts/a.md") == [
        Reached("/posts/a", "made of it", ("posts/a/index.html",)),
        Reached("/tags/x", "lists it under a term", ("tags/x/index.html",)),
        Reached("/posts", "lists it, being above it", ("posts/index.html", "posts/index.xml")),
        Reached("/", "lists it, being above it", ("index.html",)),
        Reached("/b", "stands beside it", ("b/index.html",)),
        Reached("/c", "links to it", ("c/index.html",)),
    ]


@pytest.mark.parametrize(
    "content", [encoded({**DOCUMENT, "version": 0}), encoded([]), b"", b"not zlib", zlib.compress(b"not JSON")]
)
def test_a_graph_of_another_version_is_none(content: bytes) -> None:
    assert site_reach.of_source(content, "content/posts/a.md") == []


def test_a_source_that_the_graph_does_not_know_reaches_nothing() -> None:
    assert site_reach.of_source(encoded(DOCUMENT), "layouts/home.html") == []
