"""Signing messages of topics, with a key that is made when the first one is signed and kept in the database.

Signing takes a processor, so it happens in a thread; the certificate is a page of ours that anybody may read.
"""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from lambent.kit.clock import Clock
from lambent.kit.deferred import Deferred
from lambent.services.caller import Caller
from lambent.services.sns import store
from lambent.storage.database import Database
from lambent.wire.http import Request, Response

if TYPE_CHECKING:
    from lambent.services.sns.signing_key import SigningKey

_KEY = Deferred("lambent.services.sns.signing_key")

Signed = dict[tuple[str, str], str]
"""(version, text) -> signature."""


class MessageSigner:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._key: SigningKey | None = None
        self._loading = asyncio.Lock()

    async def sign(self, texts: Collection[tuple[str, str]]) -> Signed:
        if not texts:
            return {}
        key = await self._load()
        return await asyncio.to_thread(lambda: {(version, text): key.sign(text, version) for version, text in texts})

    async def serve_certificate(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 (a page like others)
        key = await self._load()
        return Response(200, {"content-type": "application/x-pem-file"}, key.certificate.encode())

    async def _load(self) -> "SigningKey":
        async with self._loading:
            if self._key is None:
                self._key = await self._read_or_make()
            return self._key

    async def _read_or_make(self) -> "SigningKey":
        module = await asyncio.to_thread(_KEY.load)
        stored = self._database.read(store.find_signing_key)
        if stored is None:
            made = await asyncio.to_thread(module.make, self._clock.now())
            stored = await self._database.write(lambda tx: store.keep_signing_key(tx, made))
        key: SigningKey = module.SigningKey.load(stored)
        return key
