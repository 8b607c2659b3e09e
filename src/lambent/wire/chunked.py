"""aws-chunked: the body framing of S3's streaming uploads, with or without a signature per chunk and trailers.

    <size in hex>[;chunk-signature=<hex>] CRLF <data> CRLF ... 0[;chunk-signature=<hex>] CRLF [name:value CRLF ...] CRLF

Feed bytes as they come, get pieces of the data back, call `finish` at the end; whatever the bytes, the outcome is
pieces or a ServiceError. A piece is handed out before its chunk's signature is complete, so that memory stays flat
whatever size a chunk has: nothing may be made visible before `finish` has returned. Each signature covers the one
before it; the first covers the header's (`sigv4.Signed`).

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and .../sigv4-streaming-trailers.html
"""

import hmac
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any

from lambent.wire import signature_errors
from lambent.wire.errors import ServiceError
from lambent.wire.sigv4 import EMPTY_SHA256, Payload, Signed

MAX_LINE_BYTES = 4_096
MAX_TRAILERS = 16
#: The largest PutObject; larger sizes are nonsense.
MAX_CHUNK_BYTES = 5 * 1024**3
#: S3 notices a chunk that is too small when it sees that another one follows, and names that one
#: (responses quoted in https://github.com/aws/aws-sdk-cpp/issues/2727).
MIN_CHUNK_BYTES = 8_192

_SIGNATURE_TRAILER = "x-amz-trailer-signature"
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_S3 = signature_errors.dialect_of("rest-xml")


class IncompleteBody(ServiceError):
    """The body ended early, or its data is not as long as x-amz-decoded-content-length said."""

    code = "IncompleteBody"
    status = 400


class InvalidChunkSize(ServiceError):
    """A chunk's size is no number, too large, or too small for one that is not the last."""

    code = "InvalidChunkSizeError"
    status = 403


class MalformedTrailer(ServiceError):
    """The trailers are not those that x-amz-trailer announced, or not `name:value`."""

    code = "MalformedTrailerError"
    status = 400


_CHUNKED = (Payload.CHUNKS, Payload.CHUNKS_TRAILER, Payload.UNSIGNED_TRAILER)


def is_chunked(payload: Payload) -> bool:
    return payload in _CHUNKED


class Decoder:
    def __init__(
        self,
        payload: Payload,
        signed: Signed | None,
        *,
        decoded_length: int | None = None,
        trailers: Collection[str] = (),
    ) -> None:
        """`signed`: None where signatures are not checked. `decoded_length`: x-amz-decoded-content-length.

        `trailers`: the names in x-amz-trailer, lower-case.
        """
        self.trailers: dict[str, str] = {}
        self._chain = None if signed is None or payload is Payload.UNSIGNED_TRAILER else _Chain(signed)
        self._has_trailers = payload is not Payload.CHUNKS
        self._announced = frozenset(trailers)
        self._decoded_length = decoded_length
        self._seen = 0
        self._chunk = 0
        self._left = 0
        self._size = 0
        self._line = b""
        self._on_line: Callable[[bytes], None] = self._start_chunk

    def feed(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._take(piece)
                pieces.append(piece)
            else:
                at = self._read_line(data, at)
        return pieces

    def finish(self) -> None:
        """Raises ServiceError if anything is missing."""
        if self._on_line != self._refuse_more or self._line:
            raise IncompleteBody("The request body terminated unexpectedly")
        if self._decoded_length is not None and self._seen != self._decoded_length:
            raise IncompleteBody("You did not provide the number of bytes specified by the Content-Length HTTP header")

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        self._seen += len(piece)
        if self._decoded_length is not None and self._seen > self._decoded_length:
            raise IncompleteBody("The request body is longer than x-amz-decoded-content-length")
        if self._chain is not None:
            self._chain.update(piece)

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        self._line += data[at:stop]
        if len(self._line) > MAX_LINE_BYTES:
            raise InvalidChunkSize("A line of the chunked encoding is too long")
        if end >= 0:
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n"):
                raise IncompleteBody("The chunked encoding of the request body is malformed")
            self._on_line(line[:-2])
        return stop

    def _start_chunk(self, line: bytes) -> None:
        digits, _, extension = line.partition(b";")
        if not digits or len(digits) > 16 or not _HEX_DIGITS.issuperset(digits):
            raise InvalidChunkSize("The chunk size is not a hexadecimal number", members={"Chunk": self._chunk + 1})
        size = int(digits, 16)
        if size and self._chunk and self._size < MIN_CHUNK_BYTES:
            raise InvalidChunkSize(
                f"Only the last chunk is allowed to have a size less than {MIN_CHUNK_BYTES} bytes",
                members={"Chunk": self._chunk + 1, "BadChunkSize": self._size},
            )
        if size > MAX_CHUNK_BYTES:
            raise InvalidChunkSize("The chunk is too large", members={"Chunk": self._chunk + 1, "BadChunkSize": size})
        self._chunk += 1
        self._size = self._left = size
        if self._chain is not None:
            self._chain.expect(extension)
        if size:
            self._on_line = self._end_chunk
        else:
            self._check_chunk()
            self._on_line = self._read_trailer if self._has_trailers else self._end_body

    def _end_chunk(self, line: bytes) -> None:
        if line:
            raise IncompleteBody("The data of a chunk is longer than its size")
        self._check_chunk()
        self._on_line = self._start_chunk

    def _check_chunk(self) -> None:
        if self._chain is not None:
            self._chain.check_chunk()

    def _end_body(self, line: bytes) -> None:
        if line:
            raise _malformed_trailer()
        self._on_line = self._refuse_more

    def _read_trailer(self, line: bytes) -> None:
        if not line:
            self._check_trailers()
            self._on_line = self._refuse_more
            return
        name, colon, value = line.decode("latin-1").partition(":")
        name = name.strip().lower()
        if not colon or not name or name in self.trailers or len(self.trailers) >= MAX_TRAILERS:
            raise _malformed_trailer()
        self.trailers[name] = value.strip(" \t")

    def _check_trailers(self) -> None:
        signature = self.trailers.pop(_SIGNATURE_TRAILER, None)
        if self.trailers.keys() != self._announced:
            raise _malformed_trailer()
        if self._chain is not None:
            self._chain.check_trailers(self.trailers, signature)

    def _refuse_more(self, line: bytes) -> None:
        raise IncompleteBody("The request body goes on after its last chunk")


def _malformed_trailer() -> MalformedTrailer:
    return MalformedTrailer(
        "The request contained trailing data that was not well-formed or did not conform to our published schema."
    )


class _Chain:
    """The chain of signatures: each chunk's covers its data and the signature before."""

    def __init__(self, signed: Signed) -> None:
        self._signed = signed
        self._previous = signed.signature
        self._given = ""
        self._hash: Any = sha256()

    def expect(self, extension: bytes) -> None:
        name, _, value = extension.partition(b"=")
        if name.strip() != b"chunk-signature":
            raise IncompleteBody("A chunk has no chunk-signature")
        self._given = value.strip().decode("latin-1")
        self._hash = sha256()

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)

    def check_chunk(self) -> None:
        covered = f"{EMPTY_SHA256}\n{self._hash.hexdigest()}"
        self._check("AWS4-HMAC-SHA256-PAYLOAD", covered, self._given)

    def check_trailers(self, trailers: dict[str, str], signature: str | None) -> None:
        if signature is None:
            raise _malformed_trailer()
        lines = "".join([f"{name}:{value}\n" for name, value in trailers.items()])
        self._check("AWS4-HMAC-SHA256-TRAILER", sha256(lines.encode("latin-1")).hexdigest(), signature)

    def _check(self, kind: str, covered: str, given: str) -> None:
        signed = self._signed
        text = f"{kind}\n{signed.timestamp}\n{signed.scope}\n{self._previous}\n{covered}"
        computed = signed.signing_key.sign(text)
        if not hmac.compare_digest(computed.encode(), given.encode("latin-1", "replace")):
            raise signature_errors.does_not_match(
                _S3, access_key_id=signed.access_key_id, signature=given, string_to_sign=text, canonical=""
            )
        self._previous = computed
