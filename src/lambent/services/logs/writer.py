"""LogWriter: takes every line that functions print, at the speed they print it.

`append` only puts the line into a buffer (and shows it to live tails); every few milliseconds all buffers of all log
streams go into one transaction, one chunk per stream. Nobody waits for it: a line is not acknowledged, so a kill of
the platform may cost the last few milliseconds of output, never an invocation. If the disk does not keep up or is
full, lines wait in bounded memory and then are dropped, leaving one line that says how many.
"""

import asyncio
import itertools

from lambent.kit.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.chunks import Batch
from lambent.services.logs.live_tail import LiveTails, TailedEvent
from lambent.services.logs.names import GroupKey
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: How long lines gather before they are written. Measured in real time even under a virtual clock: it is the
#: machine's breath, not part of what the platform promises.
FLUSH_SECONDS = 0.02
#: Pause after a flush that the disk refused.
RETRY_SECONDS = 1.0
#: Bytes of lines that wait for the disk; beyond, lines are dropped and counted.
MAX_WAITING_BYTES = 32 << 20
#: Streams in one transaction: bounds how long another write waits behind it (35 us each).
STREAMS_PER_TRANSACTION = 50
#: Longer lines are cut into several events, as Lambda does at the size of an event (256 KB; Lambda, "log limits").
MAX_LINE_BYTES = 256 << 10

#: What a line costs in memory beside its text.
_LINE_OVERHEAD_BYTES = 64


class _Buffer:
    """Lines of one log stream that wait for the next flush."""

    __slots__ = ("dropped", "lines", "size", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.lines: list[bytes] = []
        self.size = 0
        self.dropped = 0


_Buffers = dict[tuple[GroupKey, str], _Buffer]


class LogWriter:
    def __init__(self, database: Database, tails: LiveTails, clock: Clock) -> None:
        self._database = database
        self._tails = tails
        self._clock = clock
        self._buffers: _Buffers = {}
        self._waiting_bytes = 0
        self._written = asyncio.Lock()
        self._filled = asyncio.Event()

    def append(self, group: GroupKey, stream: str, time_ms: int, line: bytes) -> None:
        """One line, without its newline. Never blocks, never raises; group and stream are made as needed."""
        buffer = self._buffers.get((group, stream))
        if buffer is None:
            buffer = self._buffers[group, stream] = _Buffer()
            self._filled.set()
        if self._waiting_bytes > MAX_WAITING_BYTES:
            buffer.dropped += 1
        elif len(line) > MAX_LINE_BYTES:
            self._append_long(buffer, time_ms, line)
        else:
            buffer.times.append(time_ms)
            buffer.lines.append(line)
            size = len(line) + _LINE_OVERHEAD_BYTES
            buffer.size += size
            self._waiting_bytes += size
        if self._tails.is_watching(group):
            self._tails.publish(TailedEvent(group, stream, time_ms, line + b"\n", self._clock.now_ms()))

    async def run(self) -> None:
        """Flush for ever, until cancelled; then `close`."""
        while True:
            await self._filled.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            if not await self.flush():
                await asyncio.sleep(RETRY_SECONDS)

    async def flush(self) -> bool:
        """Write what was appended so far; False if the disk refused (the lines wait on)."""
        async with self._written:  # one at a time: chunks of a stream are written in the order of their lines
            buffers, self._buffers = self._buffers, {}
            self._filled.clear()
            try:
                while buffers:
                    await self._write_some(buffers)
            except StorageError:
                return False
            finally:  # refused or cancelled
                if buffers:
                    self._put_back(buffers)
            return True

    async def _write_some(self, buffers: _Buffers) -> None:
        """Take some streams out of `buffers` and write them; what is cancelled meanwhile is written nevertheless."""
        portion = {key: buffers.pop(key) for key in list(itertools.islice(buffers, STREAMS_PER_TRANSACTION))}
        now_ms = self._clock.now_ms()
        try:
            await self._database.write(lambda tx: _write(tx, portion, now_ms))
        except StorageError:
            buffers |= portion
            raise
        self._waiting_bytes -= sum(buffer.size for buffer in portion.values())

    async def close(self) -> None:
        await self.flush()

    def _append_long(self, buffer: _Buffer, time_ms: int, line: bytes) -> None:
        for start in range(0, len(line), MAX_LINE_BYTES):
            buffer.times.append(time_ms)
            buffer.lines.append(line[start : start + MAX_LINE_BYTES])
        buffer.size += len(line)
        self._waiting_bytes += len(line)

    def _put_back(self, buffers: _Buffers) -> None:
        """Before what came meanwhile."""
        for key, newer in self._buffers.items():
            older = buffers.setdefault(key, _Buffer())
            older.times += newer.times
            older.lines += newer.lines
            older.size += newer.size
            older.dropped += newer.dropped
        self._buffers = buffers
        self._filled.set()


def _write(tx: Transaction, buffers: _Buffers, now_ms: int) -> None:
    groups: dict[GroupKey, dict[str, Batch]] = {}
    for (group, stream), buffer in buffers.items():
        groups.setdefault(group, {})[stream] = _batch(buffer, now_ms)
    for group, batches in groups.items():
        store.append_lines(tx, group, batches, now_ms=now_ms)


def _batch(buffer: _Buffer, now_ms: int) -> Batch:
    """Lambda's events end with the newline that ended the line (Lambda guide, "Sample log retrieval script")."""
    times, lines = buffer.times, buffer.lines
    if buffer.dropped:
        times, lines = [*times, max([now_ms, *times[-1:]])], [*lines, _notice(buffer.dropped)]
    return Batch(times, [line + b"\n" for line in lines])


def _notice(dropped: int) -> bytes:
    return f"LAMBENT {dropped} log lines dropped: they came faster than the disk could take them".encode()
