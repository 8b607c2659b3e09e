"""aws-chunked bodies: AWS's published examples, botocore's wrapper, any cut, any damage."""

import base64
import contextlib
import io
import zlib
from hashlib import sha256

import pytest
from awscrt import checksums as crt
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import chunked, sigv4
from lambent.wire.errors import ServiceError

# The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html: 66,560 times `a`, in two chunks.
DATA = b"a" * 66_560
KEY = sigv4.derive_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3")
SCOPE = "20130524/us-east-1/s3/aws4_request"
SIGNED = sigv4.Signed(
    claim=sigv4.Claim("AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", SCOPE, "host", ("host",)),
    payload=sigv4.Payload.CHUNKS,
    payload_sha256="",
    signature="4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    signing_key=KEY,
    timestamp="20130524T000000Z",
)
EXAMPLE = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + DATA[:65_536]
    + b"\r\n"
    b"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + DATA[65_536:]
    + b"\r\n"
    b"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)
# The same with a trailer: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
SIGNED_TRAILER = SIGNED._replace(
    payload=sigv4.Payload.CHUNKS_TRAILER,
    signature="106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
)
EXAMPLE_TRAILER = (
    b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
    + DATA[:65_536]
    + b"\r\n"
    b"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
    + DATA[65_536:]
    + b"\r\n"
    b"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)
UNSIGNED = SIGNED._replace(payload=sigv4.Payload.UNSIGNED_TRAILER)


def decode(decoder: chunked.Decoder, body: bytes, cuts: list[int] | None = None) -> bytes:
    """All pieces, fed in slices that end at `cuts`."""
    ends = sorted({cut % (len(body) + 1) for cut in cuts or []} | {len(body)})
    pieces, start = [], 0
    for end in ends:
        pieces += decoder.feed(body[start:end])
        start = end
    decoder.finish()
    return b"".join(pieces)


def example_decoder(*, trailer: bool) -> chunked.Decoder:
    if trailer:
        return chunked.Decoder(
            SIGNED_TRAILER.payload, SIGNED_TRAILER, decoded_length=len(DATA), trailers=["x-amz-checksum-crc32c"]
        )
    return chunked.Decoder(SIGNED.payload, SIGNED, decoded_length=len(DATA))


@given(st.booleans(), st.lists(st.integers(0, 10**6), max_size=6))
def test_published_examples_at_any_cut(trailer: bool, cuts: list[int]) -> None:
    decoder = example_decoder(trailer=trailer)
    assert decode(decoder, EXAMPLE_TRAILER if trailer else EXAMPLE, cuts) == DATA
    assert decoder.trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if trailer else {})


def _base64(crc: int) -> str:
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


def test_published_trailer_is_the_checksum() -> None:
    assert _base64(crt.crc32c(DATA)) == "sOO8/Q=="


def test_byte_by_byte() -> None:
    body = b"3\r\nabc\r\n0\r\n\r\n"
    assert decode(chunked.Decoder(UNSIGNED.payload, UNSIGNED, decoded_length=3), body, list(range(len(body)))) == b"abc"


@given(st.binary(max_size=50_000), st.integers(8192, 20_000), st.lists(st.integers(0, 60_000), max_size=5))
def test_botocore_wrapper(data: bytes, chunk_size: int, cuts: list[int]) -> None:
    wrapper = AwsChunkedWrapper(
        io.BytesIO(data), checksum_cls=Crc32Checksum, checksum_name="x-amz-checksum-crc32", chunk_size=chunk_size
    )
    decoder = chunked.Decoder(UNSIGNED.payload, UNSIGNED, decoded_length=len(data), trailers=["x-amz-checksum-crc32"])
    assert decode(decoder, wrapper.read(), cuts) == data
    assert decoder.trailers == {"x-amz-checksum-crc32": _base64(zlib.crc32(data))}


def frame(data: bytes, sizes: list[int]) -> bytes:
    """Signed chunks of our own making."""
    previous, body, at = SIGNED.signature, b"", 0
    for size in [*sizes, 0]:
        piece = data[at : at + size]
        at += size
        text = (
            f"AWS4-HMAC-SHA256-PAYLOAD\n{SIGNED.timestamp}\n{SIGNED.scope}\n{previous}\n"
            f"{sigv4.EMPTY_SHA256}\n{sha256(piece).hexdigest()}"
        )
        previous = KEY.sign(text)
        body += f"{len(piece):x};chunk-signature={previous}\r\n".encode() + piece + b"\r\n"
    return body


@given(st.integers(0, 255), st.integers(8192, 20_000), st.lists(st.integers(0, 60_000), max_size=5))
def test_chain_of_signatures(byte: int, size: int, cuts: list[int]) -> None:
    data = bytes([byte]) * 30_000
    assert decode(chunked.Decoder(SIGNED.payload, SIGNED), frame(data, [size, 30_000 - size]), cuts) == data


@pytest.mark.parametrize("at", [0, 30, 88, 100, 40_000, 65_650, 65_700, 66_760, len(EXAMPLE) - 6])
def test_any_damage_to_a_signed_body_is_refused(at: int) -> None:
    damaged = EXAMPLE[:at] + bytes([EXAMPLE[at] ^ 1]) + EXAMPLE[at + 1 :]
    with pytest.raises(ServiceError) as caught:
        decode(example_decoder(trailer=False), damaged)
    assert caught.value.code in ("SignatureDoesNotMatch", "IncompleteBody", "InvalidChunkSizeError")


def test_a_signed_trailer_cannot_be_changed() -> None:
    with pytest.raises(ServiceError) as caught:
        decode(example_decoder(trailer=True), EXAMPLE_TRAILER.replace(b"sOO8/Q==", b"sOO8/Q8="))
    assert caught.value.code == "SignatureDoesNotMatch"


@given(st.integers(0, len(EXAMPLE) - 1))
def test_truncated_anywhere(end: int) -> None:
    with pytest.raises(chunked.IncompleteBody):
        decode(example_decoder(trailer=False), EXAMPLE[:end])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "IncompleteBody"),
        (b"xyz\r\n", "InvalidChunkSizeError"),
        (b"-1\r\n", "InvalidChunkSizeError"),
        (b"+3\r\nabc\r\n", "InvalidChunkSizeError"),
        (b"0x3\r\nabc\r\n", "InvalidChunkSizeError"),
        (b"\r\n", "InvalidChunkSizeError"),
        (b"ffffffffffffffff\r\n", "InvalidChunkSizeError"),
        (b"0" * 17 + b"\r\n", "InvalidChunkSizeError"),
        (b"3;" + b"x" * 5000, "InvalidChunkSizeError"),
        (b"3\nabc\r\n", "IncompleteBody"),
        (b"3\r\nabcd\r\n", "IncompleteBody"),
        (b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"2\r\nab\r\n0\r\n\r\n", "IncompleteBody"),
        (b"4\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\n" + b"".join(b"a%d:b\r\n" % n for n in range(99)), "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\n\r\nmore\r\n", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\n\r\nmore", "IncompleteBody"),
    ],
)
def test_malformed(body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        decode(chunked.Decoder(UNSIGNED.payload, UNSIGNED, decoded_length=3), body)
    assert caught.value.code == code


def test_a_small_chunk_that_is_not_the_last() -> None:
    with pytest.raises(chunked.InvalidChunkSize) as caught:
        decode(chunked.Decoder(UNSIGNED.payload, UNSIGNED), b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    assert caught.value.members == {"Chunk": 2, "BadChunkSize": 3}
    assert caught.value.message == "Only the last chunk is allowed to have a size less than 8192 bytes"


@given(st.sampled_from(sorted(sigv4.Payload, key=str)[0:4]), st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_arbitrary_bytes(payload: sigv4.Payload, body: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(ServiceError):
        decode(chunked.Decoder(payload, SIGNED._replace(payload=payload)), body, cuts)
