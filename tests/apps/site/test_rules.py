"""The small rules: which static files pass hugo by, packs, redirects, due dates, spellings, needs, heads, manifests."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitebuilder import (
    events,
    heads,
    history,
    lint,
    manifests,
    needs,
    outputs,
    packs,
    report,
    spellings,
    statics,
    timetable,
)
from sitebuilder import turns as turn_rules
from sitebuilder.events import Build, Rollback, UnknownAction
from sitebuilder.heads import Head, Release
from sitebuilder.manifests import Output
from sitebuilder.packs import Packed
from sitebuilder.sources import Source
from sitebuilder.spellings import Vocabulary


@pytest.mark.parametrize(
    ("case", "texts", "keys", "variables", "expected"),
    [
        (
            "nothing special",
            {"hugo.toml": 'title = "a"\nbaseURL = "b"', "layouts/a.html": "{{ .Title }}"},
            [],
            [],
            True,
        ),
        ("mounts", {"hugo.toml": "[[module.mounts]]"}, [], [], False),
        ("a theme's mounts", {"themes/t/hugo.toml": "[[module.mounts]]"}, [], [], False),
        ("static folders", {"config/_default/hugo.yaml": "staticDir1: x"}, [], [], False),
        ("languages with hosts", {"hugo.toml": 'baseURL = "a"\n[languages.en]\nbaseURL = "b"'}, [], [], False),
        ("a template that reads", {"layouts/a.html": '{{ os.Stat "static/a" }}'}, [], [], False),
        ("a theme's template that reads", {"themes/t/layouts/a.html": "{{ readFile .Params.x }}"}, [], [], False),
        ("modules", {}, ["go.mod"], [], False),
        ("vendored modules", {}, ["_vendor/modules.txt"], [], False),
        ("a variable", {}, [], ["HUGO_STATICDIR"], False),
        ("another variable", {}, [], ["HUGO_PARAMS_A"], True),
    ],
)
def test_may_static_files_be_copied(
    case: str, texts: dict[str, str], keys: list[str], variables: list[str], expected: bool
) -> None:
    assert statics.may_be_copied(texts, keys, variables) is expected, case


def test_the_site_s_own_static_file_goes_before_a_theme_s_and_the_first_theme_before_the_second() -> None:
    keys = [
        "themes/b/static/x",
        "static/y/z",
        "themes/a/static/x",
        "themes/b/static/y/z",
        "themes/c/static/c",
        "content/d",
    ]
    assert statics.targets(keys, ["a", "b"]) == {"x": "themes/a/static/x", "y/z": "static/y/z"}


_files = st.dictionaries(st.text(min_size=1), st.builds(Packed, st.text(), st.binary()))


@given(_files)
def test_packing_has_an_inverse(files: dict[str, Packed]) -> None:
    assert packs.decode(packs.encode(files)) == files


@given(st.data())
def test_a_damaged_pack_is_none(data: st.DataObject) -> None:
    pack = packs.encode({"a": Packed("e", b"content"), "b": Packed("f", b"more")})
    at = data.draw(st.integers(0, len(pack) - 1))
    assert packs.decode(pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :]) == {}
    assert packs.decode(pack[:at]) == {}


def test_only_small_sources_are_packed_and_a_pack_gets_stale() -> None:
    few = {str(number): Source("e", 0, 10) for number in range(20)}
    assert packs.packable({**few, "large": Source("e", 0, packs.MAX_FILE_BYTES + 1)}) == sorted(few)
    packed = dict.fromkeys(few, "e")
    assert not packs.is_stale(packed, few)
    assert packs.is_stale(None, few)
    assert not packs.is_stale(None, {"a": Source("e", 0, 1)}), "not worth one"
    assert not packs.is_stale({**packed, "0": "old"}, few)
    assert packs.is_stale(dict.fromkeys(few, "old"), few)


ALIAS = (
    '<!DOCTYPE html>\n<html lang="en">\n\t<head>\n\t\t<title>{0}</title>\n\t\t<link rel="canonical" href="{0}">\n'
    '\t\t<meta charset="utf-8">\n\t\t<meta http-equiv="refresh" content="0; url={0}">\n\t</head>\n</html>\n'
)
MINIFIED = (
    "<!doctype html><html lang=en><head><title>{0}</title><link rel=canonical href={0}><meta charset=utf-8>"
    '<meta http-equiv=refresh content="0; url={0}"></head></html>'
)


@pytest.mark.parametrize("template", [ALIAS, MINIFIED])
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://x.test/a/", "/a/"),
        ("http://x.test/a/?b&amp;c#d", "/a/?b&c#d"),
        ("/a/", "/a/"),
        ("http://x.test/%C3%B6/", "/%C3%B6/"),
        ("http://x.test/elsewhere/", None),
        ("../a/", None),
    ],
)
def test_redirects(template: str, target: str, expected: str | None) -> None:
    page = template.replace("{0}", target).encode()
    assert outputs.redirect(page, ours=lambda path: path in ("/a/", "/ö/")) == expected


def test_a_page_of_one_s_own_is_no_redirect() -> None:
    page = ALIAS.replace("</head>", "</head><body>Moved.</body>").replace("{0}", "/a/")
    assert outputs.redirect(page.encode(), ours=lambda _: True) is None


def test_the_next_change_of_a_site() -> None:
    listing = (
        "path,slug,title,date,expiryDate,publishDate,draft,permalink,kind,section\n"
        'a.md,,"A, with a comma",x,0001-01-01T00:00:00Z,2030-01-01T00:00:00.5Z,false,u,page,\n'
        "b.md,,B,x,2029-01-01T00:00:00+02:00,2020-01-01T00:00:00Z,false,u,page,\n"
        "c.md,,C,x,0001-01-01T00:00:00Z,2025-01-01T00:00:00Z,true,u,page,\n"
    )
    first = timetable.next_change(listing, now=1_700_000_000)
    assert first is not None
    assert timetable.expression(first) == "at(2028-12-31T22:00:00)"
    second = timetable.next_change(listing, now=first)
    assert second is not None
    assert timetable.expression(second) == "at(2030-01-01T00:00:01)", "not before it is due"
    assert timetable.next_change(listing, now=second) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('---\ntags: [a, "B c"]\n---\ntext', (("tags", "a"), ("tags", "B c"))),
        ("---\ntitle: x\ncategories:\n  - a\n  - 'b'\n---\n", (("categories", "a"), ("categories", "b"))),
        ('+++\ntags = ["a"]\n+++\n', (("tags", "a"),)),
        ("---\ntags: one\n---\n", (("tags", "one"),)),
        ("no front matter\ntags: [a]\n", ()),
    ],
)
def test_terms(text: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert spellings.terms(text) == expected


def test_spelling_conflicts() -> None:
    pages = {"a": [("tags", "DevOps")], "b": [("tags", "devops"), ("tags", "x")], "c": [("tags", "x")]}
    (sentence,) = spellings.conflicts(pages, [])
    assert "tags: one term spelt in 2 ways" in sentence
    assert '"DevOps" (a), "devops" (b)' in sentence
    for page in (
        "content/tags/DevOps/_index.md",
        "content/tags/devops/_index.de.md",
        "content/de/tags/devops/_index.md",
    ):
        assert spellings.conflicts(pages, [page]) == ()


def test_languages_share_no_terms() -> None:
    vocabulary = Vocabulary(languages=("de", "pt-br"), folders=("content/fr",))
    pages = {
        "content/a.md": [("tags", "Go")],
        "content/notes.js.md": [("tags", "go")],
        "content/a.de.md": [("tags", "go")],
        "content/a.pt-br.md": [("tags", "GO")],
        "content/fr/a.md": [("tags", "Golang")],
    }
    groups = spellings.by_language(pages, vocabulary)
    assert [sorted(group) for group in groups] == [
        ["content/a.md", "content/notes.js.md"],
        ["content/fr/a.md"],
        ["content/a.de.md"],
        ["content/a.pt-br.md"],
    ]
    assert [len(spellings.conflicts(group, group)) for group in groups] == [1, 0, 0, 0]


def test_terms_of_other_taxonomies() -> None:
    text = "---\ngenres: [Jazz]\ntags: [a]\nGenres: []\n---\n"
    assert spellings.terms(text, ["genres"]) == (("genres", "Jazz"),)
    assert spellings.terms(text, []) == ()


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("Café", "cafe", True),
        ("Web Dev", "web-dev", True),
        ("webdev", "web_dev", True),
        ("tools", "tool", True),
        ("Libraries", "library", True),
        ("classes", "class", True),
        ("glass", "glas", False),
        ("css", "cs", False),
        ("is", "i", False),
        ("go", "rust", False),
    ],
)
def test_terms_that_read_alike(one: str, other: str, is_near: bool) -> None:
    assert (lint.stem(one) == lint.stem(other)) is is_near
    told = lint.advice([{"a.md": [("genres", one)], "b.md": [("genres", other)]}], {})
    assert bool(told) is (is_near and spellings.name(one) != spellings.name(other))
    assert not lint.advice([{"a.md": [("genres", one)]}, {"b.md": [("genres", other)]}], {})


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("layouts/a.html", "<p>\n{{ now.Unix }}", "layouts/a.html:2: now depends on the time"),
        ("layouts/a.html", '{{ now.Year }}{{ dateFormat "2006" now }}', None),
        ("layouts/a.html", '{{ i18n "now" }} now {{ `now` }}', None),
        ("themes/t/layouts/a.html", "{{ range first 3 (shuffle .Pages) }}", "shuffle is different each time"),
        ("layouts/a.html", '{{ .Site.LastChange.Format "2006" }}', ".Site.LastChange changes with every edit"),
        ("layouts/a.html", "{{ with .GitInfo }}{{ .Hash }}{{ end }}", ".GitInfo is empty"),
        ("hugo.toml", "enableGitInfo = true", "enableGitInfo"),
        ("hugo.yaml", "enableGitInfo: false", None),
        ("hugo.toml", "now = 1", None),
    ],
)
def test_templates_that_do_not_come_out_alike(key: str, text: str, told: str | None) -> None:
    found = lint.advice([], {key: text})
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


WANTING = {
    "hugo.toml": "[[module.imports]]",
    "layouts/a.html": '{{ $x | css.TailwindCSS }}{{ resources.GetRemote "u" }}',
}
THEMED = {"hugo.toml": 'theme = "nice"'}
UNSUITED = (
    'WARN Module "nice" is not compatible with this Hugo version: Min 0.900.0 extended; run "hugo mod graph" for more'
)


@pytest.mark.parametrize(
    ("texts", "error", "warning", "told"),
    [
        (WANTING, "failed to load modules: failed to download modules: no go", "", ["hugo.toml imports hugo modules"]),
        (WANTING, 'TAILWINDCSS: failed to transform "/a.css"', "", ["layouts/a.html uses css.TailwindCSS"]),
        (WANTING, "error calling GetRemote: no such host", "", ["layouts/a.html uses resources.GetRemote"]),
        (WANTING, 'the "date" front matter field is not a parsable date', "", []),
        (THEMED, 'failed to load modules: module "nice" not found in "themes/nice"', "", ["themes/nice/ is not among"]),
        (THEMED, 'TOCSS-DART: failed to transform "/a.scss"', "", ["the function has no Dart Sass"]),
        (THEMED, 'function "getJSON" not defined', "", ["if that template is a theme's"]),
        (THEMED, "can't evaluate field GoogleAnalytics in type page.Site", "", ["if that template is a theme's"]),
        (THEMED, "can't evaluate field x in type string", UNSUITED, ["nice asks for hugo 0.900.0 extended"]),
    ],
)
def test_what_a_site_needs_and_has_not(texts: dict[str, str], error: str, warning: str, told: list[str]) -> None:
    found = needs.unmet(texts, (), [error], [warning])
    assert [sentence.startswith(begin) for sentence, begin in zip(found, told, strict=True)] == [True] * len(told)


def test_vendored_modules_are_not_missed() -> None:
    assert not needs.unmet(WANTING, ["_vendor/modules.txt"], ["failed to load modules: broken"])


def test_heads() -> None:
    one, two, three = (Release(number, f"n{number}", 0, f"f{number}") for number in (1, 2, 3))
    begun = heads.intent(Head((one,), settled=True, pinned=True), ("b", "a"))
    assert (begun.settled, begun.unsure, begun.built_from, begun.generation) == (False, ("a", "b"), "", 1)
    head = heads.committed(heads.intent(begun, ("c",)), two, keep=2)
    assert (head.releases, head.settled, head.unsure, head.pinned) == ((one, two), True, (), False)
    head = heads.committed(head, three, keep=2)
    assert (head.releases, head.built_from) == ((two, three), "f3")
    full = replace(begun, due=1.5, volatile=("x",), retired={"y": 2.0}, full_ms=3)
    assert heads.decode(heads.encode(full)) == full
    assert heads.decode(heads.encode(full)[:-1] + b', "of a later version": 1}') == full


def test_manifests() -> None:
    made = {"ü": Output("m", 1, "t", "c", "/r", None, "e"), "x": Output("m", 2, "t", "c", origin="static/x")}
    came_from = {"a": Source("e", 1.5, 3)}
    out, src = manifests.encode_whole(made), manifests.encode_whole(came_from)
    assert manifests.decode(out, Output) == made
    assert manifests.decode(src, Source) == came_from
    assert manifests.name(7, out, src).startswith("000007-")
    assert manifests.name(7, out, src) != manifests.name(7, src, out)


@given(
    whole=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    now=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_differences_of_manifests(whole: dict[str, int], now: dict[str, int]) -> None:
    before, after = ({key: Source(str(n), n) for key, n in each.items()} for each in (whole, now))
    found = manifests.difference("w", before, after)
    read = manifests.decode(manifests.encode_difference(found), Source)
    assert isinstance(read, manifests.Difference)
    assert (read, read.since, read.applied(before)) == (found, "w", after)
    assert found.size == sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())


def test_history() -> None:
    content = None
    for number in range(history.MAX_NOTES + 2):
        content = history.appended(content, {"n": number})
    notes = json.loads(content or b"")
    assert (len(notes), notes[-1]) == (history.MAX_NOTES, {"n": history.MAX_NOTES + 1})
    assert json.loads(history.appended(b"not JSON", {"n": 1})) == [{"n": 1}]


def test_changes_of_sources() -> None:
    before = {"a": Source("1", 1), "b": Source("1", 1), "c": Source("1", 1)}
    after = {"a": Source("1", 2), "b": Source("2", 2), "d": Source("1", 1)}
    assert report.changes(before, after) == ("~b", "-c", "+d")


def test_count_news() -> None:
    wanted = {"a": Source("1", 1), "b": Source("2", 2)}
    assert turn_rules.count_news({}, wanted) == 2
    assert turn_rules.count_news({"a": "1", "b": "1", "c": "1"}, wanted) == 2
    assert turn_rules.count_news({"a": "1", "b": "2"}, wanted) == 0


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"action": "build", "cause": "timer"}, Build(cause="timer")),
        ({"action": "verify"}, Build(cause="verify", from_nothing=True)),
        ({"action": "confirm"}, Build(cause="confirmed", is_confirmed=True)),
        ({"action": "unpin"}, Build(cause="unpinned", unpin=True)),
        ({"action": "rollback", "generation": 3, "site": "w"}, Rollback(3)),
    ],
)
def test_actions(event: dict[str, object], expected: object) -> None:
    assert events.read(event, input_bucket="b") == expected


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(UnknownAction, match="'dance': there are build"):
        events.read({"action": "dance"}, input_bucket="b")


def test_events_of_a_folder() -> None:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "blog/hugo.toml"}}}
    assert isinstance(events.read({"Records": [record]}, input_bucket="b", prefix="docs/"), events.Ignore)
    assert events.read({"Records": [record]}, input_bucket="b", prefix="blog/") == events.Look(
        (events.Change("hugo.toml", ""),)
    )
