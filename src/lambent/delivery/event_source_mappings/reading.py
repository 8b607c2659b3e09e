"""Reading: from the log of a shard into a batch, what falls to a lane, passes the filters and fits."""

from dataclasses import field

from lambent.delivery.event_source_mappings import parallel, windows
from lambent.delivery.event_source_mappings.batching import Gathering
from lambent.delivery.event_source_mappings.filters import IsWanted
from lambent.delivery.event_source_mappings.progress import Progress
from lambent.delivery.event_source_mappings.records import PreparedRecord, prepare
from lambent.delivery.event_source_mappings.sources import LogSource, Shard, SourceRecord
from lambent.kit.frozen import mutable
from lambent.storage.database import Database

#: Records of one read on the event loop.
MAX_PAGE = 256
#: What such a read should not exceed; the page follows the size of the records.
PAGE_BYTES = 512 * 1024


@mutable
class LaneReader:
    database: Database
    source: LogSource
    shard: Shard
    slots: range
    is_wanted: IsWanted | None
    tumbling_ms: int
    _record_bytes: float = 8192.0
    """A running mean."""
    _page: list[SourceRecord] = field(default_factory=list)
    """Read last; what a full batch left of it need not be read again."""

    def fill(self, gathering: Gathering, progress: Progress) -> bool:
        """Read on behind what `gathering` has seen. True: that was the end of the log."""
        page, is_end = self._next_page(gathering.through)
        window_ms = self._window_of(gathering, progress)
        for record in page:
            if not self._is_ours(record, progress):
                gathering.pass_over(record.position)
                continue
            if not self._is_wanted(record):
                gathering.filter_out(record.position)
                continue
            if self.tumbling_ms:
                if window_ms is None:
                    window_ms = windows.start_of(record.time_ms, self.tumbling_ms, progress.windows_closed_ms)
                elif not windows.belongs(progress, window_ms, record.time_ms, self.tumbling_ms):
                    gathering.close()
                    return False
            if not self._add(gathering, record):
                return False
        return is_end

    def _next_page(self, after: int) -> tuple[list[SourceRecord], bool]:
        """Records behind a position, and whether there were no more when they were read."""
        page = self._page
        if page and page[0].position <= after + 1 and after < page[-1].position:
            return page[after + 1 - page[0].position :], False
        limit = max(1, min(MAX_PAGE, int(PAGE_BYTES / self._record_bytes)))
        page = self._page = self.database.read(lambda tx: self.source.read(tx, self.shard, after, limit))
        return page, len(page) < limit

    def section(self, progress: Progress, through: int) -> list[PreparedRecord]:
        """What is left of a stretch of the log that was tried before."""
        found: list[PreparedRecord] = []
        after = progress.position
        while after < through:
            page = self.database.read(
                lambda tx, after=after: self.source.read(tx, self.shard, after, MAX_PAGE)  # type: ignore[misc]  # bound
            )
            due = (one for one in page if one.position <= through and self._is_ours(one, progress))
            found += [prepare(one) for one in due if self._is_wanted(one)]
            if not page:
                break
            after = page[-1].position
        return found

    def _is_ours(self, record: SourceRecord, progress: Progress) -> bool:
        slots = self.slots
        if len(slots) < parallel.SLOTS or progress.ahead:
            slot = parallel.slot_of(record.partition_key)
            if slot not in slots or not parallel.is_pending(progress, slot, record.position):
                return False
        return True

    def _is_wanted(self, record: SourceRecord) -> bool:
        return self.is_wanted is None or self.is_wanted(record.event)

    def _window_of(self, gathering: Gathering, progress: Progress) -> int | None:
        """The window that what comes must belong to."""
        if not self.tumbling_ms:
            return None
        if progress.window is not None:
            return progress.window.start_ms
        if gathering.records:
            return windows.start_of(gathering.records[0].time_ms, self.tumbling_ms, progress.windows_closed_ms)
        return None

    def _add(self, gathering: Gathering, record: SourceRecord) -> bool:
        prepared = prepare(record)
        self._record_bytes = 0.9 * self._record_bytes + 0.1 * len(prepared.body)
        return gathering.add(prepared) and not gathering.is_full
