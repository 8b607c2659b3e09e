"""The rules of partial rendering, as tables of cases."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lambent.cli import site_reach
from sitebuilder.partial import (
    checks,
    classification,
    costs,
    fast,
    front_matter,
    ledger,
    pack,
    page_index,
    reach,
    segments,
    stubs,
    tokens,
)
from sitebuilder.partial import graph as graphs
from sitebuilder.partial.checks import Again, Passed, Refused
from sitebuilder.partial.classification import Partial, Whole
from sitebuilder.partial.graph import Graph, Linkers, Owners, Text
from sitebuilder.partial.ledger import Settlement
from sitebuilder.partial.links import Links
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.reach import Reach, Sampled
from sitebuilder.partial.tokens import Findings
from sitebuilder.sources import Source


@pytest.mark.parametrize(
    ("content", "front", "fields"),
    [
        (b"---\ntitle: a\n---\nbody", b"---\ntitle: a\n---\n", {"title": "a"}),
        (b"\xef\xbb\xbf---\r\ntitle: a\r\n---\r\nbody", b"\xef\xbb\xbf---\r\ntitle: a\r\n---\r\n", {"title": "a"}),
        (
            b"\n\n--- \nTitle: a\ntags:\n- b\n---",
            b"\n\n--- \nTitle: a\ntags:\n- b\n---",
            {"title": "a", "tags": "\n- b"},
        ),
        (b"---\n---\nbody", b"---\n---\n", {}),
        (b'+++\ntitle = "a"\n+++\nbody', b'+++\ntitle = "a"\n+++\n', {"title": "'a'"}),
        (b'{"title": "}", "n": {"m": 1}}\nbody', b'{"title": "}", "n": {"m": 1}}', {"title": "'}'", "n": "{'m': 1}"}),
        (b"only text", b"", {}),
        (b"", b"", {}),
        (b"---\nbase: &b 1\n---\n", b"---\nbase: &b 1\n---\n", None),
        (b"---\n? a\n---\n", b"---\n? a\n---\n", None),
    ],
)
def test_front_matter(content: bytes, front: bytes, fields: dict[str, str] | None) -> None:
    found = front_matter.split(content)
    assert found is not None
    assert (found.front, found.body, found.fields) == (front, content[len(front) :], fields)


@pytest.mark.parametrize(
    "content", [b"---\ntitle: a\n", b"+++\n+", b"{broken", b"# a heading", b"- a list", b"{{< x >}}"]
)
def test_what_hugo_may_read_differently_is_left_to_it(content: bytes) -> None:
    assert front_matter.split(content) is None
    assert stubs.stub(content) is None


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ("title: a", "title: b", True),
        ("title: a", "title: a\ndraft: true", False),
        ("menu: main\ntitle: a", "menu: foot\ntitle: a", False),
        ("cascade:\n  x: 1", "cascade:\n  x: 2", False),
        ("URL: /a/", "URL: /b/", False),
    ],
)
def test_sensitive_fields(one: str, other: str, is_equal: bool) -> None:
    splits = [front_matter.split(f"---\n{text}\n---\n".encode()) for text in (one, other)]
    assert splits[0] is not None
    assert splits[1] is not None
    assert (splits[0].sensitive == splits[1].sensitive) is is_equal


@pytest.mark.parametrize(
    "front",
    [
        "title: a *great* day",
        'title: "*great*, *really*"',
        "title: '*great*, it''s'",
        'tags: ["*a*", b]',
        'cover: {"alt": "a [*picture*]"}',
        "links:\n  - '*a*'",
        "title: R&D",
        'title: "a" *b',
    ],
)
def test_emphasis_in_front_matter_is_no_alias(front: str) -> None:
    found = front_matter.split(f"---\n{front}\n---\n".encode())
    assert found is not None
    assert found.fields is not None


@pytest.mark.parametrize(
    "front",
    [
        "tags: &t [a]",
        "tags: *t",
        "tags: [*t]",
        "tags:\n  - *t",
        "tags:\n  *t",
        "tags: !!seq &t [a]",
        "cover: {alt: *t}",
        'title: "a"\ntags: *t',
        "title: Don't\ntags: &t [a]\ndescription: you can't",
        "tags: [a-'b, *t, c']",
        '"tags": *t',
        "<<: *t",
    ],
)
def test_what_refers_to_another_field_is_left_to_hugo(front: str) -> None:
    found = front_matter.split(f"---\n{front}\n---\n".encode())
    assert found is not None
    assert found.fields is None


def test_stubs() -> None:
    assert stubs.stub(b"---\ntitle: a\n---\nsecret") == b"---\ntitle: a\n---\n" + stubs.CALL
    assert not (stubs.stub(b"text") or b"").lstrip().startswith(b"{")
    assert (stubs.stub("+++\n+++\n漢".encode()) or b"").decode().endswith("字\n")
    assert stubs.stub(b"---\n---\n\xff") is None
    warnings = ["LAMBENT-TRAP|/w/content/a.md|", "other"]
    assert stubs.sprung(warnings) == {"/w/content/a.md"}


@pytest.mark.parametrize(
    ("key", "text", "partial", "stubbed"),
    [
        ("layouts/a.html", "{{ .Title }} now", True, True),
        ("layouts/a.html", "{{ now }}", False, False),
        ("layouts/a.html", "{{ if gt .Date now }}", False, False),
        ("layouts/a.html", '{{ now.Format "2006-01-02 15:04" }}', False, False),
        ("layouts/a.html", '{{ now.Year }}{{ now.Format "2006" }}{{ (now).Year }}', True, True),
        ("layouts/a.html", '{{ dateFormat "Jan 2, 2006" now }}{{ now | time.Format "2006" }}', True, True),
        ("layouts/a.html", "{{/* as of now, {{ site.Store }} */}}{{- /* shuffle */ -}}", True, True),
        ("layouts/a.html", '{{ i18n "read now" }}', True, True),
        ("layouts/a.html", '{{ with resources.GetRemote "u" }}', True, True),
        ("layouts/a.html", "{{ range shuffle .Pages }}", False, False),
        ("layouts/a.html", "{{ with (templates.Defer (dict)) }}", False, False),
        ("layouts/a.html", '{{ site.Store.Set "a" 1 }}', False, False),
        ("layouts/a.html", '{{ (site.GetPage "/").Store.Get "a" }}', False, False),
        ("layouts/a.html", '{{ .Parent.Store.Add "a" 1 }}', False, False),
        ("layouts/a.html", '{{ js.Batch "a" }}', False, False),
        ("layouts/a.html", '{{ .Store.Set "a" 1 }}', True, True),
        ("layouts/a.html", '{{ .Page.Store.Set "a" 1 }}', True, True),
        ("layouts/a.html", "{{ .RawContent }}", True, False),
        ("layouts/a.html", '{{ .HasShortcode "x" }}', True, False),
        ("layouts/a.html", '{{ readFile "content/a.md" }}', True, False),
        ("assets/a.css", "{{ now }}", False, False),
        ("hugo.toml", "[build]\nwriteStats = true", False, False),
        ("hugo.toml", "[build.buildStats]\nenable = true", False, False),
    ],
)
def test_tokens(key: str, text: str, partial: bool, stubbed: bool) -> None:
    assert tokens.is_searched(key)
    found = tokens.search({key: text.encode()})
    assert (found.may_be_partial, found.may_be_stubbed) == (partial, stubbed)


def test_segments_name_paths_and_nothing_else() -> None:
    document = json.loads(segments.configuration(["/b", "/tags/x{y}*[1]?"]))
    assert document == {"segments": {"lambent": {"includes": [{"path": ["/b", r"/tags/x\{y\}\*\[1\]\?"]}]}}}


@pytest.mark.parametrize(
    ("content", "output", "expected"),
    [
        (b'<a href="/a/">', "index.html", {"/a"}),
        (b"<a href=/a/>", "index.html", {"/a"}),
        (b'<a href="http://t.test/a/#x">', "index.html", {"/a"}),
        (b'<a href="../a/?q">', "b/index.html", {"/a"}),
        (b"<link>http://t.test/a/</link>", "index.xml", {"/a"}),
        (b'{"permalink": "http:\\/\\/t.test\\/a\\/"}', "index.json", {"/a"}),
        (b'<a href="/sub/a/">', "index.html", {"/a"}),
        (b'<a href="/%C3%BC/">', "index.html", {"/\u00fc"}),
        (b'<a href="mailto:a">', "index.html", set()),
        (b'<a href="http://[bad">', "index.html", set()),
    ],
)
def test_links(content: bytes, output: str, expected: set[str]) -> None:
    pages = {"a/index.html": "/a", "\u00fc/index.html": "/\u00fc"}
    assert Links(pages, "/sub").of(content, output) == expected


def page(path: str, *, kind: str = "page", of: str = "posts", terms: tuple[str, ...] = (), source: str = "") -> Page:
    output = f"{path.strip('/')}/index.html".lstrip("/")
    return Page(path, "en", kind, of, "", source, (output,), terms, terms, ("/",), ())


def a_graph(pages: tuple[Page, ...], **more: object) -> Graph:
    values: dict[str, object] = {
        "sources": {p.source: Text("1", 1.0, "f", "s") for p in pages if p.source} | {"hugo.toml": Text("1", 1.0)},
        "recipe": "r",
        "pages": pages,
        "links": {},
        "weights": {p.path: 10 for p in pages},
        "findings": Findings(),
        "seconds": 9.0,
    }
    return Graph(**(values | more))  # type: ignore[arg-type]


POSTS = tuple(page(f"/posts/{n}", source=f"content/posts/{n}.md", terms=(f"/tags/{n % 3}",)) for n in range(20))
SITE = (
    page("/", kind="home", of="page"),
    page("/posts", kind="section"),
    *(page(f"/tags/{n}", kind="term", of="tags") for n in range(3)),
    page("/about", of="page", source="content/about.md"),
    *POSTS,
)
BODY = Partial(frozenset({"content/posts/4.md"}), body_only=True)
FIELDS = Partial(frozenset({"content/posts/4.md"}), body_only=False)


def wanted(**changes: str | None) -> dict[str, Source]:
    now: dict[str, Source] = {key: Source("1", 1.0) for key in a_graph(SITE).sources}
    for key, etag in changes.items():
        if etag is None:
            del now[key]
        else:
            now[key] = Source(etag, 1.0)
    return now


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"content/posts/4.md": "2"}, None),
        ({"content/posts/new.md": "2"}, None),
        ({}, "nothing changed"),
        ({"content/posts/4.md": None}, "content/posts/4.md was removed"),
        ({"hugo.toml": "2"}, "hugo.toml is not a page"),
        ({"content/posts/a.png": "2"}, "content/posts/a.png is not a page"),
        ({f"content/n{n}.md": "2" for n in range(51)}, "51 sources changed"),
    ],
)
def test_changes_for_a_whole_build_at_once(changes: dict[str, str | None], why: str | None) -> None:
    now = wanted(**changes)
    found = classification.of_change(now, classification.changed_keys(a_graph(SITE), now))
    assert (found and found.why) == why


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("content/posts/4.md", Text("2", 1.0, "f", "s"), Partial(frozenset({"content/posts/4.md"}), body_only=True)),
        ("content/posts/4.md", Text("2", 1.0, "g", "s"), Partial(frozenset({"content/posts/4.md"}), body_only=False)),
        ("content/posts/4.md", Text("2", 1.0, "g", "t"), Whole),
        ("content/posts/4.md", Text("2", 1.0), Whole),
        (
            "content/posts/new.md",
            Text("2", 1.0, "g", "t"),
            Partial(frozenset({"content/posts/new.md"}), body_only=False),
        ),
    ],
)
def test_texts(key: str, text: Text, expected: object) -> None:
    found = classification.of_texts(a_graph(SITE), {key: text})
    assert found == expected if isinstance(expected, Partial) else isinstance(found, Whole)


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (None, "nothing is known"),
        (a_graph(SITE, recipe="other"), "the function or its settings"),
        (a_graph(SITE, seconds=1.0), "whole builds are quick"),
        (a_graph(SITE, refusal="no"), "no"),
    ],
)
def test_sites_that_are_always_built_whole(graph: Graph | None, why: str) -> None:
    found = classification.of_site(graph, "r", threshold=1.0)
    assert found is not None
    assert found.why.startswith(why)
    assert classification.of_site(a_graph(SITE), "r", threshold=1.0) is None


def test_a_page_that_is_gone_or_has_moved_needs_a_whole_build() -> None:
    moved = Page("/about", "en", "page", "page", "", "content/about.md", ("elsewhere/index.html",), (), (), ("/",), ())
    assert isinstance(classification.of_pages(a_graph(SITE), SITE[:-1]), Whole)
    assert isinstance(classification.of_pages(a_graph(SITE), (*(p for p in SITE if p.path != "/about"), moved)), Whole)
    assert classification.of_pages(a_graph(SITE), (*SITE, page("/posts/new"))) is None


@pytest.mark.parametrize(
    "terms", [("tags/c", "tags/c++", "tags/c#"), ("tags/.net", "tags/net"), ("tags/go", "topics/Go")]
)
def test_different_terms_are_no_spellings_of_one(terms: tuple[str, ...]) -> None:
    assert graphs.refuse((page("/a", terms=terms),), (), Findings()) == ""


def test_each_language_spells_its_own_terms() -> None:
    english, german = page("/a", terms=("tags/Go",)), page("/a", terms=("tags/go",))
    assert graphs.refuse((english, replace(german, lang="de")), (), Findings()) == ""


def test_a_term_spelt_in_two_ways_forbids_partial_builds() -> None:
    two = (page("/a", terms=("tags/DevOps",)), page("/b", terms=("tags/devops",)))
    assert "spelt" in graphs.refuse(two, (), Findings())
    assert "spelt" in graphs.refuse((page("/a", terms=("tags/web dev", "tags/Web-Dev")),), (), Findings())
    assert graphs.refuse(two[:1], (), Findings()) == ""
    assert "do not come out alike" in graphs.refuse(two[:1], (), Findings(fluid=("layouts/a.html: shuffle",)))
    assert "one address" in graphs.refuse((), {"a/index.html"}, Findings())


def test_reach_of_a_body() -> None:
    linkers = (Linkers(("/posts/1", "/posts/2")), Linkers(tuple(p.path for p in POSTS[5:17])))
    found = reach.find(a_graph(SITE, links={"/posts/4": linkers}), SITE, BODY)
    assert {"/posts/4", "/posts/1", "/posts/2", "/tags/1", "/"} <= found.pages
    assert [len(group.samples) for group in found.sampled] == [reach.SAMPLES]
    assert not found.canaries & (found.pages | set(linkers[1].paths))


def test_canaries_are_of_the_edited_page_s_language() -> None:
    french = tuple(replace(p, lang="fr", source=p.source.replace(".md", ".fr.md")) for p in SITE)
    english_only = (*(page(f"/tags/a{n}", kind="term", of="tags") for n in range(3)), page("/a", of="page"))
    graph = a_graph((*SITE, *french, *english_only))
    english, edited = BODY, Partial(frozenset({"content/posts/4.fr.md"}), body_only=True)
    assert {"/tags/0", "/about"} <= reach.find(graph, graph.pages, edited).canaries
    assert {"/tags/0", "/a"} <= reach.find(graph, graph.pages, english).canaries
    both = Partial(english.changed | edited.changed, body_only=True)
    assert {"/a", "/about"} <= reach.find(graph, graph.pages, both).canaries


def test_reach_leaves_what_is_too_heavy_to_the_whole_build() -> None:
    heavy = {**{p.path: 10 for p in SITE}, "/": 50_000_000}
    found = reach.find(a_graph(SITE, weights=heavy), SITE, BODY)
    assert "/" in found.left
    assert "/" not in found.rendered


def test_reach_follows_terms_and_rules_learned() -> None:
    found = reach.find(a_graph(SITE), SITE, FIELDS, [reach.rule("fields|posts", SITE[5])])
    assert "/about" in found.pages
    assert {p.path for p in POSTS if p.terms == ("/tags/1",)} <= found.pages


def test_widening() -> None:
    group = Sampled(frozenset({"/a"}), frozenset({"/b"}), is_complete=True)
    one = Reach(frozenset({"/x"}), (group,), frozenset({"/c"}))
    wider = reach.widen(one, [group])
    assert wider is not None
    assert (wider.pages, wider.sampled) == (frozenset({"/x", "/a", "/b"}), ())
    assert reach.widen(one, [Sampled(frozenset({"/a"}), frozenset(), is_complete=False)]) is None


PUBLISHED = {output: "old" for p in SITE for output in p.outputs} | {"a.css": "old"}
GROUP = Sampled(frozenset({"/posts/1"}), frozenset({"/posts/2"}), is_complete=True)
CHOSEN = Reach(frozenset({"/posts/4"}), (GROUP,), frozenset({"/about"}))
MADE = {"posts/4/index.html": "new", "posts/1/index.html": "old", "about/index.html": "old", "a.css": "old"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (MADE, Passed({"posts/4/index.html": "new"})),
        (MADE | {"about/index.html": "new"}, Refused("/about changed, which has nothing to do with the edit")),
        (MADE | {"posts/1/index.html": "new"}, Again((GROUP,))),
        ({"about/index.html": "old", "posts/1/index.html": "old"}, Refused("posts/4/index.html was not made again")),
        (MADE | {"old/index.html": "alias"}, Passed({"posts/4/index.html": "new"})),
        (MADE | {"b.css": "new"}, Passed({"posts/4/index.html": "new", "b.css": "new"})),
        (MADE | {"a.css": "a theme's"}, Passed({"posts/4/index.html": "new"})),
    ],
)
def test_judgement(made: dict[str, str], expected: object) -> None:
    assert checks.judge(CHOSEN, SITE, SITE, made, PUBLISHED) == expected


@pytest.mark.parametrize(
    ("output", "owner"),
    [
        ("posts/4/index.html", "/posts/4"),
        ("posts/page/3/index.html", "/posts"),
        ("page/2/index.html", "/"),
        ("index.xml", "/"),
        ("main.css", None),
        ("sitemap.xml", None),
    ],
)
def test_owners(output: str, owner: str | None) -> None:
    assert Owners(SITE).of(output) == owner


def test_encodings_have_an_inverse() -> None:
    graph = a_graph(SITE, links={"/about": (Linkers(("/posts/1",), is_complete=False),)})
    assert graphs.decode(graphs.encode(graph)) == graph
    assert graphs.decode(b"nothing") is None
    assert graphs.VERSION == site_reach.VERSION, "`lambent site explain` reads it, too"
    account = ledger.Ledger(1.0, "f", {"a": "1"}, ("body|posts",), ("/",))
    assert ledger.decode(ledger.encode(account)) == account
    before = {"since": 1.0, "built_from": "f", "published": {"a": "1"}, "edits": [["body", "posts"]]}
    assert ledger.decode(json.dumps(before).encode()) == ledger.Ledger(1.0, "f", {"a": "1"})


def test_the_account_is_settled_by_the_whole_build() -> None:
    account = ledger.Ledger(1.0, "f", {"posts/4/index.html": "new"}, ("body|posts",), ("/posts",))
    now = PUBLISHED | {"posts/4/index.html": "new"}
    built = now | {"about/index.html": "new", "posts/page/2/index.html": "new", "sitemap.xml": "new", "a.css": "new"}
    settled = ledger.settle(account, SITE, built, now, "f")
    assert settled == Settlement(
        misses=("about/index.html",),
        deferred=("a.css", "posts/page/2/index.html", "sitemap.xml"),
        rules=("body|posts|page|page|",),
    )
    wrong = ledger.settle(account, SITE, built | {"posts/4/index.html": "other"}, now, "f")
    assert wrong is not None
    assert wrong.wrong == ("posts/4/index.html",)
    assert ledger.settle(account, SITE, built, now, "later sources") is None


@pytest.mark.parametrize(
    ("rendered", "with_index", "pace", "expected"),
    [
        ((), False, 1.0, 1.0),
        (("/about",), False, 1.0, 1.0 + 8.0 / len(SITE)),
        ((), True, 1.0, 2.0),
        (tuple(p.path for p in SITE), False, 1.0, 9.0),
        ((), False, 2.0, 2.0),
    ],
)
def test_what_a_partial_build_costs(rendered: tuple[str, ...], with_index: bool, pace: float, expected: float) -> None:
    graph = a_graph(SITE, base=1.0)
    assert costs.expected(graph, rendered, with_index=with_index, pace=pace) == pytest.approx(expected)


def test_what_partial_builds_took_corrects_the_next_guess() -> None:
    pace = 1.0
    for _ in range(20):
        pace = costs.paced(pace, expected=pace * 1.0, taken=2.0)
    assert pace == pytest.approx(2.0, rel=0.01)
    assert costs.paced(1.0, expected=1.0, taken=1000.0) == 4.0
    assert costs.paced(1.0, expected=0.0, taken=1.0) == 1.0
    for _ in range(20):
        pace = costs.relaxed(pace)
    assert pace == pytest.approx(1.0, abs=0.05)


def test_what_saves_too_little_is_built_whole_at_once() -> None:
    class Never:
        def page_index(self) -> tuple[Page, ...]:
            raise AssertionError

        def render_pages(self, paths: frozenset[str]) -> Path:
            raise AssertionError(paths)

    graph, key = a_graph(SITE, base=5.0), "content/posts/4.md"
    front = b"---\ntitle: a\n---\n"
    same = replace(graph, sources={**graph.sources, key: graphs.text_of(Source("1", 1.0), front)})
    found = fast.build(same, wanted(**{key: "2"}), {key: front + b"more"}, Never(), PUBLISHED)
    assert isinstance(found, Whole)
    assert "pages would take about" in found.why
    assert "of 9.0 s" in found.why


@pytest.mark.parametrize(
    ("since", "now", "seconds", "due"),
    [(0, 100, 60, 130), (90, 100, 6, 130), (90, 100, 2, 110), (0.1, 290, 60, 300.1), (1, 400, 2, 400)],
)
def test_the_whole_build_waits_for_quiet(since: float, now: float, seconds: float, due: float) -> None:
    assert ledger.due(ledger.Ledger(since=since or now), now, seconds=seconds) == due


def test_a_pack_is_read_in_parts() -> None:
    contents = {f"content/{n}.md": f"---\ntitle: {n}\n---\ntext {n}".encode() for n in range(40)}
    contents |= {"layouts/a.html": b"x", "content/a.png": b"\xff\x00", "content/odd.md": b"# heading"}
    packed = pack.encode({key: Source("e", 1.0) for key in contents}, contents)
    end = pack.prefix_end(packed[: pack.HEAD_BYTES])
    prefix = pack.decode_prefix(packed[:end])
    assert prefix.entries.keys() == contents.keys()
    for key, entry in prefix.entries.items():
        if entry.place is None:
            assert entry.content == contents[key]
        else:
            first, last = prefix.frames[entry.place.frame]
            assert entry.content == stubs.stub(contents[key])
            assert pack.text_in(packed[first:last], entry.place) == contents[key]
    assert pack.prefix_end(b"something else") == -1


def test_published_paths() -> None:
    assert page_index.published_path("/sub/%C3%BC/", "/sub") == "\u00fc/index.html"
    assert page_index.published_path("/a.html", "") == "a.html"
    assert page_index.published_path("/", "") == "index.html"
    lines = "\n".join(json.dumps({"base": base}) for base in ("http://a/", "http://b/"))
    with pytest.raises(page_index.Unusable):
        page_index.read(lines, "/w")
