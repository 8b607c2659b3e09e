"""Bodies held to what their signature says of them, while they pass.

A body that was signed by its digest raises at its end if the digest is another; an aws-chunked one comes out without
its framing, each chunk's signature checked, its trailers kept. Operations store first and commit last, so what turns
out wrong at the end was never visible.
"""

import hmac
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Self

from lambent.gateway.auth import Identity
from lambent.wire import chunked, signature_errors
from lambent.wire.errors import InvalidArgument, ServiceError
from lambent.wire.http import Body, BodyTooLarge
from lambent.wire.signature_errors import Dialect
from lambent.wire.sigv4 import Payload


def guard(body: Body, identity: Identity, headers: Mapping[str, str], dialect: Dialect) -> Body:
    """`body` as an operation may have it. Raises ServiceError if its headers already make no sense."""
    if identity.payload is Payload.DIGEST:
        return DigestBody(body, identity.payload_sha256, dialect)
    if chunked.is_chunked(identity.payload):
        return ChunkedBody(body, _decoder(identity, headers), _decoded_length(headers))
    return body


class DigestBody:
    def __init__(self, body: Body, digest: str, dialect: Dialect) -> None:
        self.length = body.length
        self._body = body
        self._pieces = body.chunks()
        self._digest = digest
        self._dialect = dialect
        self._hash = sha256()

    @property
    def trailers(self) -> Mapping[str, str]:
        return self._body.trailers

    async def read(self, limit: int) -> bytes:
        content = await self._body.read(limit)
        self._hash.update(content)
        self._check()
        return content

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._check()
            raise
        self._hash.update(piece)
        return piece

    def _check(self) -> None:
        computed = self._hash.hexdigest()
        if hmac.compare_digest(computed, self._digest):
            return
        if self._dialect.is_s3:
            raise signature_errors.payload_mismatch(self._digest, computed)
        raise signature_errors.does_not_match(
            self._dialect, access_key_id="", signature="", string_to_sign="", canonical=""
        )


class ChunkedBody:
    def __init__(self, body: Body, decoder: chunked.Decoder, length: int) -> None:
        self.length = length
        self.trailers: Mapping[str, str] = decoder.trailers
        self._pieces = body.chunks()
        self._decoder = decoder

    async def read(self, limit: int) -> bytes:
        if self.length > limit:
            raise BodyTooLarge(limit)
        return b"".join([piece async for piece in self])

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                data = await anext(self._pieces)
            except StopAsyncIteration:
                self._decoder.finish()
                raise
            pieces = self._decoder.feed(data)
            if pieces:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _decoder(identity: Identity, headers: Mapping[str, str]) -> chunked.Decoder:
    announced = [name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()]
    return chunked.Decoder(
        identity.payload, identity.signed, decoded_length=_decoded_length(headers), trailers=announced
    )


def _decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length")
    if text is None:
        raise ServiceError("You must provide the Content-Length HTTP header.", code="MissingContentLength", status=411)
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidArgument("x-amz-decoded-content-length must be a number of bytes.")
    return int(text)
