"""What hugo keeps of images and styles (`resources/_gen`, its cacheDir), carried over to a cold environment.

Kept by content: `cache/SHA256` in the state bucket; `cache.json` says which file has which, and when a build last used
it. Files that only hugo knows how to name never change under a name, so a file that is listed is not looked at again.
What was not used for longest makes room. None of it is worth a build: where the cache cannot be read or kept, hugo
makes the files again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path, PurePosixPath

from botocore.exceptions import BotoCoreError, ClientError

from sitebuilder import buckets
from sitebuilder.state import State
from sitebuilder.workspace import Workspace

INDEX = "cache.json"
GENERATED = Path("resources/_gen")
#: The hour of a file's last use is written down, and no finer: a build that makes nothing new writes nothing.
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    digest: str
    size: int = 0
    """0: noted by a former version, which did not know; the next build does."""
    used: float = 0.0


class Caches:
    def __init__(self, state: State, workspace: Workspace, *, max_bytes: int) -> None:
        self._state = state
        self._workspace = workspace
        self._max_bytes = max_bytes
        self._index: dict[str, Kept] | None = None

    def restore(self) -> None:
        """Into an empty workspace. A file that is damaged or gone is left out."""
        _never_failing(self._restore)

    def save(self, sources: Collection[str], *, made: Collection[str]) -> None:
        """What the last build has added; `made` is the paths of its outputs. `sources` are no cache, even where they
        came with a resources folder."""
        _never_failing(lambda: self._save(sources, {PurePosixPath(path).name for path in made}))

    def _restore(self) -> None:
        self._index = self._read_index()
        buckets.in_parallel(self._restore_one, self._index.items())

    def _save(self, sources: Collection[str], made: Collection[str]) -> None:
        before = self._index if self._index is not None else self._read_index()
        here = {name: file for name, file in self._files() if name not in sources}
        hour = time.time() // HOUR_SECONDS * HOUR_SECONDS
        index = {name: replace(kept, used=hour) if is_used(name, made) else kept for name, kept in before.items()}
        for name in (name for name, each in before.items() if not each.size and name in here):
            index[name] = replace(index[name], size=here[name].stat().st_size)
        for name in here.keys() - before.keys():
            content = here[name].read_bytes()
            index[name] = Kept(hashlib.sha256(content).hexdigest(), len(content), hour)
        kept = fitting(index, self._max_bytes)
        new = kept.keys() - before.keys()
        buckets.in_parallel(lambda name: self._keep(kept[name], here[name]), new)
        if kept != before:
            self._write_index(kept)
        self._forget(index, kept, here)
        self._index = kept

    def _forget(self, index: Mapping[str, Kept], kept: Mapping[str, Kept], here: Mapping[str, Path]) -> None:
        """After the index, so that it never names what is gone; with what somebody who died left unnamed. Here, too, or
        the next build would bring it back."""
        gone = index.keys() - kept.keys()
        if not gone:
            return
        needed = {self._key(each) for each in kept.values()}
        self._state.bucket.delete(self._state.bucket.list(self._state.key("cache/")).keys() - needed)
        for name in gone & here.keys():
            here[name].unlink(missing_ok=True)

    def _keep(self, kept: Kept, file: Path) -> None:
        self._state.bucket.write(self._key(kept), file.read_bytes())

    def _key(self, kept: Kept) -> str:
        return self._state.key(f"cache/{kept.digest}")

    def _files(self) -> Iterator[tuple[str, Path]]:
        for name, folder in (("source", self._workspace.source / GENERATED), ("cache", self._workspace.cache)):
            root = self._workspace.root / name
            yield from ((file.relative_to(root).as_posix(), file) for file in folder.rglob("*") if file.is_file())

    def _restore_one(self, entry: tuple[str, Kept]) -> None:
        name, kept = entry
        found = self._state.bucket.read(self._key(kept))
        if found is None or hashlib.sha256(found[0]).hexdigest() != kept.digest:
            return
        root = self._workspace.source if Path(name).is_relative_to(GENERATED) else self._workspace.cache
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(found[0])

    def _read_index(self) -> dict[str, Kept]:
        found = self._state.bucket.read(self._state.key(INDEX))
        try:
            entries = json.loads(found[0]) if found else {}
        except ValueError:
            entries = {}
        return {name: Kept(entry) if isinstance(entry, str) else Kept(*entry) for name, entry in entries.items()}

    def _write_index(self, index: Mapping[str, Kept]) -> None:
        entries = {name: astuple(kept) for name, kept in index.items()}
        self._state.bucket.write(self._state.key(INDEX), json.dumps(entries, ensure_ascii=False).encode())


def is_used(name: str, made: Collection[str]) -> bool:
    """A processed image is published under the name that it has in the cache; of other files (styles) nobody can tell,
    and they are small."""
    return not PurePosixPath(name).is_relative_to(GENERATED / "images") or PurePosixPath(name).name in made


def fitting(index: Mapping[str, Kept], max_bytes: int) -> dict[str, Kept]:
    """The last used ones, as far as there is room."""
    kept: dict[str, Kept] = {}
    room = max_bytes
    for name in sorted(index, key=lambda name: (-index[name].used, index[name].size, name)):
        room -= index[name].size
        if room < 0:
            break
        kept[name] = index[name]
    return kept


def _never_failing(work: Callable[[], None]) -> None:
    try:
        work()
    except (ClientError, BotoCoreError, OSError, ValueError, TypeError) as error:
        print(f"WARN the cache of images and styles is left as it is: {error}")
