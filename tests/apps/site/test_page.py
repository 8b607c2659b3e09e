"""The page of a site in a browser, in states that are hard to come by: from the documents that it is made of."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from browser import Browser
from lambent.cli import site_page, site_reach, site_tree
from lambent.cli.site_state import Generation

NASTY = 'content/</script><!--<script>broken=1//\u2028".md'
STATE: dict[str, Any] = {
    "site": "shop",
    "function": "builder",
    "url": "http://shop.test/under/",
    "sites": ["shop"],
    "head": {
        "generation": 7,
        "at": 1e9,
        "isSettled": True,
        "isPinned": False,
        "due": None,
        "volatile": [],
        "kept": [3, 5, 6, 7],
    },
    "isBuilding": False,
    "builds": [],
    "taken": 1e9,
}
BUILD: dict[str, Any] = {
    "at": 1e9,
    "outcome": "published",
    "generation": 7,
    "cause": "change",
    "mode": "full",
    "why": "1 source changed",
    "changed": [f"~{NASTY}"],
    "changes": 1,
    "uploaded": 1,
    "deleted": 0,
    "kept": 9,
    "names": ["a/index.html"],
    "bytes_down": 1200,
    "bytes_up": 3_400_000,
    "fetched": 1,
    "sync_ms": 10,
    "hugo_ms": 250,
    "publish_ms": 30,
    "requests": {"PutObject (website)": 3},
    "restarts": 0,
    "misses": [],
    "flaps": [],
    "errors": [],
    "warnings": [],
}
OLD = Generation(6, 1e9, {NASTY: "1", "layouts/all.html": "1"}, {"a/index.html": "1", "index.html": "1"}, {})
NEW = Generation(7, 1e9, {**OLD.sources, NASTY: "2"}, {**OLD.outputs, "a/index.html": "2"}, {})


def show(browser: Browser, folder: Path, state: dict[str, Any], tree: dict[str, Any]) -> None:
    file = folder / "page.html"
    file.write_bytes(site_page.html({"state": {**STATE, **state}, "tree": tree}))
    browser.complaints.clear()
    browser.open(file.as_uri())
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"head": None}, ["never", "No build yet", "Nothing to draw before something is published."]),
        (
            {"head": None, "builds": [{**BUILD, "outcome": "failed", "errors": ["<b>: no\nsuch"]}]},
            ["the website stays as it was", "<b>: no\nsuch"],
        ),
        ({"head": {**STATE["head"], "isPinned": True}}, ["Rolled back.", "lambent site unpin shop", "3, 5–6"]),
        ({"builds": [{**BUILD, "outcome": "held", "errors": ["900 of 950"]}]}, ["held", "900 of 950"]),
    ],
)
def test_states(state: dict[str, Any], words: list[str], browser: Browser, tmp_path: Path) -> None:
    show(browser, tmp_path, state, site_tree.document(None, []))
    seen = browser.text()
    assert [word for word in words if word not in seen] == []


def test_a_site_without_a_graph_shows_what_was_observed(browser: Browser, tmp_path: Path) -> None:
    show(browser, tmp_path, {"builds": [BUILD]}, site_tree.document(None, [NEW, OLD]))
    assert "No dependency tree is known" in browser.text("#caveat")
    assert "broken=1" in browser.text("#builds")
    browser.value("document.querySelector('#builds .link').click()")
    browser.wait_for("document.querySelector('#canvas .seen .name')")
    assert browser.value("document.querySelector('#canvas .name title').textContent") == "a/index.html"
    browser.value("document.querySelector('#canvas .name').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))")
    browser.wait_for("document.querySelector('#chosen h3').textContent === 'a/index.html'")
    assert browser.value("document.querySelector('#chosen a').href") == "http://shop.test/under/a/"
    assert browser.value("typeof broken") == "undefined"
    browser.value("location.hash = 'source=layouts/all.html'")
    browser.wait_for("document.querySelector('#chosen h3').textContent === 'layouts/all.html'")
    assert "not known" in browser.text("#canvas")
    browser.value("location.hash = 'source=gone'")
    browser.wait_for("document.querySelector('#chosen h3').textContent.startsWith('gone is neither')")


def test_a_template_reaches_everything_in_folders(browser: Browser, tmp_path: Path) -> None:
    graph = {
        "version": site_reach.VERSION,
        "sources": {NASTY: ["2"], "layouts/all.html": ["1"]},
        "pages": [["/a", "en", "page", "", "", NASTY, ["a/index.html"], [], [], ["/"], []]],
        "weights": [["/a", 1], ["/", 1]],
        "links": [],
        "refusal": "",
    }
    show(browser, tmp_path, {}, site_tree.document(zlib.compress(json.dumps(graph).encode()), [NEW, OLD]))
    browser.value("location.hash = 'source=layouts/all.html'")
    browser.wait_for("document.querySelector('#canvas .whole .folder')")
    assert "builds the whole site anew" in browser.text("#chosen")


def test_long_histories_are_turned_by_pages(browser: Browser, tmp_path: Path) -> None:
    builds = [{**BUILD, "generation": number, "at": 1e9 - number} for number in range(100, 0, -1)]
    show(browser, tmp_path, {"builds": builds}, site_tree.document(None, []))
    assert browser.value("document.querySelectorAll('#builds tbody tr').length") == 20
    for _ in range(4):
        browser.value("[...document.querySelectorAll('#builds nav button')].at(-1).click()")
    assert "81 to 100 of 100" in browser.text("#builds nav")
    browser.value("document.querySelectorAll('.opener')[19].focus()")
    browser.press("Enter")
    assert "250 ms hugo" in browser.text("#builds .details")
    assert browser.value("document.activeElement.getAttribute('aria-expanded')") == "true"
