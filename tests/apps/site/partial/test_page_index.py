"""The page index of sites that say otherwise than most what hugo makes of their home page."""

import time
from pathlib import Path

import pytest

import package
from sitebuilder.partial import page_index
from sitebuilder.partial.runs import HugoFailed, Runs, remove_leftovers
from sitebuilder.settings import Settings

CONFIG = 'title = "index"\nbaseURL = "http://index.test/"\n'
SITE = {
    "hugo.toml": CONFIG,
    "layouts/all.html": "{{ .Title }}",
    "content/_index.md": "---\ntitle: Home\n---\n",
    "content/posts/one.md": "---\ntitle: One\ntags: [a]\n---\n",
    "content/bundle/index.md": "---\ntitle: A bundle\ncategories: Life\n---\n",
}
PATHS = {"/", "/posts", "/posts/one", "/bundle", "/tags", "/tags/a", "/categories", "/categories/life"}


def runs(folder: Path, files: dict[str, str]) -> Runs:
    for key, text in files.items():
        file = folder / "source" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    hugo = package.installed_hugo()
    assert hugo is not None
    settings = Settings("source", "website", "state", "http://index.test/", "", hugo, folder, ())
    return Runs(settings, folder / "source", folder / "partial", folder / "cache", time.time() + 60)


def files_of(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*")}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"hugo.toml": f"{CONFIG}[minify]\nminifyOutput = true\n"}, id="minified"),
        pytest.param(
            {"content/_index.md": "---\noutputs: [html, json]\n---\n", "layouts/all.json": "{}"}, id="outputs"
        ),
        pytest.param({"content/_index.md": "---\nlayout: front\n---\n", "layouts/front.json": "x"}, id="layout"),
        pytest.param({"hugo.toml": f"{CONFIG}[cascade]\noutputs = ['html']\n"}, id="cascade"),
        pytest.param({"content/_index.md": "---\nbuild: {render: never}\n---\n"}, id="no-home"),
        pytest.param(
            {"hugo.toml": f"{CONFIG}[languages.en]\nweight = 1\n[languages.en.outputs]\nhome = ['html']\n"},
            id="language",
        ),
    ],
)
def test_the_index_has_every_page_and_nothing_of_ours(other: dict[str, str], tmp_path: Path) -> None:
    indexed = runs(tmp_path, SITE | other)
    before = files_of(indexed.source)
    pages = indexed.page_index()
    assert {page.path for page in pages} == PATHS
    assert "lambent" not in repr([(page.outputs, page.beside) for page in pages])
    assert {text for page in pages for text in page.spelt} == {"tags/a", "categories/Life"}
    assert files_of(indexed.source) == before


def test_languages_may_have_folders_of_their_own(tmp_path: Path) -> None:
    indexed = runs(
        tmp_path,
        {
            "hugo.toml": f"{CONFIG}[languages]\nen.contentDir = 'content/en'\nde.contentDir = 'content/de'\n",
            "layouts/all.html": "",
            "content/en/_index.md": "---\noutputs: [html]\n---\n",
            "content/de/_index.md": "---\noutputs: [html]\n---\n",
            "content/de/eins.md": "---\ntitle: Eins\n---\n",
        },
    )
    assert ("/eins", "de") in {(page.path, page.lang) for page in indexed.page_index()}


def test_a_site_that_mounts_its_templates_otherwise_is_told_apart(tmp_path: Path) -> None:
    indexed = runs(tmp_path, SITE | {"hugo.toml": f"{CONFIG}layoutDir = 'templates'\n"})
    with pytest.raises(page_index.Unusable, match="hugo wrote no page index"):
        indexed.page_index()


def test_what_a_dead_run_left_behind_is_no_source(tmp_path: Path) -> None:
    indexed = runs(tmp_path, SITE)
    for key in (
        *page_index.LAYOUT_FILES,
        f"content/{page_index.WRITER_FILE}",
        f"content/posts/{page_index.WRITER_FILE}",
    ):
        (indexed.source / key).write_text("{}")
    remove_leftovers(indexed.source)
    assert not [key for key in files_of(indexed.source) if page_index.FORMAT in key or "lambent" in key]


def test_broken_sources_are_hugo_s_to_tell_of(tmp_path: Path) -> None:
    with pytest.raises(HugoFailed):
        runs(tmp_path, SITE | {"content/broken.md": "---\ntitle: [\n---\n"}).page_index()
