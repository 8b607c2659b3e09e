"""What is uploaded, deleted and left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitebuilder import publication
from sitebuilder.publication import Published, Record


def published(path: str, md5: str, etag: str = "") -> Published:
    return Published(md5=md5, headers=publication.headers_digest(path), etag=etag or md5)


def record(**objects: str) -> Record:
    return Record(built_from="f", settled=True, objects={path: published(path, md5) for path, md5 in objects.items()})


@pytest.mark.parametrize(
    ("case", "built", "known", "there", "uploads", "deletes"),
    [
        ("first publication", {"a": "1"}, record(), {}, ["a"], []),
        ("nothing changed", {"a": "1"}, record(a="1"), {"a": "1"}, [], []),
        ("one changed", {"a": "2", "b": "1"}, record(a="1", b="1"), {"a": "1", "b": "1"}, ["a"], []),
        ("one is gone", {"a": "1"}, record(a="1", b="1"), {"a": "1", "b": "1"}, [], ["b"]),
        ("gone already", {"a": "1"}, record(a="1", b="1"), {"a": "1"}, [], []),
        ("somebody overwrote ours", {"a": "1"}, record(a="1"), {"a": "x"}, ["a"], []),
        ("somebody deleted ours", {"a": "1"}, record(a="1"), {}, ["a"], []),
        ("a foreign object stays", {"a": "1"}, record(a="1"), {"a": "1", "foreign": "9"}, [], []),
        ("same bytes, unknown origin", {"a": "1"}, record(), {"a": "1"}, ["a"], []),
    ],
)
def test_plan(
    case: str, built: dict[str, str], known: Record, there: dict[str, str], uploads: list[str], deletes: list[str]
) -> None:
    plan = publication.plan(built, known, there)
    assert [path for stage in plan.uploads for path in stage] == uploads, case
    assert list(plan.deletes) == deletes, case
    assert set(plan.kept) == set(built) - set(uploads), case


def test_an_etag_that_is_not_the_md5_is_known_by_the_record() -> None:
    """Under SSE-KMS an ETag is not the MD5 of the content (S3 API Reference, "Object")."""
    known = Record("f", settled=True, objects={"a": published("a", "md5", etag="opaque")})
    assert publication.plan({"a": "md5"}, known, {"a": "opaque"}).is_empty


def test_changed_header_rules_bring_about_an_upload() -> None:
    known = Record("f", settled=True, objects={"a": replace(published("a", "1"), headers="others")})
    assert publication.plan({"a": "1"}, known, {"a": "1"}).uploads == (("a",),)


def test_uploads_come_in_stages() -> None:
    built = dict.fromkeys(["index.html", "sitemap.xml", "posts/a/index.html", "posts/index.html", "a.css"], "1")
    assert publication.plan(built, Record(), {}).uploads == (
        ("a.css",),
        ("posts/a/index.html",),
        ("index.html", "posts/index.html"),
        ("sitemap.xml",),
    )


@pytest.mark.parametrize(
    ("case", "known", "there", "expected"),
    [
        ("as published", record(a="1"), {"a": "1"}, True),
        ("foreign objects do not matter", record(a="1"), {"a": "1", "b": "1"}, True),
        ("other sources", replace(record(a="1"), built_from="g"), {"a": "1"}, False),
        ("interrupted", replace(record(a="1"), settled=False), {"a": "1"}, False),
        ("tampered with", record(a="1"), {"a": "2"}, False),
        ("never published", Record(), {}, False),
    ],
)
def test_is_current(case: str, known: Record, there: dict[str, str], expected: bool) -> None:
    assert publication.is_current(known, "f", there) is expected, case


def test_encoding_has_an_inverse() -> None:
    before = record(**{"index.html": "1", "über/index.html": "2"})
    assert publication.decode(publication.encode(before)) == before


_contents = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"))


@given(old=_contents, new=_contents, next_one=_contents, data=st.data())
def test_an_interrupted_publication_is_finished_by_the_next(
    old: dict[str, str], new: dict[str, str], next_one: dict[str, str], data: st.DataObject
) -> None:
    """Crash anywhere between the first upload and the last delete; then another build is published, whatever it is."""
    there = {**old, "foreign": "9"}
    known = Record("old", settled=True, objects={path: published(path, md5) for path, md5 in old.items()})
    plan = publication.plan(new, known, there)
    steps = [*(path for stage in plan.uploads for path in stage), *plan.deletes]
    known = publication.intent(known, plan)
    for path in steps[: data.draw(st.integers(0, len(steps)))]:
        if path in new:
            there[path] = new[path]
        else:
            del there[path]
    assert not publication.is_current(known, "new", there)
    plan = publication.plan(next_one, known, there)
    for path in (path for stage in plan.uploads for path in stage):
        there[path] = next_one[path]
    for path in plan.deletes:
        del there[path]
    assert there == {**next_one, "foreign": "9"}
