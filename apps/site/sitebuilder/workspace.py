"""The sources as files under /tmp, kept from one invocation to the next: a warm one fetches only what changed.

`sources.json` says what the folder holds. It is removed before the first file changes and written after the last, so a
folder without it is of unknown content (an invocation died in there) and is made anew.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from sitebuilder import buckets, sources
from sitebuilder.buckets import Bucket
from sitebuilder.sources import Source, SyncPlan

#: hugo writes it among the sources (`build.writeStats`), where the next build would read it.
WRITTEN_BY_HUGO = "hugo_stats.json"


class Workspace:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.source = root / "source"
        self.output = root / "output"
        self.cache = root / "cache"
        self._record = root / "sources.json"

    def sync(self, bucket: Bucket, wanted: Mapping[str, Source]) -> SyncPlan:
        """Make `source` hold exactly the wanted sources. Raises buckets.Changed if the bucket is not as listed."""
        plan = sources.plan_sync(self._holds(), wanted)
        self._record.unlink(missing_ok=True)
        for key in plan.remove:
            self._remove(key)
        for folder in {(self.source / key).parent for key in plan.fetch}:
            folder.mkdir(parents=True, exist_ok=True)
        buckets.in_parallel(lambda key: bucket.download(key, wanted[key].etag, self.source / key), plan.fetch)
        for key in (*plan.fetch, *plan.touch):
            os.utime(self.source / key, (wanted[key].modified, wanted[key].modified))
        self._record.write_text(json.dumps({key: astuple(source) for key, source in wanted.items()}))
        return plan

    def fresh_output(self) -> Path:
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        return self.output

    def forget_generated(self) -> None:
        """After a build: what hugo wrote among the sources is none."""
        if (self.source / WRITTEN_BY_HUGO).exists():
            holds = self._holds()
            holds.pop(WRITTEN_BY_HUGO, None)
            self._remove(WRITTEN_BY_HUGO)
            self._record.write_text(json.dumps({key: astuple(source) for key, source in holds.items()}))

    def _holds(self) -> dict[str, Source]:
        try:
            document = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            shutil.rmtree(self._root, ignore_errors=True)
            self.source.mkdir(parents=True)
            self.cache.mkdir()
            return {}
        return {key: Source(*fields) for key, fields in document.items()}

    def _remove(self, key: str) -> None:
        """The file, and the folders it leaves empty: S3 has no empty folders."""
        file = self.source / key
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self.source or any(folder.iterdir()):
                return
            folder.rmdir()
