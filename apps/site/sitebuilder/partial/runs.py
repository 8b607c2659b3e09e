"""The runs of hugo that a partial build is made of: the page index, and a segment of the site.

Our own files are in the source folder only while hugo runs, and a folder in which somebody died meanwhile is cleaned by
`remove_leftovers` before anything else is done with it.
"""

import contextlib
import hashlib
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sitebuilder import hugo, sources
from sitebuilder.hugo import Failed
from sitebuilder.partial import page_index, segments
from sitebuilder.partial.page_index import Page
from sitebuilder.settings import Settings

#: Static files are no part of a partial build: hugo is told of a folder that is not there. Those of themes are copied.
_NO_STATIC = (("HUGO_STATICDIR", "lambent-no-static-files"),)
_CONTENT = "content"


class HugoFailed(Exception):
    """The sources are wrong, or not as a partial build needs them: the whole build will say."""


@dataclass(frozen=True, slots=True)
class Runs:
    settings: Settings
    source: Path
    scratch: Path
    """A folder of its own; what it holds is gone with the next run."""
    cache: Path
    deadline: float
    """Seconds since the epoch."""

    def page_index(self) -> tuple[Page, ...]:
        """Raises page_index.Unusable where the site does not say what has to be known."""
        variables = (*_NO_STATIC, *page_index.VARIABLES)
        writers = dict.fromkeys(_writers(self.source), page_index.WRITER)
        text = self._written_index(page_index.WRITER_PATH, variables, writers) if writers else None
        text = text or self._written_index("/", (*variables, page_index.AT_HOME), {})
        if text is None:
            raise page_index.Unusable("hugo wrote no page index: it does not look into layouts/ or content/")
        return page_index.read(text, str(self.source))

    def _written_index(
        self, path: str, variables: tuple[tuple[str, str], ...], writers: Mapping[str, bytes]
    ) -> str | None:
        layouts = dict.fromkeys(page_index.LAYOUT_FILES, page_index.LAYOUT)
        with _planted(self.source, {**layouts, **writers}):
            output, _ = self._run("index", (path,), variables)
        written = sorted(output.rglob(page_index.OUTPUT), key=lambda file: -file.stat().st_size)
        return written[0].read_text(encoding="utf-8") if written else None

    def render_pages(self, paths: frozenset[str]) -> Path:
        return self.render(paths)[0]

    def render(self, paths: Iterable[str]) -> tuple[Path, tuple[str, ...]]:
        """The folder with the pages at these logical paths as in a whole build, and hugo's warnings."""
        return self._run("pages", paths, _NO_STATIC)

    def _run(
        self, name: str, paths: Iterable[str], variables: tuple[tuple[str, str], ...]
    ) -> tuple[Path, tuple[str, ...]]:
        destination = self.scratch / name
        shutil.rmtree(destination, ignore_errors=True)
        destination.mkdir(parents=True)
        filter_file = self.scratch / "segments.json"
        filter_file.write_bytes(segments.configuration(paths))
        outcome = hugo.build(
            replace(self.settings, hugo_variables=(*self.settings.hugo_variables, *variables)),
            source=self.source,
            destination=destination,
            cache=self.cache,
            seconds=self.deadline - time.time(),
            extra=("--config", ",".join([*self._configuration(), str(filter_file)]), "--renderSegments", segments.NAME),
        )
        if isinstance(outcome, Failed):
            raise HugoFailed(outcome.errors[0])
        return destination, outcome.warnings

    def _configuration(self) -> list[str]:
        """The file that hugo would take by itself; `config/` it merges in any case."""
        names = [stem + suffix for stem in sources.CONFIG_STEMS for suffix in sources.CONFIG_SUFFIXES]
        return [name for name in names if (self.source / name).exists()][:1]


def remove_leftovers(source: Path) -> None:
    for name in (*page_index.LAYOUT_FILES, *_writers(source)):
        (source / name).unlink(missing_ok=True)


def digests(output: Path) -> dict[str, str]:
    """Path to MD5 of every file."""
    return {
        file.relative_to(output).as_posix(): hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        for file in output.rglob("*")
        if file.is_file()
    }


def _writers(source: Path) -> list[str]:
    """Wherever the content of a language may begin; anywhere else such a page is not rendered."""
    content = source / _CONTENT
    folders = [content, *sorted(content.iterdir())] if content.is_dir() else []
    return [
        (folder / page_index.WRITER_FILE).relative_to(source).as_posix()
        for folder in folders
        if folder.is_dir() and not any(folder.glob("index.*"))
    ]


@contextlib.contextmanager
def _planted(source: Path, files: Mapping[str, bytes]) -> Iterator[None]:
    made: list[Path] = []
    try:
        for name, content in files.items():
            file = source / name
            made += [folder for folder in (file.parent.parent, file.parent) if not folder.exists()]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield
    finally:
        for name in files:
            (source / name).unlink(missing_ok=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()
