"""Random edits in two phases, on sites that differ in kind. After the first, all that was published is a clean build's,
and only what had to change was touched; after the second, so is the whole website."""

import contextlib
import hashlib
import os
from pathlib import Path
from random import Random

import pytest

import site_edits
from platform_process import PlatformProcess
from site_edits import Sources
from sitebuilder.events import Build, Look
from sitebuilder.partial import awaited
from sitebuilder.report import Report
from small_site import Died, SmallSite
from two_phases import Noted, TwoPhases

THEMES = Path(__file__).parent.parent / "themes"
COUNT = int(os.environ.get("SITE_EDITS", "6"))
SEED = int(os.environ.get("SITE_SEED", "1"))
VERIFY = Build(cause="timer")
#: Twice as often what people do all day.
EDITS = (
    *site_edits.EDITS,
    *(edit for edit in site_edits.EDITS if edit.__name__ in ("body", "first_paragraph", "title", "tags", "new")),
)


def read_site(name: str) -> dict[str, bytes]:
    folder = THEMES / name
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def upload(small: SmallSite, before: Sources, after: Sources) -> None:
    for key in sorted(before.keys() - after.keys()):
        small.delete(key)
    for key in sorted(after):
        if before.get(key) != after[key]:
            small.put(key, after[key])


def last(reports: list[Report]) -> Report:
    return reports[-1]


@pytest.mark.parametrize("name", ["titles", "summaries", "languages"])
def test_the_first_phase_is_right_and_the_second_complete(
    name: str, platform: PlatformProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaited, "SMALL_BYTES", 0)
    choice = Random(f"{name} {SEED}")
    site: Sources = site_edits.image(site_edits.image(read_site(name), choice), choice)
    small = TwoPhases(platform, tmp_path, site)
    small.timer = Noted()  # type: ignore[assignment]  # it is a resource held elsewhere; only its moment matters here
    small.build()
    modes = []
    for number in range(COUNT):
        edit = choice.choice(EDITS)
        after, before = edit(site, choice), small.digests()
        upload(small, site, after)
        site = after
        report = last(small.build(workspace="warm" if number % 3 else f"cold-{number}"))
        clean, now = small.clean_build(site), small.digests()
        modes.append((edit.__name__, report.mode, report.why))
        if report.mode == "partial":
            changed = {path: digest for path, digest in now.items() if before.get(path) != digest}
            assert changed == {path: clean.get(path) for path in changed}, modes
            assert before.keys() <= now.keys(), "a partial build deletes nothing"
            if choice.random() < 0.3:
                continue  # the next edit comes before the whole build does
            small.build(wake=VERIFY)
            now = small.digests()
        if report.outcome == "published":
            assert now == clean, modes
    last(small.build(wake=VERIFY))
    assert small.digests() == small.clean_build(site)
    print(modes)


def test_a_text_is_published_by_itself_and_verified(platform: PlatformProcess, tmp_path: Path) -> None:
    small = TwoPhases(platform, tmp_path, read_site("titles"))
    small.timer = noted = Noted()  # type: ignore[assignment]
    small.build()
    key = next(key for key in sorted(small.source.list()) if key.startswith("content/") and "_index" not in key)
    small.put(key, small.sources()[key] + b"\nAnd more.\n")
    for environment in ("warm", "cold"):
        report = last(small.build(workspace=environment, wake=Look(changes=None)))
        assert report.mode == ("partial" if environment == "warm" else ""), report
    assert noted.moment is not None
    report = last(small.build(wake=VERIFY))
    assert (report.mode, report.misses) == ("full", ()), report
    small.put(key, small.sources()[key] + b"\nAnd even more.\n")
    report = last(small.build(workspace="colder"))
    assert report.mode == "partial", report.why
    assert not list((tmp_path / "colder/source").iterdir()), "it was built from stubs"
    assert report.bytes_down > 0
    assert small.digests() == small.clean_build()


def test_a_static_file_of_a_page_s_name_is_no_reason_against_it(platform: PlatformProcess, tmp_path: Path) -> None:
    small = TwoPhases(platform, tmp_path, read_site("titles") | {"static/index.html": b"hidden by the home page"})
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    for environment in ("warm", "cold"):
        small.put("content/about.md", f"---\ntitle: About\n---\n{environment}\n")
        small.put(f"static/{environment}.txt", "new")
        assert last(small.build(workspace=environment)).why == "2 sources changed; static files changed"
        small.put("content/about.md", f"---\ntitle: About\n---\nstill {environment}\n")
        report = last(small.build(workspace=environment))
        assert report.mode == "partial", report.why
        small.build(wake=VERIFY)
        assert small.digests() == small.clean_build()


def test_a_theme_s_static_file_does_not_come_in_place_of_the_site_s(platform: PlatformProcess, tmp_path: Path) -> None:
    titles = read_site("titles")
    files = {
        "hugo.toml": b'theme = "bare"\n' + titles["hugo.toml"],
        "themes/bare/static/icon.svg": b"the theme's",
        "static/icon.svg": b"the site's",
        "layouts/_shortcodes/reads.html": b'{{ fileExists "static/icon.svg" }}',  # so that hugo copies static files
    }
    small = TwoPhases(platform, tmp_path, titles | files)
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    small.put("content/about.md", "---\ntitle: About\n---\nedited\n")
    assert last(small.build()).mode == "partial"
    assert small.digests()["icon.svg"] == hashlib.md5(b"the site's").hexdigest()
    assert last(small.build(wake=VERIFY)).misses == ()


def test_without_a_scheduler_both_phases_are_one_invocation(platform: PlatformProcess, tmp_path: Path) -> None:
    small = TwoPhases(platform, tmp_path, read_site("titles"))
    small.build()
    before = last(small.build(wake=VERIFY)).generation
    key = next(key for key in sorted(small.source.list()) if key.startswith("content/") and "_index" not in key)
    small.put(key, small.sources()[key] + b"\nAnd more.\n")
    report = last(small.build())
    assert (report.mode, report.generation) == ("full", before + 2)
    assert small.digests() == small.clean_build()


def test_what_leaves_the_website_does_not_wait(platform: PlatformProcess, tmp_path: Path) -> None:
    small = TwoPhases(platform, tmp_path, read_site("titles"))
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    key = next(key for key in sorted(small.source.list()) if key.startswith("content/") and "_index" not in key)
    content = small.sources()[key].decode()
    small.put(key, content.replace("title:", "draft: true\ntitle:", 1))
    assert last(small.build()).mode == "full"
    assert small.digests() == small.clean_build()


def test_death_at_any_write_of_the_first_phase_is_mended(platform: PlatformProcess, tmp_path: Path) -> None:
    small = TwoPhases(platform, tmp_path, read_site("titles"))
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    for survived in range(1, 9, 2):
        small.put("content/about.md", f"---\ntitle: About\n---\nversion {survived}\n")
        small.life.steps_left = survived
        with contextlib.suppress(Died):
            small.build("r1")
        small.life.steps_left = 1_000_000
        assert last(small.build("r1")).outcome in ("published", "unchanged", "seen")
        small.build(wake=VERIFY)
        assert small.digests() == small.clean_build(), f"died after {survived} writes"
