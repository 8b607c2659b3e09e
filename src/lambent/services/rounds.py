"""Rounds: work that is done again and again, as long as the platform runs, because something gets old with time."""

import logging
from collections.abc import Awaitable, Callable

from lambent.kit.clock import Clock
from lambent.storage.errors import StorageError

logger = logging.getLogger(__name__)


async def every(seconds: float, work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """The first round at once; for ever, until cancelled."""
    while True:
        try:
            await work()
        except StorageError:
            pass  # a full disk: whoever writes is told, and the next round tries again
        except Exception:
            # Whatever it is: what is old must wait for its mending, and not stop the platform.
            logger.exception("a round of upkeep failed; the next one tries again")
        await clock.sleep(seconds)
