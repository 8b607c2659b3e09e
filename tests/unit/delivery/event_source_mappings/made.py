"""Records for the tests of rules."""

from collections.abc import Sequence

from lambent.delivery.event_source_mappings.failures import Batch
from lambent.delivery.event_source_mappings.progress import Section
from lambent.delivery.event_source_mappings.records import PreparedRecord


def record(position: int, *, time_ms: int = 0, body: bytes = b"{}") -> PreparedRecord:
    return PreparedRecord(position, time_ms, f"s{position}", body)


def batch(positions: Sequence[int], *, through: int = 0, attempts: int = 0, invocations: int = 0) -> Batch:
    """`through` is the last position if it is not given."""
    return Batch([record(one) for one in positions], Section(through or positions[-1], attempts, invocations))
