"""Which operation does a REST request address? Method, path, query and headers -> name and path labels.

All routes of a service become one tree over path segments: literals first, then a label (`{FunctionName}`), then a
greedy label (`{Key+}`, the rest of the path, slashes included). A leaf holds, per method, the operations told apart
by what a request must carry: constant query parts (`?uploads`, `?list-type=2`), required query parameters
(`uploadId`) and required headers (`x-amz-copy-source`). The most demanding one that is satisfied wins, so
UploadPartCopy comes before UploadPart before PutObject. Operations we do not serve are in the tree as well:
`GET /bucket?cors` must never be answered as a listing.

Segments are split before percent-decoding, so an escaped slash stays inside its label.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from urllib.parse import unquote_to_bytes

from lambent.kit.frozen import frozen, mutable
from lambent.wire.errors import InvalidURI
from lambent.wire.model import Route

Query = Mapping[str, Sequence[str]]

#: S3 refuses longer request lines with 400; every other REST service's templates are far shorter.
MAX_SEGMENTS = 2_048
MAX_QUERY_PARAMETERS = 1_024


@frozen
class Match:
    operation: str
    labels: dict[str, str]


@frozen
class _Candidate:
    operation: str
    constants: tuple[tuple[str, str | None], ...]
    """Query keys that must be there, with this value unless None."""
    headers: tuple[str, ...]
    rank: tuple[int, bool, bool]

    def accepts(self, query: Query, headers: Mapping[str, str]) -> bool:
        for key, value in self.constants:
            if key not in query or (value is not None and value not in query[key]):
                return False
        return all(name in headers for name in self.headers)


@mutable
class _Leaf:
    plain: str | None = None
    """The operation of a request that carries nothing special."""
    candidates: list[_Candidate] = field(default_factory=list)
    telling: frozenset[str] = frozenset()
    """Query keys and headers that make a request special."""
    telling_headers: tuple[str, ...] = ()


@mutable
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    methods: dict[str, _Leaf] = field(default_factory=dict)
    label_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Operation -> names of its labels, from left to right."""


class UriTable:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)
        _settle(self._root)

    def match(self, method: str, path: str, query: Query, headers: Mapping[str, str]) -> Match | None:
        """`path` raw, `query` as from `parse_query`, `headers` by lower-case names. Raises InvalidURI."""
        segments = path[1:].split("/") if path.count("/") <= MAX_SEGMENTS else None
        if segments is None:
            raise InvalidURI("Couldn't parse the specified URI.")
        found = _walk(self._root, segments, 0, [])
        if found is None:
            return None
        node, raw_labels = found
        leaf = node.methods.get(method)
        if leaf is None:
            return None
        name = _choose(leaf, query, headers)
        if name is None:
            return None
        return Match(name, {label: _decode(raw) for label, raw in zip(node.label_names[name], raw_labels, strict=True)})

    def _add(self, route: Route) -> None:
        path, _, constant = route.uri.partition("?")
        node, names = self._root, []
        for segment in path[1:].split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}").rstrip("+"))
                node = _greedy_child(node) if segment.endswith("+}") else _label_child(node)
            else:
                node = node.literals.setdefault(segment, _Node())
        node.label_names[route.operation] = tuple(names)
        constants = [(key, value if equals else None) for key, equals, value in _split_pairs(constant)]
        constants += [(key, None) for key in route.required_query if key not in dict(constants)]
        node.methods.setdefault(route.method, _Leaf()).candidates.append(
            _Candidate(
                operation=route.operation,
                constants=tuple(constants),
                headers=route.required_headers,
                rank=(len(constants) + len(route.required_headers), not route.is_deprecated, route.is_served),
            )
        )


def _label_child(node: _Node) -> _Node:
    node.label = node.label or _Node()
    return node.label


def _greedy_child(node: _Node) -> _Node:
    node.greedy = node.greedy or _Node()
    return node.greedy


def _settle(node: _Node) -> None:
    """Sort each leaf's candidates, the most demanding first, and work out what makes a request special."""
    for leaf in node.methods.values():
        leaf.candidates.sort(key=lambda candidate: candidate.rank, reverse=True)
        leaf.telling = frozenset(key for one in leaf.candidates for key, _ in one.constants)
        leaf.telling_headers = tuple({name for one in leaf.candidates for name in one.headers})
        leaf.plain = next((one.operation for one in leaf.candidates if not one.constants and not one.headers), None)
    for child in (*node.literals.values(), node.label, node.greedy):
        if child is not None:
            _settle(child)


def _walk(node: _Node, segments: list[str], at: int, labels: list[str]) -> tuple[_Node, list[str]] | None:
    if at == len(segments):
        return (node, labels) if node.methods else None
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None and (found := _walk(literal, segments, at + 1, labels)):
        return found
    if node.greedy is not None and (at + 1 < len(segments) or segment):
        return node.greedy, [*labels, "/".join(segments[at:])]
    if node.label is not None and segment:
        return _walk(node.label, segments, at + 1, [*labels, segment])
    # A trailing slash says nothing: `/bucket/`, `/2015-03-31/functions/` (older SDKs send it).
    return (node, labels) if node.methods and not segment and at + 1 == len(segments) else None


def _choose(leaf: _Leaf, query: Query, headers: Mapping[str, str]) -> str | None:
    if leaf.telling.isdisjoint(query) and not any(name in headers for name in leaf.telling_headers):
        return leaf.plain
    for candidate in leaf.candidates:
        if candidate.accepts(query, headers):
            return candidate.operation
    return None


def _decode(raw: str) -> str:
    if "%" not in raw and raw.isascii():
        return raw
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise InvalidURI("Couldn't parse the specified URI.") from error


def parse_query(query: str, limit: int = MAX_QUERY_PARAMETERS) -> dict[str, list[str]]:
    """Decoded keys and values, in order; a key without `=` has the value "". Raises InvalidURI."""
    if not query:
        return {}
    if query.count("&") >= limit:
        raise InvalidURI("Couldn't parse the specified URI.")
    parsed: dict[str, list[str]] = {}
    for key, _, value in _split_pairs(query):
        parsed.setdefault(_decode(key.replace("+", " ")), []).append(_decode(value.replace("+", " ")))
    return parsed


def _split_pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&") if pair]
