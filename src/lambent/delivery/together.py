"""Many pieces of work in one transaction; if that fails, one by one: a bug holds up only what it concerns."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)


async def done(
    database: Database,
    things: Sequence[T],
    work: Callable[[Transaction, T], R],
    failed: Callable[[T, Exception], Awaitable[None]],
) -> AsyncIterator[tuple[T, R]]:
    """Each with what came of it, once that is on disk; `failed` is told of those that raised alone.

    Raises StorageError, which is about no one of them.
    """
    try:
        outcomes = await database.write(lambda tx: [work(tx, one) for one in things])
    except StorageError:
        raise
    except Exception as error:
        if len(things) == 1:
            await failed(things[0], error)
            return
        log.exception("%d pieces of work failed together; each is tried by itself", len(things))
        for one in things:
            async for thing, outcome in done(database, (one,), work, failed):
                yield thing, outcome
        return
    for thing, outcome in zip(things, outcomes, strict=True):
        yield thing, outcome
