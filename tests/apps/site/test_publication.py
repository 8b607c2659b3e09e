"""What is uploaded, deleted and left alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitebuilder import heads, publication
from sitebuilder.heads import Head, Release
from sitebuilder.manifests import Output
from sitebuilder.publication import Record


def made(md5: str) -> Output:
    return Output(md5, len(md5), "text/html", "none")


def wanted(built: dict[str, str]) -> dict[str, Output]:
    return {path: made(md5) for path, md5 in built.items()}


def record(objects: dict[str, str], *, settled: bool = True, unsure: tuple[str, ...] = ()) -> Record:
    head = Head((Release(1, "n", 0, "f"),) if objects else (), settled=settled and bool(objects), unsure=unsure)
    return Record(head, {path: replace(made(md5), etag=md5) for path, md5 in objects.items()})


@pytest.mark.parametrize(
    ("case", "built", "known", "there", "uploads", "deletes"),
    [
        ("first publication", {"a": "1"}, record({}), {}, ["a"], []),
        ("nothing changed", {"a": "1"}, record({"a": "1"}), {"a": "1"}, [], []),
        ("one changed", {"a": "2", "b": "1"}, record({"a": "1", "b": "1"}), {"a": "1", "b": "1"}, ["a"], []),
        ("one is gone", {"a": "1"}, record({"a": "1", "b": "1"}), {"a": "1", "b": "1"}, [], ["b"]),
        ("gone already", {"a": "1"}, record({"a": "1", "b": "1"}), {"a": "1"}, [], []),
        ("somebody overwrote ours", {"a": "1"}, record({"a": "1"}), {"a": "x"}, ["a"], []),
        ("somebody deleted ours", {"a": "1"}, record({"a": "1"}), {}, ["a"], []),
        ("a foreign object stays", {"a": "1"}, record({"a": "1"}), {"a": "1", "foreign": "9"}, [], []),
        ("same bytes, unknown origin", {"a": "1"}, record({}), {"a": "1"}, ["a"], []),
    ],
)
def test_plan(
    case: str, built: dict[str, str], known: Record, there: dict[str, str], uploads: list[str], deletes: list[str]
) -> None:
    plan = publication.plan(wanted(built), known, there)
    assert [path for stage in plan.uploads for path in stage] == uploads, case
    assert list(plan.deletes) == deletes, case
    assert set(plan.kept) == set(built) - set(uploads), case


def test_an_etag_that_is_not_the_md5_is_known_by_the_record() -> None:
    """Under SSE-KMS an ETag is not the MD5 of the content (S3 API Reference, "Object")."""
    known = Record(Head(settled=True), {"a": replace(made("md5"), etag="opaque")})
    assert publication.plan({"a": made("md5")}, known, {"a": "opaque"}).is_empty


@pytest.mark.parametrize("change", [{"cache_control": "other"}, {"content_type": "other"}, {"redirect": "/there/"}])
def test_changed_headers_bring_about_an_upload(change: dict[str, Any]) -> None:
    assert publication.plan({"a": replace(made("1"), **change)}, record({"a": "1"}), {"a": "1"}).uploads == (("a",),)


def test_what_an_interrupted_publication_may_have_written_is_written_again_or_deleted() -> None:
    known = record({"a": "1"}, unsure=("a", "b"))
    plan = publication.plan({"a": made("1")}, known, {"a": "1", "b": "2", "foreign": "9"})
    assert (plan.uploads, plan.deletes) == ((("a",),), ("b",))


@pytest.mark.parametrize(
    ("deleted", "of", "expected"), [(256, 256, False), (257, 257, True), (500, 2000, False), (501, 2000, True)]
)
def test_too_many_deletes(deleted: int, of: int, expected: bool) -> None:
    known = record({str(number): "1" for number in range(of)})
    there = dict.fromkeys(known.outputs, "1")
    plan = publication.plan(wanted({str(number): "1" for number in range(deleted, of)}), known, there)
    assert len(plan.deletes) == deleted
    assert publication.deletes_too_much(plan, known) is expected


def test_a_fingerprinted_file_stays_for_a_while() -> None:
    old = f"main.{'a' * 64}.css"
    known, there = record({old: "1", "x.css": "1"}), {old: "1", "x.css": "1"}
    plan = publication.plan({}, known, there, now=100, grace_seconds=10)
    assert (plan.deletes, plan.retired) == (("x.css",), {old: 100})
    known = Record(replace(Head(), retired=plan.retired), {})
    assert publication.plan({}, known, there, now=109, grace_seconds=10).retired == {old: 100}
    assert publication.plan({}, known, there, now=110, grace_seconds=10).deletes == (old,)


def test_uploads_come_in_stages() -> None:
    built = dict.fromkeys(["index.html", "sitemap.xml", "posts/a/index.html", "posts/index.html", "a.css"], "1")
    assert publication.plan(wanted(built), Record(), {}).uploads == (
        ("a.css",),
        ("posts/a/index.html",),
        ("index.html", "posts/index.html"),
        ("sitemap.xml",),
    )


@pytest.mark.parametrize(
    ("case", "known", "there", "expected"),
    [
        ("as published", record({"a": "1"}), {"a": "1"}, True),
        ("foreign objects do not matter", record({"a": "1"}), {"a": "1", "b": "1"}, True),
        ("interrupted", record({"a": "1"}, settled=False), {"a": "1"}, False),
        ("tampered with", record({"a": "1"}), {"a": "2"}, False),
        ("never published", Record(), {}, False),
    ],
)
def test_is_current(case: str, known: Record, there: dict[str, str], expected: bool) -> None:
    assert publication.is_current(known, "f", there) is expected, case


_contents = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"))


@given(old=_contents, new=_contents, next_one=_contents, data=st.data())
def test_an_interrupted_publication_is_finished_by_the_next(
    old: dict[str, str], new: dict[str, str], next_one: dict[str, str], data: st.DataObject
) -> None:
    """Crash anywhere between the first upload and the last delete; then another build is published, whatever it is."""
    there = {**old, "foreign": "9"}
    known = record(old)
    plan = publication.plan(wanted(new), known, there)
    steps = [*(path for stage in plan.uploads for path in stage), *plan.deletes]
    known = replace(known, head=heads.intent(known.head, (*plan.uploaded, *plan.deletes)))
    for path in steps[: data.draw(st.integers(0, len(steps)))]:
        if path in new:
            there[path] = new[path]
        else:
            del there[path]
    assert not publication.is_current(known, "f", there)
    plan = publication.plan(wanted(next_one), known, there)
    for path in (path for stage in plan.uploads for path in stage):
        there[path] = next_one[path]
    for path in plan.deletes:
        del there[path]
    assert there == {**next_one, "foreign": "9"}
