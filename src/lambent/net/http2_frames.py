"""Frames on their way into h2, looked at first: floods end the connection, a farewell does not.

Some frames cost their sender nothing and make work here: pings and settings want an answer, a reset undoes a request
that was begun, priorities and empty pieces of data do nothing at all. A connection has a supply of them that grows
again slowly; one that uses it up is answered with ENHANCE_YOUR_CALM and closed. Window updates come with what we send,
so those are counted against it. (Header blocks without end, in size and in number of frames, h2 refuses itself.)

h2 takes a GOAWAY for the end of everything and would refuse the rest of the requests under way, whose answers a client
that says farewell waits for (RFC 9113, 6.8: Node.js does when a session is closed). So h2 does not get to see it.
"""

from collections.abc import Callable

from h2.exceptions import DenialOfServiceError, FrameTooLargeError
from h2.frame_buffer import FrameBuffer
from hyperframe.frame import (
    AltSvcFrame,
    DataFrame,
    ExtensionFrame,
    Frame,
    GoAwayFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from lambent.net.limits import Limits

_NUISANCES = (PingFrame, SettingsFrame, PriorityFrame, RstStreamFrame, ExtensionFrame, AltSvcFrame)
_LENGTH_BYTES = 3  # a frame begins with its length (RFC 9113, 4.1)
#: For each frame of data that we send: one update of its stream's window, one of the connection's, and some to spare.
_UPDATES_EACH = 4


class Patience:
    """A supply of nuisances, refilled with time."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._most = float(limits.http_2_nuisances)
        self._per_second = limits.http_2_nuisances_per_second
        self._now = now
        self._left = self._most
        self._since = now()
        self._free_updates = 0

    def use(self, count: int = 1) -> None:
        """Raises DenialOfServiceError when there are none left."""
        now = self._now()
        self._left = min(self._most, self._left + (now - self._since) * self._per_second) - count
        self._since = now
        if self._left < 0:
            raise DenialOfServiceError("too many frames that bring nothing")

    def data_sent(self) -> None:
        self._free_updates += _UPDATES_EACH

    def use_update(self) -> None:
        """Raises DenialOfServiceError."""
        if self._free_updates:
            self._free_updates -= 1
        else:
            self.use()


class Inspection(FrameBuffer):
    """h2's own cutting of bytes into frames, with a look at each. (A subclass, for that is the seam h2 has.)"""

    def __init__(self, patience: Patience) -> None:
        super().__init__(server=True)
        self._patience = patience
        self.is_farewell = False
        """The client will ask for nothing more."""

    @property
    def is_inside_head(self) -> bool:
        """The header block of a request has begun and not ended."""
        return bool(self._headers_buffer)

    def __next__(self) -> Frame:
        while True:
            self._check_length()
            frame = super().__next__()
            if isinstance(frame, GoAwayFrame):
                self.is_farewell = True
                continue
            if isinstance(frame, WindowUpdateFrame):
                self._patience.use_update()
            elif isinstance(frame, _NUISANCES) or (isinstance(frame, DataFrame) and _is_empty(frame)):
                self._patience.use()
            return frame

    def _check_length(self) -> None:
        """h2 looks at the length of a frame when it has collected all of it, up to 16 MiB."""
        if len(self._data) >= _LENGTH_BYTES:
            length = int.from_bytes(self._data[:_LENGTH_BYTES])
            if length > self.max_frame_size:
                raise FrameTooLargeError(f"a frame of {length} bytes")


def _is_empty(frame: DataFrame) -> bool:
    return not frame.data and "END_STREAM" not in frame.flags
