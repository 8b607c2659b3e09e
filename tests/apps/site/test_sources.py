"""Which objects are sources, and how a folder comes to hold exactly them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitebuilder import sources
from sitebuilder.sources import Source, SyncPlan


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("content/a.md", True),
        ("content/über uns.md", True),
        ("static/.well-known/security.txt", True),
        ("docs/mounted.md", True),
        ("go.mod", True),
        ("resources/_gen/images/a_hu_1.webp", True),
        (".git/HEAD", False),
        (".gitignore", False),
        (".hugo_build.lock", False),
        ("public/index.html", False),
        ("content/.DS_Store", False),
        # No file system can hold these, or they lead out of the folder.
        ("content/", False),
        ("", False),
        ("/etc/passwd", False),
        ("content//a.md", False),
        ("content/../../etc/passwd", False),
        ("content/./a.md", False),
        ("content/a\0.md", False),
        ("content/" + "ä" * 128, False),
        ("content/" + "a" * 255, True),
    ],
)
def test_is_source(key: str, expected: bool) -> None:
    assert sources.is_source(key) is expected


def test_a_key_that_is_also_a_folder_gives_way() -> None:
    listing = {key: Source("e", 0) for key in ("content/a", "content/a/b", "content/a/b/c.md", ".git/x", "content/d")}
    assert sorted(sources.select(listing)) == ["content/a/b/c.md", "content/d"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["hugo.toml"], True),
        (["config.yaml", "content/a.md"], True),
        (["config/_default/params.toml"], True),
        (["content/hugo.toml"], False),
        (["themes/lantern/hugo.toml"], False),
        ([], False),
    ],
)
def test_has_configuration(keys: list[str], expected: bool) -> None:
    assert sources.has_configuration(keys) is expected


def test_plan_sync() -> None:
    have = {"same": Source("1", 1), "newer": Source("1", 1), "changed": Source("1", 1), "gone": Source("1", 1)}
    want = {"same": Source("1", 1), "newer": Source("1", 2), "changed": Source("2", 2), "added": Source("9", 9)}
    assert sources.plan_sync(have, want) == SyncPlan(remove=("gone",), fetch=("added", "changed"), touch=("newer",))


_trees = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "c/e"]),
    st.builds(Source, st.sampled_from(["1", "2"]), st.sampled_from([1.0, 2.0])),
)


@given(_trees, _trees)
def test_a_sync_makes_the_folder_what_is_wanted(have: dict[str, Source], want: dict[str, Source]) -> None:
    plan = sources.plan_sync(have, want)
    folder = {key: source for key, source in have.items() if key not in plan.remove}
    folder |= {key: want[key] for key in (*plan.fetch, *plan.touch)}
    assert folder == want


@given(_trees, _trees)
def test_fingerprints_are_equal_only_for_equal_sources(one: dict[str, Source], other: dict[str, Source]) -> None:
    shuffled = dict(reversed(one.items()))
    assert sources.fingerprint(one, "r") == sources.fingerprint(shuffled, "r")
    assert (sources.fingerprint(one, "r") == sources.fingerprint(other, "r")) == (one == other)
    assert sources.fingerprint(one, "r") != sources.fingerprint(one, "another recipe")
