"""Which events wake the builder."""

from typing import Any

import pytest

from sitebuilder.events import Wake, classify


def record(key: str, bucket: str = "sources", name: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}


def records(*several: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(several)}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (records(record("content/posts/a.md")), Wake.LOOK),
        (records(record("layouts/page.html")), Wake.LOOK),
        (records(record("themes/lantern/theme.toml")), Wake.LOOK),
        (records(record("static/a.png")), Wake.LOOK),
        (records(record("config/_default/hugo.toml")), Wake.LOOK),
        (records(record("hugo.toml")), Wake.LOOK),
        (records(record("i18n/de.toml")), Wake.LOOK),
        (records(record("content/a.md", name="ObjectRemoved:Delete")), Wake.LOOK),
        # URL-encoded, as S3 sends keys: a space as "+", and a hidden name that only decoding shows.
        (records(record("content/my+first+p%C3%B6st.md")), Wake.LOOK),
        (records(record("%2Egit/config")), Wake.IGNORE),
        # Several records: one that matters is enough.
        (records(record(".git/HEAD"), record("content/a.md")), Wake.LOOK),
        (records(record(".git/HEAD"), record("public/index.html")), Wake.IGNORE),
        (records(record("content/a.md", bucket="elsewhere")), Wake.IGNORE),
        (records(), Wake.IGNORE),
        (records({"s3": None}), Wake.IGNORE),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "sources"}, Wake.IGNORE),
        # Anything else is somebody asking: by hand, or a timer.
        ({}, Wake.BUILD),
        (None, Wake.BUILD),
        ({"source": "aws.events", "detail-type": "Scheduled Event"}, Wake.BUILD),
    ],
)
def test_classify(event: Any, expected: Wake) -> None:
    assert classify(event, input_bucket="sources") is expected
