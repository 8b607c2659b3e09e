"""The consumer: read a log from the checkpoint, work, commit the effects together with the checkpoint.

Everything that happens after a commit has this form. The work is split in two: `decide` looks at the records and the
committed state and answers with the effects; the effects are SQL in one transaction with the checkpoint. Killed at any
moment, a consumer starts again at its checkpoint: no effect is lost and none is committed twice. The commit that
appends wakes it; it never polls.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from lambent.delivery import checkpoints
from lambent.delivery.checkpoints import CheckpointMoved
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.storage import log as storage_log
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

AfterCommit = Callable[[], None]
Effects = Callable[[Transaction], AfterCommit | None]
"""May return what is to be done once they are on disk: to tell people, never anything that must not be lost."""


@frozen
class Portion:
    """What follows from the first `count` records of a batch, which is enough for one transaction."""

    effects: Effects
    count: int
    """At least 1; the others are decided on again."""


Decide = Callable[[Sequence[LogRecord]], Effects | Portion | Awaitable[Effects | Portion]]

#: Records per transaction: shares one commit among many, and bounds how long `decide` keeps the event loop.
MAX_BATCH = 256

#: Pause after a failure (a full disk, or a bug) before the same records are tried again.
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Consumer:
    """One reader of one log. `decide` is called on the event loop; what takes long it awaits."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        log: str,
        name: str,
        decide: Decide,
        max_batch: int = MAX_BATCH,
        max_bytes: int | None = None,
    ) -> None:
        """`max_bytes`: of the payloads of one batch, which has at least one record; for logs of large ones."""
        self._database = database
        self._clock = clock
        self._log = log
        self._name = name
        self._decide = decide
        self._max_batch = max_batch
        self._max_bytes = max_bytes

    async def run(self) -> None:
        """Runs until cancelled; a batch that fails is tried again, and what failed is logged."""
        topic = storage_log.topic(self._log)
        appended = self._database.subscribe(topic)
        try:
            while True:
                try:
                    while await self._consume_batch():
                        pass
                except CheckpointMoved:
                    # A commit of ours, cancelled while it was on its way, or another node's: look again where we stand.
                    continue
                except Exception:
                    # Whatever it is: records must wait for its mending, neither be skipped nor stop the platform.
                    logger.exception("consumer %s of log %s failed; it tries again", self._name, self._log)
                    await self._clock.sleep(RETRY_SECONDS)
                else:
                    await appended.wait()
        finally:
            self._database.unsubscribe(topic, appended)

    async def _consume_batch(self) -> bool:
        """False if there was nothing to read."""
        start, records = self._database.read(self._read)
        if not records:
            return False
        decided = self._decide(records)
        decision = await decided if isinstance(decided, Awaitable) else decided
        portion = decision if isinstance(decision, Portion) else Portion(decision, len(records))
        end = records[portion.count - 1].position

        def commit(tx: Transaction) -> AfterCommit | None:
            checkpoints.advance(tx, self._log, self._name, start=start, end=end)
            after_commit = portion.effects(tx)
            storage_log.trim(tx, self._log, checkpoints.slowest(tx, self._log))
            return after_commit

        after_commit = await self._database.write(commit)
        if after_commit is not None:
            after_commit()
        return True

    def _read(self, tx: Transaction) -> tuple[int, list[LogRecord]]:
        start, count = checkpoints.find(tx, self._log, self._name), self._max_batch
        if self._max_bytes is not None:
            count = storage_log.count_within(tx, self._log, start, count, self._max_bytes)
        return start, storage_log.read_after(tx, self._log, start, count)
