"""Job: a piece of work on its way through the writer, and what came of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from lambent.kit.frozen import mutable
from lambent.storage.transaction import Transaction

Work = Callable[[Transaction], Any]
#: Takes what each was submitted with, and returns for each a result, or the exception it is to be answered with.
SharedWork = Callable[[Transaction, Sequence[Any]], Sequence[Any]]


@mutable
class Job:
    work: Work | SharedWork
    answer: asyncio.Future[Any]
    is_shared: bool = False
    given: Any = None
    """What shared work is to be done with."""
    topic: str = ""
    """What a standing order waits for."""
    is_in_line: bool = False
    """A standing order that waits behind others of its kind."""
    result: Any = None
    error: BaseException | None = None
