"""A site's dependency tree as the page gets it: every name once, everything else by number."""

import json
import zlib
from typing import Any

from lambent.cli import site_reach, site_tree
from lambent.cli.site_state import Generation

OUTPUTS = {
    "index.html": "1",
    "index.xml": "1",
    "page/2/index.html": "1",
    "posts/a/index.html": "1",
    "site.css": "1",
    "img/x.png": "1",
}
OLD = Generation(
    1, 10.0, {"content/posts/a.md": "1", "static/img/x.png": "1"}, OUTPUTS, {"img/x.png": "static/img/x.png"}
)
NEW = Generation(
    2, 20.0, {**OLD.sources, "content/posts/a.md": "2"}, {**OUTPUTS, "posts/a/index.html": "2"}, OLD.copies
)
GRAPH = {
    "version": site_reach.VERSION,
    "sources": {"content/posts/a.md": ["1"], "layouts/all.html": ["1"]},
    "pages": [
        [
            "/posts/a",
            "en",
            "page",
            "",
            "",
            "content/posts/a.md",
            ["posts/a/index.html"],
            ["/tags/x"],
            [],
            ["/"],
            ["/b"],
        ],
        ["/", "en", "home", "", "", "", ["index.html"], [], [], [], []],
    ],
    "weights": [["/posts/a", 1], ["/", 1]],
    "links": [[0, [[[1], False]]]],
    "refusal": "",
}


def named(tree: dict[str, Any], pairs: list[list[Any]], *lists: str) -> list[list[str]]:
    """Rows of numbers as rows of names."""
    return [[tree[names][number] for names, number in zip(lists, pair, strict=False)] for pair in pairs]


def test_outputs_belong_to_pages_and_pagers_to_their_list() -> None:
    tree = site_tree.document(zlib.compress(json.dumps(GRAPH).encode()), [NEW, OLD])
    made = {tree["pages"][page]: {tree["outputs"][one] for one in those} for page, those in tree["made"]}
    assert made == {
        "/posts/a": {"posts/a/index.html"},
        "/": {"index.html", "index.xml", "page/2/index.html"},
    }
    (post, home) = tree["rows"]
    assert [tree["pages"][post[0]], tree["inputs"][post[1]]] == ["/posts/a", "content/posts/a.md"]
    assert [[tree["pages"][one] for one in post[column]] for column in (2, 3, 4)] == [["/tags/x"], ["/"], ["/b"]]
    assert home[1] == -1
    assert [
        [tree["pages"][page], [tree["pages"][one] for one in those], is_all] for page, those, is_all in tree["linkers"]
    ] == [["/posts/a", ["/"], False]]
    assert named(tree, tree["copies"], "inputs", "outputs") == [["static/img/x.png", "img/x.png"]]
    assert (tree["isKnown"], tree["changedSince"]) == (True, 2)


def test_what_changed_with_what_was_observed() -> None:
    tree = site_tree.document(None, [NEW, OLD])
    (seen,) = tree["observed"]
    assert (seen["generation"], seen["at"], seen["sources"], seen["changed"]) == (2, 20.0, 1, 1)
    assert [tree["inputs"][one] for one in seen["inputs"]] == ["content/posts/a.md"]
    assert [tree["outputs"][one] for one in seen["outputs"]] == ["posts/a/index.html"]
    assert not tree["isKnown"]


def test_what_changed_too_much_is_only_counted() -> None:
    many = Generation(2, 20.0, {f"content/{n}.md": "1" for n in range(51)}, OUTPUTS, {})
    (seen,) = site_tree.document(None, [many, OLD])["observed"]
    assert (seen["sources"], seen["inputs"], seen["outputs"]) == (53, [], [])


def test_nothing_is_a_tree_without_names() -> None:
    tree = site_tree.document(b"of another version", [])
    assert [tree[name] for name in ("inputs", "outputs", "pages", "rows", "observed")] == [[], [], [], [], []]
