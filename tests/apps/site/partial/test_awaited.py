"""Pictures of pages in a cold partial build are fetched if hugo opened them, and the bytes are a whole build's."""

from pathlib import Path
from random import Random

import pytest

from platform_process import PlatformProcess
from site_edits import png
from sitebuilder.events import Build
from sitebuilder.partial import awaited, opens
from two_phases import Noted, TwoPhases

SIZE = 20_000
PAGE = "---\ntitle: trip {0}\n---\n{1} ![a picture](p.png)\n"
LINKS = "{{ range site.RegularPages }}<a href='{{ .RelPermalink }}'>{{ .Title }}</a>{{ end }}"
LAYOUTS = {
    # hugo copies a page's files; nothing looks into them.
    "copied": {"layouts/page.html": "{{ .Title }}{{ .Content }}"},
    # A page shows its own picture smaller.
    "own": {
        "layouts/page.html": '{{ .Content }}{{ with .Resources.Get "p.png" }}{{ (.Resize "4x").RelPermalink }}{{ end }}'
    },
    # The list shows the first pictures of all, in a size that depends on what is in them.
    "list": {
        "layouts/page.html": "{{ .Content }}",
        "layouts/section.html": '{{ range first 2 .Pages.ByTitle }}{{ with .Resources.Get "p.png" }}{{ .Width }}'
        '{{ (.Fill "3x5").RelPermalink }}{{ .Content | md5 }}{{ end }}{{ end }}' + LINKS,
    },
}


def picture(number: int) -> bytes:
    """Large enough not to be packed, and no two alike; readers of pictures pass over what follows its end."""
    return png(Random(number)) + Random(number).randbytes(SIZE)


def site(layouts: str) -> dict[str, bytes]:
    return {
        "hugo.toml": b'title = "trips"\ndisableKinds = ["taxonomy", "term", "rss", "404"]\n',
        "layouts/all.html": LINKS.encode(),
        **{key: text.encode() for key, text in LAYOUTS[layouts].items()},
        **{f"content/trips/{n}/index.md": PAGE.format(n, "Went there.").encode() for n in range(12)},
        **{f"content/trips/{n}/p.png": picture(n) for n in range(12)},
        "assets/large.jpg": Random(99).randbytes(SIZE),
    }


@pytest.mark.parametrize(
    ("layouts", "pictures"),
    [("copied", set()), ("list", {f"content/trips/{n}/p.png" for n in (0, 1, 7)})],
)
def test_a_picture_is_fetched_if_hugo_opens_it(
    layouts: str, pictures: set[str], platform: PlatformProcess, tmp_path: Path
) -> None:
    small = TwoPhases(platform, tmp_path, site(layouts))
    small.timer = Noted()  # type: ignore[assignment]  # only the moment it is set to matters here
    first = small.build()[-1]
    assert first.bytes_up < SIZE, "what hugo does not change is copied within S3"
    small.put("content/trips/7/index.md", PAGE.format(7, "Went there *again*."))
    report = small.build(workspace="cold")[-1]
    assert report.mode == "partial", report.why
    now, clean = small.digests(), small.clean_build()
    assert all(clean.get(path) == digest for path, digest in now.items() if path != "sitemap.xml")
    assert now["trips/7/index.html"] == clean["trips/7/index.html"]
    fetched = {key for key in small.source.list() if key.endswith("g") and _is_here(tmp_path / "cold/stubs" / key)}
    assert pictures <= fetched
    assert len(fetched) <= len(pictures) + 3, "those of canaries"
    assert (layouts != "copied") or not fetched
    assert report.bytes_down < SIZE * (len(fetched) + 1)
    small.build(wake=Build(cause="timer"))
    assert small.digests() == clean
    small.s3.close()


def _is_here(file: Path) -> bool:
    return file.stat().st_size >= SIZE


def test_where_nothing_can_be_watched_everything_is_fetched(
    platform: PlatformProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> object:
        raise opens.Unwatchable

    monkeypatch.setattr(opens, "watched", refused)
    small = TwoPhases(platform, tmp_path, site("own"))
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    small.put("content/trips/7/index.md", PAGE.format(7, "Went there *again*."))
    report = small.build(workspace="cold")[-1]
    assert (report.mode, report.bytes_down > 13 * SIZE) == ("partial", True)
    assert small.digests()["trips/7/index.html"] == small.clean_build()["trips/7/index.html"]
    small.s3.close()


@pytest.mark.parametrize(
    ("key", "size", "expected"),
    [
        ("content/a/p.png", 5000, True),
        ("content/a/P.JPG", 5000, True),
        ("assets/p.webp", 5000, True),
        ("content/a/p.png", 500, False),
        ("content/a/index.md", 5000, False),
        ("content/a/p.svg", 5000, False),
        ("static/p.png", 5000, False),
    ],
)
def test_what_is_awaited(key: str, size: int, expected: bool) -> None:
    assert awaited.is_awaited(key, size) is expected


def test_a_placeholder_says_what_it_stands_for() -> None:
    for suffix in ("png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "pdf"):
        assert awaited.key_of(awaited.placeholder(f"content/ü.{suffix}")) == f"content/ü.{suffix}"
    assert awaited.key_of(b"a picture") is None
    with pytest.raises(awaited.Shown, match="which was not there"):
        awaited.key_of(b"<p>" + awaited.placeholder("content/a.pdf"))


def test_what_a_program_opened(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_bytes(b"")
    with opens.watched(files) as opened:
        assert opened() == frozenset()
        files[1].read_bytes()
        files[2].stat()
        assert opened() == {files[1]}
    with pytest.raises(opens.Unwatchable), opens.watched([tmp_path / "none"]):
        pass
