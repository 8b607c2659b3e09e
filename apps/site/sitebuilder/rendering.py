"""hugo's output as what is to be on the website; and the outputs that hugo makes differently each time.

Two builds of the same sources may differ (a term spelt in two ways, the order of languages in a site map). Where there
is reason to think so the site is built twice: what differs is *volatile*, and stays as it is published as long as one
of the two builds made it just so.
"""

import hashlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sitebuilder import hugo, outputs
from sitebuilder.hugo import Failed
from sitebuilder.manifests import Output
from sitebuilder.publication import Record
from sitebuilder.settings import Settings
from sitebuilder.workspace import Workspace

NOINDEX = b'<meta name="robots" content="noindex">'
ROBOTS = b"User-agent: *\nDisallow: /\n"


@dataclass(frozen=True, slots=True)
class Rendered:
    outputs: Mapping[str, Output]
    volatile: tuple[str, ...]
    flaps: tuple[str, ...]
    """Outputs that this build would have changed for no reason."""
    warnings: tuple[str, ...]
    hugo_ms: int


@dataclass(frozen=True, slots=True)
class Renderer:
    settings: Settings
    workspace: Workspace

    def render(
        self, record: Record, *, is_doubtful: bool, sources_are_the_same: bool, deadline: float
    ) -> Rendered | Failed:
        """A whole build; two, if the first one leaves a doubt."""
        begun = time.monotonic()
        built = self._build("output", deadline)
        if isinstance(built, Failed):
            return built
        first, warnings = built
        hugo_ms = round((time.monotonic() - begun) * 1000)
        differs = sources_are_the_same and _differing(first, _as_published(record))
        if not (is_doubtful or differs):
            return Rendered(first, (), (), warnings, hugo_ms)
        second = self._build("again", deadline)
        if isinstance(second, Failed):
            return second
        chosen, volatile, flaps = self._settle(first, second[0], record)
        return Rendered(chosen, volatile, flaps, warnings, hugo_ms)

    def _settle(
        self, first: Mapping[str, Output], second: Mapping[str, Output], record: Record
    ) -> tuple[dict[str, Output], tuple[str, ...], tuple[str, ...]]:
        chosen, published = dict(first), _as_published(record)
        disagreeing = _differing(first, second)
        flaps = []
        for path in disagreeing & published.keys():
            if path in second and published[path] == second[path]:
                shutil.copyfile(self.workspace.root / "again" / path, self.workspace.output / path)
                chosen[path] = second[path]
            if chosen.get(path) == published[path]:
                flaps.append(path)
        volatile = {*disagreeing, *(record.head.volatile if disagreeing else ())} & chosen.keys()
        return chosen, tuple(sorted(volatile)), tuple(sorted(flaps))

    def _build(self, folder: str, deadline: float) -> tuple[dict[str, Output], tuple[str, ...]] | Failed:
        destination = self.workspace.fresh_output(folder)
        outcome = hugo.build(
            self.settings,
            source=self.workspace.source,
            destination=destination,
            cache=self.workspace.cache,
            seconds=deadline - time.time(),
        )
        self.workspace.forget_generated()
        if isinstance(outcome, Failed):
            return outcome
        if self.settings.is_preview:
            hide_from_search(destination)
        made = describe(destination, self.settings.base_url)
        return (made, outcome.warnings) if made else Failed(("hugo made no files at all",), outcome.warnings)


def hide_from_search(folder: Path) -> None:
    """S3 cannot answer with X-Robots-Tag, so every page says it itself, and robots.txt does."""
    for page in folder.rglob("*.html"):
        content = page.read_bytes()
        start = content.lower().find(b"<head")
        end = content.find(b">", start) + 1
        if start >= 0 and end > 0:
            page.write_bytes(content[:end] + NOINDEX + content[end:])
    (folder / "robots.txt").write_bytes(ROBOTS)


def describe(folder: Path, base_url: str | None) -> dict[str, Output]:
    """Every file that hugo wrote, as it is to be published."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    base_path = unquote(urlsplit(base_url or "").path).rstrip("/")

    def is_ours(path: str) -> bool:
        name = path.removeprefix(base_path).strip("/")
        return name in files or f"{name}/index.html".lstrip("/") in files

    described = {}
    for path, file in files.items():
        content = file.read_bytes()
        described[path] = Output(
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            size=len(content),
            content_type=outputs.content_type(path),
            cache_control=outputs.cache_control(path),
            redirect=outputs.redirect(content, ours=is_ours) if path.endswith(".html") else None,
        )
    return described


def _as_published(record: Record) -> dict[str, Output]:
    """What hugo made of it, without what an upload adds."""
    return {path: _unpublished(output) for path, output in record.outputs.items() if output.origin is None}


def _unpublished(output: Output) -> Output:
    return Output(output.md5, output.size, output.content_type, output.cache_control, output.redirect)


def _differing(one: Mapping[str, Output], other: Mapping[str, Output]) -> set[str]:
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
