"""Parallelization: the lanes of a shard, and what becomes of their positions when their number changes.

A partition key falls into one of SLOTS slots, a lane is a range of slots: so the records of a key are always one
lane's, in order. When ParallelizationFactor changes, each new lane begins at the earliest position of the old ones it
takes slots from, and knows for which slots it was further: nothing is lost, nothing settled is delivered again, no
lane has to wait for another.
"""

import itertools
import zlib
from collections.abc import Iterator, Sequence

from lambent.delivery.event_source_mappings.progress import Ahead, Progress

#: Divisible by every ParallelizationFactor from 1 to 10.
SLOTS = 2520


def slot_of(partition_key: bytes) -> int:
    return zlib.crc32(partition_key) % SLOTS


def slots_of(lane: int, lanes: int) -> range:
    width = SLOTS // lanes
    return range(lane * width, (lane + 1) * width)


def is_pending(progress: Progress, slot: int, position: int) -> bool:
    """Is a record behind the lane's position still to be delivered?"""
    return not any(one.low <= slot < one.high and position <= one.position for one in progress.ahead)


def divided(old: Sequence[Progress], lanes: int) -> list[Progress]:
    """The progress of `lanes` lanes that take over from the old ones. Open tumbling windows begin again."""
    pieces = [piece for lane, progress in enumerate(old) for piece in _pieces(progress, slots_of(lane, len(old)))]
    closed_ms = min((progress.windows_closed_ms for progress in old), default=0)
    return [_taken_over(pieces, slots_of(lane, lanes), closed_ms) for lane in range(lanes)]


def _pieces(progress: Progress, slots: range) -> Iterator[Ahead]:
    """The lane's range of slots, cut where positions differ."""
    progress = progress.rewound()
    edges = {slots.start, slots.stop}
    for one in progress.ahead:
        edges |= {edge for edge in (one.low, one.high) if edge in slots}
    ordered = sorted(edges)
    for low, high in itertools.pairwise(ordered):
        settled = [one.position for one in progress.ahead if one.low <= low < one.high]
        yield Ahead(low, high, max([progress.position, *settled]))


def _taken_over(pieces: Sequence[Ahead], slots: range, closed_ms: int) -> Progress:
    taken = [
        Ahead(max(one.low, slots.start), min(one.high, slots.stop), one.position)
        for one in pieces
        if one.low < slots.stop and one.high > slots.start
    ]
    position = min(one.position for one in taken)
    ahead = tuple(one for one in taken if one.position > position)
    return Progress(position, ahead=ahead, windows_closed_ms=closed_ms)
