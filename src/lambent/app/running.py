"""`lambent up`: the process around the platform."""

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import uvloop

from lambent.app import services
from lambent.app.platform import Platform, StartError
from lambent.kit.frozen import frozen
from lambent.net import doorway
from lambent.sandbox.isolation.contract import IsolationUnavailable
from lambent.services.s3 import checksums
from lambent.settings import Settings
from lambent.storage.errors import StorageError

#: Objects allocated between two looks for cycles; requests make hardly any, and each look costs them.
GARBAGE_THRESHOLD = 20_000

#: After the start: what the first requests would otherwise wait for, and the first answer need not.
PRELOAD_SECONDS = 0.3
#: Between one portion of it and the next, for those who ask meanwhile.
PRELOAD_PAUSE_SECONDS = 0.03


@frozen
class Ready:
    """What somebody who waits for the platform wants to know."""

    endpoint: str
    data: Path
    isolation: str


def _settle_garbage() -> None:
    """What was made so far lives as long as the process: never look at it again. And look less often at the rest.

    It is not searched for garbage either: that took 30 ms of the start and found none.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()


def run(settings: Settings, *, on_ready: Callable[[Ready], None]) -> int:
    """`lambent up`: serve until SIGTERM or Ctrl-C, drain, and return 0. Raises StartError."""
    _raise_file_limit()
    gc.disable()  # until all is built
    try:
        uvloop.run(_run(settings, on_ready))
    except ExceptionGroup as group:  # how a TaskGroup passes on what was raised in it
        expected, unexpected = group.split(_REFUSALS)
        if expected is None or unexpected is not None:
            raise
        raise StartError(str(_first(expected))) from group
    except _REFUSALS as error:
        raise StartError(str(error)) from error
    return 0


#: For connections, objects being read, and a handful per execution environment.
_WANTED_FILES = 65_536


def _raise_file_limit() -> None:
    """Systems start a process with 1,024 descriptors, which a few busy functions would use up; it may take more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError):  # macOS has a further limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


#: What keeps a platform from starting, for reasons its operator can do something about.
_REFUSALS = (StartError, StorageError, IsolationUnavailable)


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _run(settings: Settings, on_ready: Callable[[Ready], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Platform.started(settings) as platform:
        _settle_garbage()
        late = (checksums.preload, doorway.preload, *services.preloads(platform.parts.gateway), _settle_garbage)
        for place, preload in enumerate(late):
            loop.call_later(PRELOAD_SECONDS + place * PRELOAD_PAUSE_SECONDS, preload)
        on_ready(Ready(platform.endpoint, settings.data, platform.parts.pool.isolation))
        await stop.wait()
