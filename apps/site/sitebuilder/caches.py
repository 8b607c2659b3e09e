"""What hugo keeps of images and styles (`resources/_gen`, its cacheDir), carried over to a cold environment.

Kept by content: `cache/SHA256` in the state bucket, and `cache.json` says which file has which. Files that only hugo
knows how to name never change under a name, so a file that is listed is not looked at again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from sitebuilder import buckets
from sitebuilder.state import State
from sitebuilder.workspace import Workspace

#: Together; what does not fit is made again by the next cold build.
MAX_BYTES = 256 << 20
INDEX = "cache.json"
GENERATED = Path("resources/_gen")


class Caches:
    def __init__(self, state: State, workspace: Workspace) -> None:
        self._state = state
        self._workspace = workspace
        self._index: dict[str, str] | None = None

    def restore(self) -> None:
        """Into an empty workspace. A file that is damaged or gone is left out: hugo makes it again."""
        self._index = self._read_index()
        buckets.in_parallel(self._restore_one, self._index.items())

    def save(self, sources: Mapping[str, object]) -> None:
        """What the last build has added; `sources` are no cache, even where they came with a resources folder."""
        index = self._index if self._index is not None else self._read_index()
        new = {name: file for name, file in self._files() if name not in index and name not in sources}
        room = MAX_BYTES - sum(file.stat().st_size for name, file in self._files() if name in index)
        added: dict[str, str] = {}
        for name, file in new.items():
            room -= file.stat().st_size
            if room < 0:
                break
            content = file.read_bytes()
            added[name] = hashlib.sha256(content).hexdigest()
            self._state.bucket.write(self._state.key(f"cache/{added[name]}"), content)
        if added:
            index |= added
            self._state.bucket.write(self._state.key(INDEX), json.dumps(index, ensure_ascii=False).encode())
        self._index = index

    def _files(self) -> Iterator[tuple[str, Path]]:
        for name, folder in (("source", self._workspace.source / GENERATED), ("cache", self._workspace.cache)):
            root = self._workspace.root / name
            yield from ((file.relative_to(root).as_posix(), file) for file in folder.rglob("*") if file.is_file())

    def _restore_one(self, entry: tuple[str, str]) -> None:
        name, digest = entry
        found = self._state.bucket.read(self._state.key(f"cache/{digest}"))
        if found is None or hashlib.sha256(found[0]).hexdigest() != digest:
            return
        root = self._workspace.source if Path(name).is_relative_to(GENERATED) else self._workspace.cache
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(found[0])

    def _read_index(self) -> dict[str, str]:
        found = self._state.bucket.read(self._state.key(INDEX))
        index: dict[str, str] = json.loads(found[0]) if found else {}
        return index
