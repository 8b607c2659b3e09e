"""Conditional requests: AWS's precedence between ETags and dates."""

from typing import Any

import pytest

from lambent.services.s3 import preconditions
from lambent.services.s3.preconditions import Conditions
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import code, refusal

ETAG = "5d41402abc4b2a76b9719d911017c592"
OTHER = '"0000"'
MODIFIED = 1_000_000
BEFORE, AT, AFTER = MODIFIED - 5.0, float(MODIFIED), MODIFIED + 5.0
GOOD = f'"{ETAG}"'


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(if_match=GOOD), "proceed"),
        (Conditions(if_match=ETAG), "proceed"),
        (Conditions(if_match="*"), "proceed"),
        (Conditions(if_match=f"{OTHER}, {GOOD}"), "proceed"),
        (Conditions(if_match=OTHER), "If-Match"),
        (Conditions(if_none_match=OTHER), "proceed"),
        (Conditions(if_none_match=GOOD), "not modified"),
        (Conditions(if_none_match=f"W/{GOOD}"), "not modified"),
        (Conditions(if_none_match="*"), "not modified"),
        (Conditions(if_modified_since=BEFORE), "proceed"),
        (Conditions(if_modified_since=AT), "not modified"),
        (Conditions(if_modified_since=AFTER), "not modified"),
        (Conditions(if_unmodified_since=BEFORE), "If-Unmodified-Since"),
        (Conditions(if_unmodified_since=AT), "proceed"),
        (Conditions(if_unmodified_since=AFTER), "proceed"),
        # "If-Match is true and If-Unmodified-Since false" is a 200 (GetObject, API reference)
        (Conditions(if_match=GOOD, if_unmodified_since=BEFORE), "proceed"),
        # "If-None-Match is false and If-Modified-Since true" is a 304 (the same page)
        (Conditions(if_none_match=GOOD, if_modified_since=BEFORE), "not modified"),
        (Conditions(if_none_match=OTHER, if_modified_since=AFTER), "proceed"),
        (Conditions(if_match=OTHER, if_none_match=GOOD), "If-Match"),
    ],
)
def test_check_read(conditions: Conditions, expected: str) -> None:
    refused = refusal(lambda: preconditions.check_read(conditions, etag=ETAG, modified_ms=MODIFIED * 1000 + 700))
    if refused is not None:
        assert (refused.status, refused.members["Condition"]) == (412, expected)
    else:
        verdict = preconditions.check_read(conditions, etag=ETAG, modified_ms=MODIFIED * 1000 + 700)
        assert verdict.value == expected


def test_there_is_no_304_for_a_copy() -> None:
    with pytest.raises(ServiceError) as refused:
        preconditions.check_copy_source(Conditions(if_none_match=GOOD), etag=ETAG, modified_ms=MODIFIED * 1000)
    assert refused.value.status == 412


def test_conditions_of_a_request() -> None:
    assert Conditions.of({"Bucket": "b", "Key": "k"}) is None
    assert Conditions.of({"IfMatch": "x"}) == Conditions(if_match="x")
    assert Conditions.of({"CopySourceIfModifiedSince": 3.0}, "CopySource") == Conditions(if_modified_since=3.0)


@pytest.mark.parametrize(
    ("request_", "current", "expected"),
    [
        ({}, None, None),
        ({}, ETAG, None),
        ({"IfNoneMatch": "*"}, None, None),
        ({"IfNoneMatch": "*"}, ETAG, "PreconditionFailed"),
        ({"IfMatch": GOOD}, ETAG, None),
        ({"IfMatch": OTHER}, ETAG, "PreconditionFailed"),
        ({"IfMatch": GOOD}, None, "NoSuchKey"),
    ],
)
def test_check_write(request_: dict[str, Any], current: str | None, expected: str | None) -> None:
    assert code(lambda: preconditions.check_write(request_, key="k", current_etag=current)) == expected


@pytest.mark.parametrize("request_", [{"IfNoneMatch": GOOD}, {"IfMatch": GOOD, "IfNoneMatch": "*"}])
def test_writes_know_one_form_of_if_none_match(request_: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as refused:
        preconditions.check_write_headers(request_)
    assert refused.value.status == 501


@pytest.mark.parametrize(
    ("etag", "modified", "size", "expected"),
    [
        (None, None, None, None),
        (GOOD, AT, 5, None),
        ("*", None, None, None),
        (OTHER, None, None, "If-Match"),
        (None, BEFORE, None, "x-amz-if-match-last-modified-time"),
        (None, None, 6, "x-amz-if-match-size"),
    ],
)
def test_check_delete(etag: str | None, modified: float | None, size: int | None, expected: str | None) -> None:
    current = (ETAG, MODIFIED * 1000 + 9, 5)
    refused = refusal(
        lambda: preconditions.check_delete(key="k", etag=etag, modified=modified, size=size, current=current)
    )
    assert (refused and refused.members["Condition"]) == expected


@pytest.mark.parametrize(("etag", "expected"), [(None, None), ("*", "NoSuchKey"), (GOOD, "NoSuchKey")])
def test_deleting_what_is_not_there(etag: str | None, expected: str | None) -> None:
    found = code(lambda: preconditions.check_delete(key="k", etag=etag, modified=None, size=None, current=None))
    assert found == expected
