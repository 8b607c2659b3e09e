"""The page of a site: its state, its builds, and its dependency tree drawn. What it shows, and the HTML.

The HTML is the same for everybody: our files put into one, with the data, if any, as JSON in an element of
its own. Keys, messages and names of outputs come from whoever may write to the source bucket, so none of them ever
becomes markup: the scripts set texts, never HTML, and the page's policy forbids every script and style but ours by
their digests. With data it is whole in itself and can be kept or sent; without, it asks `site_page_server`.
"""

import base64
import functools
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lambent.cli import site_state, site_tree
from lambent.cli.client import Client
from lambent.cli.site_state import DeployedSite, Generation

_FILES = Path(__file__).parent / "site_page_files"
_SCRIPTS = ("elements.js", "tree.js", "drawing.js", "builds.js", "page.js")


def state(client: Client, site: DeployedSite, sites: Sequence[DeployedSite]) -> dict[str, Any]:
    """What changes from one look to the next. Raises Failure."""
    head = site_state.read_json(client, site, "head.json")
    turn = site_state.read_json(client, site, "turn.json") or {}
    builds = site_state.read_json(client, site, "history.json")
    return {
        "site": site.name,
        "function": site.function,
        "url": site.url,
        "sites": sorted(one.name for one in sites),
        "head": _head(head) if head and head["releases"] else None,
        # Who died while building holds the turn until its time is over.
        "isBuilding": bool(turn.get("holder")) and turn.get("until", 0) > time.time(),
        "builds": list(reversed(builds)) if isinstance(builds, list) else [],
    }


class Trees:
    """The trees of sites, made anew when something was published. Generations never change, so each is read once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._generations: dict[tuple[str, str], Generation] = {}
        #: The last of each site: an old one tells more than none, and says how old it is.
        self._graphs: dict[str, bytes] = {}

    def of(self, site: DeployedSite) -> dict[str, Any]:
        head = site_state.read_json(self._client, site, "head.json") or {"releases": []}
        names = [(site.name, release["name"]) for release in head["releases"]]
        for name, release in zip(names, head["releases"], strict=True):
            if name not in self._generations:
                self._generations[name] = site_state.generation(self._client, site, release)
        for forgotten in [name for name in self._generations if name[0] == site.name and name not in names]:
            self._generations.pop(forgotten, None)
        graph = (site_state.graph(self._client, site) if names else None) or self._graphs.get(site.name)
        if graph is not None:
            self._graphs[site.name] = graph
        return site_tree.document(graph, [self._generations[name] for name in reversed(names)])


def snapshot(client: Client, site: DeployedSite) -> bytes:
    """A page that holds what it shows. Raises Failure."""
    now = {**state(client, site, [site]), "taken": time.time()}
    return html({"state": now, "tree": Trees(client).of(site)})


def html(data: Mapping[str, Any] | None = None) -> bytes:
    """Of `data`, "state" and "tree". Without it, the page fetches both from beside its own address."""
    # In ASCII, and within a script element "<" is all that could end it (HTML, "Restrictions for contents of script
    # elements").
    embedded = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    before, after = _shell()
    return before + embedded.encode() + after


@functools.cache
def _shell() -> tuple[bytes, bytes]:
    """Everything before the data, and everything after it."""
    style = _text("page.css")
    script = '"use strict";\n{\n' + "\n".join(map(_text, _SCRIPTS)) + "}\n"
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; img-src data:; "
        f"style-src {_digest(style)}; script-src {_digest(script)}"
    )
    page = _text("page.html")
    for name, content in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script)):
        page = page.replace(f"%{name}%", content)
    before, _, after = page.partition("%DATA%")
    return before.encode(), after.encode()


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """As a Content Security Policy names an inline element (CSP Level 3, "hash-source")."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _head(head: Mapping[str, Any]) -> dict[str, Any]:
    current = head["releases"][-1]
    return {
        "generation": current["generation"],
        "at": current["at"],
        "isSettled": head["settled"],
        "isPinned": head["pinned"],
        "due": head["due"],
        "volatile": head["volatile"],
        "kept": [release["generation"] for release in head["releases"]],
    }
