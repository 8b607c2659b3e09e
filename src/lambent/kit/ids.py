"""Identifiers as an argument: random in the platform, counted in tests that compare."""

import base64
import secrets
import uuid
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


class RandomIds:
    def uuid(self) -> str:
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))

    def token(self, length: int) -> str:
        return secrets.token_bytes(length).translate(_LETTERS).decode()

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
