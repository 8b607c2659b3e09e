"""Batches: how many records go into one, and when it is full.

BatchSize records, or as many as fit the payload of a synchronous invocation (6 MB); with a tumbling window, none of a
later window. MaximumBatchingWindowInSeconds is the shell's business: it waits while `is_full` is false.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html, "Batching behavior"
"""

from dataclasses import field

from lambent.delivery.event_source_mappings.records import ENVELOPE_BYTES, PreparedRecord
from lambent.kit.frozen import mutable
from lambent.services.lambda_.payloads import MAX_SYNC_BYTES


@mutable
class Gathering:
    """A batch that is being filled from the log."""

    through: int
    """The last position that was looked at: wanted or not, what is up to here belongs to the batch."""
    max_records: int
    max_bytes: int = MAX_SYNC_BYTES - ENVELOPE_BYTES
    records: list[PreparedRecord] = field(default_factory=list)
    size_bytes: int = 0
    filtered_out: int = 0
    """Records that no filter wanted."""
    is_full: bool = False

    def pass_over(self, position: int) -> None:
        """A record that falls to another lane."""
        self.through = position

    def filter_out(self, position: int) -> None:
        """A record that no filter wants."""
        self.through = position
        self.filtered_out += 1

    def add(self, record: PreparedRecord) -> bool:
        """False: it did not fit any more. The first always does."""
        size = len(record.body) + 1
        if self.records and self.size_bytes + size > self.max_bytes:
            self.is_full = True
            return False
        self.records.append(record)
        self.size_bytes += size
        self.through = record.position
        self.is_full = len(self.records) >= self.max_records
        return True

    def close(self) -> None:
        """The next record belongs to another batch."""
        self.is_full = True
