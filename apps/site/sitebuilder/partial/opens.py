"""Which files did a program open? Linux says (inotify): exactly, to any user, whatever language the program is of."""

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

#: inotify(7): a file was opened; events were lost.
_OPEN, _OVERFLOW = 0x20, 0x4000
_EVENT = struct.Struct("iIII")
_READ_BYTES = 64 << 10


class Unwatchable(Exception):
    """The system cannot watch these files: there is no inotify, or there are too many."""


@contextlib.contextmanager
def watched(files: Collection[Path]) -> Iterator[Callable[[], frozenset[Path]]]:
    """Calls of what it yields return those that were opened since. The first call is for after the program's end."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    except AttributeError as error:
        raise Unwatchable("no inotify here") from error
    if descriptor < 0:
        raise Unwatchable(os.strerror(ctypes.get_errno()))
    try:
        by_number: dict[int, Path] = {}
        for file in files:
            number = libc.inotify_add_watch(descriptor, os.fsencode(file), _OPEN)
            if number < 0:
                raise Unwatchable(os.strerror(ctypes.get_errno()))
            by_number[number] = file
        yield lambda: _opened(descriptor, by_number)
    finally:
        os.close(descriptor)


def _opened(descriptor: int, by_number: dict[int, Path]) -> frozenset[Path]:
    found: set[Path] = set()
    with contextlib.suppress(BlockingIOError):
        while events := os.read(descriptor, _READ_BYTES):
            at = 0
            while at < len(events):
                number, mask, _, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                if mask & _OVERFLOW:
                    return frozenset(by_number.values())
                found.add(by_number[number])
    return frozenset(found)
