"""Which objects are sources, and what must happen to make a folder hold exactly them?                   (pure)

The whole bucket is the site's source tree: hugo lets a site mount any folder (`module.mounts`), so there is no list of
folders to keep, only a short one of what is never source. Keys that no file system can hold are left out, by the same
rule every time, so that two builds of one bucket see the same tree.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: At the root of the bucket: hugo's own output and lock. Names that begin with a dot (.git) are left out there too.
NEVER_SOURCE = frozenset({"public", ".hugo_build.lock"})
#: Anywhere: what file managers leave behind.
LITTER = frozenset({".DS_Store", "Thumbs.db"})
#: Linux: the longest name of one file, in bytes.
MAX_NAME_BYTES = 255
CONFIG_STEMS = ("hugo", "config")
CONFIG_SUFFIXES = (".toml", ".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """One object as the listing shows it."""

    etag: str
    modified: float
    """Seconds since the epoch. hugo can date a page by its file (`:fileModTime`): the file gets the object's time."""
    size: int = 0


@dataclass(frozen=True, slots=True)
class SyncPlan:
    remove: tuple[str, ...]
    fetch: tuple[str, ...]
    touch: tuple[str, ...]
    """Same content, new time: the same bytes were uploaded again."""


def is_source(key: str) -> bool:
    segments = key.split("/")
    if any(segment in ("", ".", "..") or "\0" in segment for segment in segments):
        return False
    if any(len(segment.encode()) > MAX_NAME_BYTES for segment in segments):
        return False
    root = segments[0]
    return not (root.startswith(".") or root in NEVER_SOURCE or segments[-1] in LITTER)


def select(listing: Mapping[str, Source]) -> dict[str, Source]:
    """The sources among the listed objects. Where a key is also a "folder" of another (`a`, `a/b`), the folder wins."""
    wanted = {key: source for key, source in listing.items() if is_source(key)}
    for folder in _folders(wanted):
        wanted.pop(folder, None)
    return wanted


def has_configuration(keys: Iterable[str]) -> bool:
    """Without one hugo cannot start: the sources are still on their way."""
    names = {stem + suffix for stem in CONFIG_STEMS for suffix in CONFIG_SUFFIXES}
    return any(key in names or key.startswith("config/") for key in keys)


def plan_sync(have: Mapping[str, Source], want: Mapping[str, Source]) -> SyncPlan:
    return SyncPlan(
        remove=tuple(sorted(have.keys() - want.keys())),
        fetch=tuple(sorted(key for key in want if key not in have or have[key].etag != want[key].etag)),
        touch=tuple(
            sorted(key for key in want if key in have and have[key].etag == want[key].etag and have[key] != want[key])
        ),
    )


def fingerprint(wanted: Mapping[str, Source], recipe: str) -> str:
    """Equal fingerprints, equal sites."""
    digest = hashlib.sha256(recipe.encode())
    for key in sorted(wanted):
        source = wanted[key]
        digest.update(repr((key, source.etag, source.modified)).encode())
    return digest.hexdigest()


def _folders(keys: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for key in keys:
        folder = key.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders
