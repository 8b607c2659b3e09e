"""Running the real hugo on the workspace. It gets no credentials: of our environment it sees HUGO_* variables only."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sitebuilder import diagnostics
from sitebuilder.settings import Settings
from sitebuilder.spellings import Vocabulary

#: Kept back of the invocation's time, to report and to hand over the turn.
RESERVE_SECONDS = 2.0
#: A preview shows what the website does not show yet, or no longer.
PREVIEW = ("--buildDrafts", "--buildFuture", "--buildExpired")


class HugoDied(Exception):
    """Killed, or out of time: no fault of the sources, so another attempt may succeed. Lambda retries on it."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The sources are wrong: the same sources will fail again."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def build(
    settings: Settings, *, source: Path, destination: Path, cache: Path, seconds: float, extra: Sequence[str] = ()
) -> Succeeded | Failed:
    """A build into `destination`, which must be fresh: hugo never removes what it no longer makes. A whole one, unless
    `extra` arguments say otherwise."""
    command = [
        str(settings.hugo),
        "build",
        *_where(settings, source, cache),
        *("--destination", str(destination)),
        "--noBuildLock",
        "--cleanDestinationDir",  # or static files and pages of one name race: so the page wins
        *(PREVIEW if settings.is_preview else ()),
        *extra,
    ]
    exit_status, printed = _run(command, environment=_environment(settings, cache.parent), seconds=seconds)
    found = diagnostics.read(printed, source)
    if exit_status:
        return Failed(found.errors or (printed.strip() or f"hugo exited with status {exit_status}",), found.warnings)
    return Succeeded(found.warnings)


def themes(settings: Settings, *, source: Path, cache: Path, seconds: float) -> tuple[str, ...] | None:
    """The names of the folders under themes/ that the site uses, the first goes before the later ones.

    None if hugo cannot say: the configuration is broken, and the build will tell.
    """
    command = [str(settings.hugo), "config", "mounts", *_where(settings, source, cache)]
    exit_status, printed = _run(command, environment=_environment(settings, cache.parent), seconds=seconds)
    if exit_status:
        return None
    try:
        modules = list(_documents(printed))
    except ValueError:
        return None
    folders = (Path(module["dir"]) for module in modules)
    return tuple(folder.name for folder in folders if folder.parent == source / "themes")


def vocabulary(settings: Settings, *, source: Path, cache: Path, seconds: float) -> Vocabulary | None:
    """None if the configuration is broken, and the build will tell. hugo names no language of which nothing is said but
    its taxonomies; most have at least a weight."""
    deadline = time.monotonic() + seconds
    first = _configuration(settings, source, cache, seconds)
    if first is None:
        return None
    languages = [name for name in first.get("languages", {}) if name != first.get("defaultcontentlanguage")]
    others = [
        _configuration(settings, source, cache, deadline - time.monotonic(), "--lang", name) for name in languages
    ]
    mounts = first.get("module", {}).get("mounts", [])
    return Vocabulary(
        taxonomies=tuple(
            sorted({name for it in (first, *others) for name in (it or {}).get("taxonomies", {}).values()})
        ),
        languages=tuple(languages),
        folders=tuple(str(it["source"]) for it in mounts if str(it.get("source")).startswith("content/")),
    )


def _configuration(
    settings: Settings, source: Path, cache: Path, seconds: float, *more: str
) -> Mapping[str, Any] | None:
    """Of the default language, unless `more` says otherwise."""
    command = [str(settings.hugo), "config", "--format", "json", *more, *_where(settings, source, cache)]
    exit_status, printed = _run(command, environment=_environment(settings, cache.parent), seconds=seconds)
    return next(_documents(printed), {}) if not exit_status else None


def list_all(settings: Settings, *, source: Path, cache: Path, seconds: float) -> str | None:
    """`hugo list all`: every page with its dates, as CSV. None if hugo fails, though it has built these sources."""
    environment = {**_environment(settings, cache.parent), "HUGO_CACHEDIR": str(cache)}
    command = [str(settings.hugo), "list", "all", "--source", str(source)]
    exit_status, printed = _run(command, environment=environment, seconds=seconds)
    if exit_status:
        print(f"WARN the dates of the posts are not known, so none is scheduled: {printed.strip()}")
        return None
    return printed[max(printed.find("path,"), 0) :]


def _where(settings: Settings, source: Path, cache: Path) -> tuple[str, ...]:
    base_url = ("--baseURL", settings.base_url) if settings.base_url else ()
    return ("--source", str(source), "--cacheDir", str(cache), *base_url)


def _documents(printed: str) -> Iterator[dict[str, Any]]:
    """`hugo config mounts` prints one JSON object after another."""
    decoder, at = json.JSONDecoder(), printed.find("{")
    while at >= 0:
        document, end = decoder.raw_decode(printed, at)
        yield document
        at = printed.find("{", end)


def _run(command: list[str], *, environment: dict[str, str], seconds: float) -> tuple[int, str]:
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=max(seconds - RESERVE_SECONDS, 0.1))
        except subprocess.TimeoutExpired as late:
            os.killpg(process.pid, signal.SIGKILL)
            raise HugoDied(
                f"hugo was still building after {late.timeout:.0f} s: give the function more time or more memory."
            ) from late
    if process.returncode < 0:
        ended_by = signal.Signals(-process.returncode).name
        raise HugoDied(f"hugo was ended by {ended_by}: a large site may need a function with more memory.")
    return process.returncode, printed


def _environment(settings: Settings, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HUGO_ENABLEGITINFO": "false",  # no repository is ever among the sources (`lint` tells), and hugo fails without
        **dict(settings.hugo_variables),
    }
