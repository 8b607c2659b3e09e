"""Making the graph after a whole build: what hugo says of its pages, what its outputs say of their links, and a proof.

The proof renders a page of every kind a second time, partially, and compares: a site that hugo does not make the same
way twice, or not the same way in part, is found here and never built partially.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from sitebuilder.partial import graph as graphs
from sitebuilder.partial import page_index as index
from sitebuilder.partial import stubs, tokens
from sitebuilder.partial.graph import Graph, Owners
from sitebuilder.partial.links import LINKING_SUFFIXES, Links
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.runs import HugoFailed, Runs, digests
from sitebuilder.sources import Source

#: Larger files have no links that matter here (a search index of everything), or cost more than they tell.
MAX_SCANNED_BYTES = 4 << 20
#: Pages of so many kinds, and none that is heavy.
_PROOF, MAX_PROOF_BYTES = 24, 200_000


def make(
    runs: Runs,
    wanted: Mapping[str, Source],
    *,
    output: Path,
    built: Mapping[str, str],
    recipe: str,
    seconds: float,
) -> Graph:
    """`output` is the folder of the whole build, `built` its digests, `seconds` what it took."""
    texts = {key: _text(runs.source, key, source) for key, source in wanted.items()}
    findings = tokens.search(
        {
            key: (runs.source / key).read_bytes()
            for key in wanted
            if tokens.is_searched(key) and (runs.source / key).exists()
        }
    )
    pages: tuple[Page, ...] = ()
    owners = Owners(())
    base = 0.0
    try:
        begun = time.monotonic()
        pages = runs.page_index()
        base = time.monotonic() - begun
        owners = Owners(pages)
        refusal = graphs.refuse(pages, owners.collisions & built.keys(), findings) or _proof(
            runs, pages, owners, built, _weights(output, pages, owners, built)
        )
    except (HugoFailed, index.Unusable) as error:
        refusal = str(error)
    prefix = urlsplit(runs.settings.base_url or "").path.rstrip("/")
    return Graph(
        sources=texts,
        recipe=recipe,
        pages=pages,
        links={} if refusal else _links(output, owners, prefix, built),
        weights=_weights(output, pages, owners, built),
        findings=findings,
        seconds=seconds,
        refusal=refusal,
        base=base,
    )


def _text(folder: Path, key: str, source: Source) -> graphs.Text:
    return graphs.text_of(source, (folder / key).read_bytes() if stubs.is_text(key) else None)


def _proof(
    runs: Runs, pages: Iterable[Page], owners: Owners, built: Mapping[str, str], weights: Mapping[str, int]
) -> str:
    chosen: dict[tuple[str, ...], str] = {}
    for page in sorted(pages, key=lambda page: (weights[page.path], page.path)):
        if page.kind != "home" and 0 < weights[page.path] <= MAX_PROOF_BYTES:
            chosen.setdefault((*page.group, page.path.split("/")[1]), page.path)
    paths = frozenset(list(chosen.values())[:_PROOF])
    output, _ = runs.render(paths)
    for path, digest in digests(output).items():
        if owners.of(path) and built.get(path) != digest:
            return f"hugo does not make {path} the same way twice"
    return ""


def _weights(output: Path, pages: Iterable[Page], owners: Owners, built: Iterable[str]) -> dict[str, int]:
    weights = {page.path: 0 for page in pages}
    for path in built:
        owner = owners.of(path)
        if owner is not None:
            weights[owner] += (output / path).stat().st_size
    return weights


def _links(output: Path, owners: Owners, prefix: str, built: Iterable[str]) -> dict[str, tuple[graphs.Linkers, ...]]:
    linking: dict[str, tuple[str, frozenset[str]]] = {}
    known = Links(owners.exact, prefix)
    for path in built:
        owner, group = owners.of(path), owners.group_of(path)
        file = output / path
        if owner is None or group is None or not path.endswith(LINKING_SUFFIXES):
            continue
        if file.stat().st_size <= MAX_SCANNED_BYTES:
            linking[f"{owner}|{path}"] = (group, known.of(file.read_bytes(), path))
    return graphs.group_linkers(linking)
