"""Identifiers as an argument: random in the platform, counted in tests that compare."""

import base64
import secrets
from typing import Protocol


class Ids(Protocol):
    def uuid(self) -> str:
        """A version 4 UUID in its usual 36 characters; request ids of the JSON protocols look like this."""
        ...

    def token(self, length: int) -> str:
        """Upper-case letters and digits; request ids of S3 (16) and access key ids look like this."""
        ...

    def secret(self) -> str:
        """40 characters that nobody can guess: a secret access key."""
        ...


_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 8  # one for each byte


#: Pieces asked of the system at a time: the call costs more than the bytes, and every request needs some.
_DRAWN_PIECES = 256
_PIECE_BYTES = 16


class RandomIds:
    """Asked on the event loop and in the writer's thread."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def uuid(self) -> str:
        digits = self._draw().hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def token(self, length: int) -> str:
        drawn = b"".join([self._draw() for _ in range(0, length, _PIECE_BYTES)])
        return drawn[:length].translate(_LETTERS).decode()

    def _draw(self) -> bytes:
        """A piece of random bytes that was not given out before: `pop` gives each to one thread, without a lock."""
        while True:
            try:
                return self._pieces.pop()
            except IndexError:
                drawn = secrets.token_bytes(_DRAWN_PIECES * _PIECE_BYTES)
                self._pieces += [drawn[at : at + _PIECE_BYTES] for at in range(0, len(drawn), _PIECE_BYTES)]

    def secret(self) -> str:
        return base64.b64encode(secrets.token_bytes(30)).decode()


class CountedIds:
    """Deterministic: `00000000-0000-4000-8000-000000000001`, `...002`, and so on."""

    def __init__(self) -> None:
        self._count = 0

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{self._next():012x}"

    def token(self, length: int) -> str:
        return f"{self._next():0{length}X}"[-length:]

    def secret(self) -> str:
        return f"{self._next():040x}"

    def _next(self) -> int:
        self._count += 1
        return self._count
