"""Which events wake the builder."""

from typing import Any

import pytest

from sitebuilder.events import Build, Change, Ignore, Look, Wake, read


def record(key: str, bucket: str = "sources", name: str = "ObjectCreated:Put", etag: str = "e") -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key, "eTag": etag}}}


def records(*several: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(several)}


def look(*changes: tuple[str, str | None]) -> Look:
    return Look(tuple(Change(key, etag) for key, etag in changes))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (records(record("content/posts/a.md")), look(("content/posts/a.md", "e"))),
        (records(record("layouts/page.html")), look(("layouts/page.html", "e"))),
        (records(record("themes/lantern/theme.toml")), look(("themes/lantern/theme.toml", "e"))),
        (records(record("static/a.png")), look(("static/a.png", "e"))),
        (records(record("config/_default/hugo.toml")), look(("config/_default/hugo.toml", "e"))),
        (records(record("hugo.toml")), look(("hugo.toml", "e"))),
        (records(record("i18n/de.toml")), look(("i18n/de.toml", "e"))),
        (records(record("content/a.md", name="ObjectRemoved:Delete")), look(("content/a.md", None))),
        (records(record("content/a.md", name="s3:ObjectRemoved:DeleteMarkerCreated")), look(("content/a.md", None))),
        # URL-encoded, as S3 sends keys: a space as "+", and a hidden name that only decoding shows.
        (records(record("content/my+first+p%C3%B6st.md")), look(("content/my first pöst.md", "e"))),
        (records(record("%2Egit/config")), Ignore),
        # Several records: one that matters is enough.
        (records(record(".git/HEAD"), record("content/a.md", etag="f")), look(("content/a.md", "f"))),
        (records(record("a"), record("b", name="ObjectRemoved:Delete")), look(("a", "e"), ("b", None))),
        (records(record(".git/HEAD"), record("public/index.html")), Ignore),
        (records(record("content/a.md", bucket="elsewhere")), Ignore),
        (records(), Ignore),
        (records({"s3": None}), Ignore),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "sources"}, Ignore),
        # Anything else is somebody asking: by hand, or a timer.
        ({}, Build),
        (None, Build),
        ({"source": "aws.events", "detail-type": "Scheduled Event"}, Build),
    ],
)
def test_read(event: Any, expected: Wake | type[Wake]) -> None:
    found = read(event, input_bucket="sources")
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected
