"""What the last whole build of a site showed: its pages, who links to whom, and what each page costs.    (pure)

Made after a whole build of a site that is large enough, kept in the state bucket, and good for every edit until the
next one: edits are counted from the whole build, not from each other, so nothing adds up.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sitebuilder.partial import front_matter, page_index, stubs
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.tokens import Findings
from sitebuilder.sources import Source

#: Of a group that links to a page so many are remembered. Larger ones are never rendered whole by a partial build.
MAX_LINKERS = 50
_PAGER = re.compile(r"^(?P<folder>.*/|)[^/]+/\d+(?:/index)?\.html?$")
VERSION = 5


@dataclass(frozen=True, slots=True)
class Text:
    """A source as the whole build saw it."""

    etag: str
    modified: float
    front: str = ""
    """Digests of a text's front matter, and of its sensitive fields; "" where they could not be told."""
    sensitive: str = ""


@dataclass(frozen=True, slots=True)
class Linkers:
    """Pages of one group that link to a page."""

    paths: tuple[str, ...]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Graph:
    sources: Mapping[str, Text]
    recipe: str
    pages: tuple[Page, ...]
    links: Mapping[str, tuple[Linkers, ...]]
    """Page to the groups of pages that link to it."""
    weights: Mapping[str, int]
    """Page to the bytes of its outputs, all languages and pagers together: what rendering it costs, nearly enough."""
    findings: Findings
    seconds: float
    """What the whole build took hugo."""
    refusal: str = ""
    """Why this site is never built partially; "" if it is."""
    base: float = 0.0
    """Of these, what it takes hugo to read and connect all pages (`costs`)."""
    prefix: int = 0
    """Length of the prefix of the pack of texts that goes with it; 0 if there is no pack."""

    @property
    def total_weight(self) -> int:
        return sum(self.weights.values())


@dataclass(slots=True)
class Owners:
    """Which page does an output belong to?"""

    pages: Iterable[Page]
    exact: dict[str, str] = field(init=False)
    groups: dict[str, str] = field(init=False)
    collisions: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.exact, self.groups, self.collisions = {}, {}, set()
        first: dict[str, Page] = {}
        for page in self.pages:
            for output in page.outputs:
                if first.setdefault(output, page) is not page:
                    self.collisions.add(output)
                self.exact[output] = page.path
                self.groups[output] = repr(page.group)

    def of(self, output: str) -> str | None:
        """The logical path; None for what belongs to the site: assets, aliases, site maps."""
        return self.exact.get(self._main(output))

    def group_of(self, output: str) -> str | None:
        return self.groups.get(self._main(output))

    def _main(self, output: str) -> str:
        if output in self.exact:
            return output
        pager = _PAGER.match(output)
        if pager:
            return f"{pager['folder']}index.html"
        # The home page's other formats (feeds, search indexes) stand beside it. The index names them, unless it was the
        # home page that wrote it.
        folder, slash, name = output.rpartition("/")
        home = f"{folder}{slash}index.html"
        return home if name.startswith("index.") else output


def text_of(source: Source, content: bytes | None) -> Text:
    """`content` of texts only."""
    parts = front_matter.split(content) if content is not None else None
    if parts is None:
        return Text(source.etag, source.modified)
    sensitive = parts.sensitive
    return Text(
        source.etag, source.modified, digest(parts.front), "" if sensitive is None else digest(sensitive.encode())
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def group_linkers(linking: Mapping[str, tuple[str, frozenset[str]]]) -> dict[str, tuple[Linkers, ...]]:
    """`linking` is an output's owner and group, as "owner|group", to what it links to."""
    gathered: dict[str, dict[str, dict[str, None]]] = {}
    for owner, (group, targets) in linking.items():
        path = owner.partition("|")[0]
        for target in targets:
            if target != path:
                members = gathered.setdefault(target, {}).setdefault(group, {})
                if len(members) <= MAX_LINKERS:
                    members[path] = None
    return {
        target: tuple(
            Linkers(tuple(members)[:MAX_LINKERS], is_complete=len(members) <= MAX_LINKERS)
            for members in groups.values()
        )
        for target, groups in gathered.items()
    }


def refuse(pages: Iterable[Page], collisions: Iterable[str], findings: Findings) -> str:
    if findings.whole:
        return f"templates that need the whole site: {findings.whole[0]}"
    if findings.fluid:
        return f"templates that do not come out alike: {findings.fluid[0]}"
    spelt = page_index.term_spellings(pages)
    if spelt:
        return f"a term is spelt in several ways, and hugo takes either: {', '.join(sorted(min(spelt.items())[1]))}"
    for output in collisions:
        return f"two pages have one address: {output}"
    return ""


def encode(graph: Graph) -> bytes:
    numbers = {path: number for number, path in enumerate(graph.weights)}
    document = {
        "version": VERSION,
        "recipe": graph.recipe,
        "sources": {key: [t.etag, t.modified, t.front, t.sensitive] for key, t in graph.sources.items()},
        "pages": [
            [p.path, p.lang, p.kind, p.type, p.layout, p.source, p.outputs, p.terms, p.spelt, p.up, p.beside]
            for p in graph.pages
        ],
        "weights": list(graph.weights.items()),
        "links": [
            [numbers[target], [[[numbers[path] for path in group.paths], group.is_complete] for group in groups]]
            for target, groups in graph.links.items()
        ],
        "findings": [graph.findings.whole, graph.findings.fluid, graph.findings.blind, graph.findings.files],
        "seconds": graph.seconds,
        "refusal": graph.refusal,
        "base": graph.base,
        "prefix": graph.prefix,
    }
    return zlib.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), 3)


def decode(content: bytes) -> Graph | None:
    """None: written by another version, and as good as none."""
    try:
        document = json.loads(zlib.decompress(content))
        if document["version"] != VERSION:
            return None
        names = [path for path, _ in document["weights"]]
        return Graph(
            sources={key: Text(*fields) for key, fields in document["sources"].items()},
            recipe=document["recipe"],
            pages=tuple(Page(*fields[:6], *map(tuple, fields[6:])) for fields in document["pages"]),
            links={
                names[target]: tuple(Linkers(tuple(names[n] for n in group), complete) for group, complete in groups)
                for target, groups in document["links"]
            },
            weights=dict(map(tuple, document["weights"])),
            findings=Findings(*map(tuple, document["findings"])),
            seconds=document["seconds"],
            refusal=document["refusal"],
            base=document["base"],
            prefix=document["prefix"],
        )
    except (ValueError, KeyError, TypeError, zlib.error):
        return None


def is_text(key: str) -> bool:
    return stubs.is_text(key)
