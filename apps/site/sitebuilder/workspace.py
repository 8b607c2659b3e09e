"""The sources as files under /tmp, kept from one invocation to the next: a warm one fetches only what changed.

`sources.json` says what the folder holds. It is removed before the first file changes and written after the last, so a
folder without it is of unknown content (an invocation died in there) and is made anew.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from sitebuilder import buckets, packs, sources
from sitebuilder.buckets import Bucket
from sitebuilder.packs import Packed
from sitebuilder.sources import Source

#: hugo writes it among the sources (`build.writeStats`), where the next build would read it.
WRITTEN_BY_HUGO = "hugo_stats.json"


@dataclass(frozen=True, slots=True)
class Synced:
    fetched: int
    """Objects downloaded one by one."""
    unpacked: int
    bytes: int


class Workspace:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "source"
        self.output = root / "output"
        self.cache = root / "cache"
        self._record = root / "sources.json"

    def holds(self) -> dict[str, Source]:
        """What is in `source`, exactly; a folder of unknown content is emptied."""
        try:
            document = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            self.empty()
            return {}
        return {key: Source(*fields) for key, fields in document.items()}

    def empty(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.source.mkdir(parents=True)
        self.cache.mkdir()

    def sync(
        self, bucket: Bucket, wanted: Mapping[str, Source], pack: Callable[[], tuple[Mapping[str, Packed], int]]
    ) -> Synced:
        """Make `source` hold exactly the wanted sources. Raises buckets.Changed if the bucket is not as listed.

        `pack` brings the packed sources, and what they weighed; it is called only if there is much to fetch.
        """
        plan = sources.plan_sync(self.holds(), wanted)
        self._record.unlink(missing_ok=True)
        for key in plan.remove:
            self._remove(key)
        for folder in {(self.source / key).parent for key in plan.fetch}:
            folder.mkdir(parents=True, exist_ok=True)
        packed, weight = pack() if len(plan.fetch) >= packs.WORTH_A_PACK else ({}, 0)
        unpacked = [key for key in plan.fetch if key in packed and packed[key].etag == wanted[key].etag]
        for key in unpacked:
            (self.source / key).write_bytes(packed[key].content)
        single = sorted(set(plan.fetch).difference(unpacked))
        buckets.in_parallel(lambda key: bucket.download(key, wanted[key].etag, self.source / key), single)
        for key in (*plan.fetch, *plan.touch):
            os.utime(self.source / key, (wanted[key].modified, wanted[key].modified))
        self._note(wanted)
        return Synced(len(single), len(unpacked), weight + sum(wanted[key].size for key in single))

    def packed(self, wanted: Mapping[str, Source]) -> dict[str, Packed]:
        """The files that belong into a pack."""
        return {key: Packed(wanted[key].etag, (self.source / key).read_bytes()) for key in packs.packable(wanted)}

    def text(self, key: str) -> str:
        return (self.source / key).read_text(encoding="utf-8", errors="replace")

    def fresh_output(self, name: str = "output") -> Path:
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def forget_generated(self) -> None:
        """After a build: what hugo wrote among the sources is none."""
        if (self.source / WRITTEN_BY_HUGO).exists():
            holds = self.holds()
            holds.pop(WRITTEN_BY_HUGO, None)
            self._remove(WRITTEN_BY_HUGO)
            self._note(holds)

    def _note(self, holds: Mapping[str, Source]) -> None:
        self._record.write_text(json.dumps({key: astuple(source) for key, source in holds.items()}))

    def _remove(self, key: str) -> None:
        """The file, and the folders it leaves empty: S3 has no empty folders."""
        file = self.source / key
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self.source or any(folder.iterdir()):
                return
            folder.rmdir()
