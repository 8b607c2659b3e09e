"""Bad HTTP at the door: an AWS error each, never a 500, and the next request works."""

import socket
import time
from collections.abc import Iterator

import pytest

from platform_process import PlatformProcess
from unit.gateway import requests as signing
from wire.talking import HOST, Wire, raw

GET = f"GET /bad-input-http/key HTTP/1.1\r\nhost: {HOST}\r\n".encode()
PUT = f"PUT /bad-input-http/key HTTP/1.1\r\nhost: {HOST}\r\n".encode()
CHUNKED = PUT + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def wire(platform: PlatformProcess) -> Iterator[Wire]:
    wire = Wire(platform)
    assert wire.signed("PUT", "/bad-input-http", "s3").status == 200
    before = len(platform.printed)
    yield wire
    assert wire.is_well()
    assert not [line for line in platform.printed[before:] if "Traceback" in line]


MALFORMED = {
    "nonsense": (b"\x00\x01\x02\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "HTTP/2 without its preface": (b"GET / HTTP/2.0\r\nhost: a\r\n\r\n", 400),
    "nearly HTTP/2": (b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nhost: a\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"host: b\r\n\r\n", 400),
    "length and chunked": (PUT + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (PUT + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
    "negative length": (PUT + b"content-length: -1\r\n\r\n", 400),
    "huge length": (PUT + b"content-length: 99999999999999999999999\r\n\r\n", 400),
    "length in words": (PUT + b"content-length: many\r\n\r\n", 400),
    "gzip coding": (PUT + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "bare LF": (b"GET / HTTP/1.1\nhost: a\n\n", 400),
    "obs-fold": (GET + b"x: 1\r\n 2\r\n\r\n", 400),
    "space before colon": (GET + b"x : 1\r\n\r\n", 400),
    "NUL in header": (GET + b"x: a\0b\r\n\r\n", 400),
    "NUL in target": (b"GET /a\0b HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "many headers": (GET + b"".join(b"x-%d: 1\r\n" % n for n in range(1000)) + b"\r\n", 431),
    "long header": (GET + b"x: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    "long target": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 431),
    "endless head": (GET + b"x: " + b"a" * 300_000, 431),
    "bad chunk size": (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 403),  # refused before it is read
    "endless trailer": (CHUNKED + b"0\r\nx: " + b"a" * 3_000_000, 403),
    "tunnel": (b"CONNECT localhost:22 HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "proxy for elsewhere": (b"GET ftp://elsewhere/ HTTP/1.1\r\nhost: a\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_http_is_refused(wire: Wire, name: str) -> None:
    sent, status = MALFORMED[name]
    try:
        answer = wire.send(sent)
    except ConnectionError:
        assert len(sent) > 1_000_000  # cut off while it was still talking
    else:
        assert answer.status in (status, 400)
        assert answer.body.startswith(b"<?xml")
        assert b"<Code>" in answer.body
    assert wire.is_well()


STRANGE_HOSTS = [
    "",
    ".",
    "....",
    ":",
    "[::1",
    "[]",
    "a" * 5000,
    "s3",
    "..s3.localhost",
    "%00.localhost",
    "a/../b.s3.localhost",
    "ä.localhost",
    "-.s3-website.localhost",
    "s3-website.localhost",
    "localhost:99999999",
    "xn--.localhost",
]


@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_strange_hosts_get_an_answer_of_s3(wire: Wire, host: str) -> None:
    for path in ("/", "/key", "/a/../../b"):
        answer = wire.send(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert 400 <= answer.status < 500
        assert b"Code" in answer.body


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "PROPFIND", "PURGE", "SOURCE", "OPTIONS", "LOCK"])
def test_strange_methods_are_refused(wire: Wire, method: str) -> None:
    for target in ("/", "/bad-input-http", "/bad-input-http/key", "/2015-03-31/functions/", "/_lambent/health"):
        answer = wire.send(f"{method} {target} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        assert 400 <= answer.status < 500 or (target.startswith("/_lambent") and answer.status == 200)
    assert wire.is_well()


def _upload(body: bytes, *, length: int | None = None, headers: dict[str, str] | None = None) -> bytes:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    request = signing.signed("PUT", "/bad-input-http/upload", "s3", body=body, headers=headers or unsigned)
    return raw(request, body, length=length)


def _exists(wire: Wire) -> bool:
    return wire.signed("GET", "/bad-input-http/upload", "s3").status == 200


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_body_that_ends_early_stores_nothing(wire: Wire, size: int) -> None:
    answer = wire.send(_upload(bytes(size), length=size * 10), half_close=True)
    assert (answer.status, b"<Code>" in answer.body) == (400, True)
    assert not _exists(wire)


def test_a_client_that_hangs_up_in_its_body_stores_nothing(wire: Wire) -> None:
    with socket.create_connection(("127.0.0.1", wire.platform.port)) as connection:
        connection.sendall(_upload(bytes(200_000), length=1_000_000))
        time.sleep(0.05)
    assert wire.is_well()
    assert not _exists(wire)


def test_more_body_than_announced_is_not_taken_for_it(wire: Wire) -> None:
    answer = wire.send(_upload(b"content and something after it", length=7))
    assert answer.status == 200
    assert wire.signed("GET", "/bad-input-http/upload", "s3").body == b"content"
    assert wire.signed("DELETE", "/bad-input-http/upload", "s3").status == 204


AWS_CHUNKED = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "7",
    "x-amz-trailer": "x-amz-checksum-crc32",
}
BAD_FRAMING = {
    "nothing": b"",
    "no framing": b"content",
    "no end": b"7\r\ncontent\r\n",
    "no trailer": b"7\r\ncontent\r\n0\r\n\r\n",
    "wrong checksum": b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    "no checksum": b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:nonsense\r\n\r\n",
    "shorter": b"3\r\ncon\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    "longer": b"9\r\ncontent!!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    "negative": b"-7\r\ncontent\r\n0\r\n\r\n",
    "huge": b"ffffffffffffffff\r\ncontent\r\n0\r\n\r\n",
    "words": b"seven\r\ncontent\r\n0\r\n\r\n",
    "bare LF": b"7\ncontent\n0\n\n",
    "after the end": b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\nmore",
}


@pytest.mark.parametrize("name", BAD_FRAMING)
def test_broken_aws_chunked_bodies_store_nothing(wire: Wire, name: str) -> None:
    answer = wire.send(_upload(BAD_FRAMING[name], headers=AWS_CHUNKED))
    assert answer.status in (400, 403)
    assert b"<Code>" in answer.body
    assert not _exists(wire)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "99999999999999999999999", "0x7", "7, 7", "٧"], ids=repr)
def test_nonsense_decoded_lengths_store_nothing(wire: Wire, length: str) -> None:
    body = b"7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    headers = {**AWS_CHUNKED, "x-amz-decoded-content-length": length.encode().decode("latin-1")}
    request = signing.signed("PUT", "/bad-input-http/upload", "s3", body=body, headers=headers)
    assert 400 <= wire.send(raw(request, body)).status < 500
    assert not _exists(wire)


AUTHORIZATIONS = [
    "",
    " ",
    "Basic dGVzdDp0ZXN0",
    "Bearer token",
    "AWS test:signature",
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256 Credential=",
    "AWS4-HMAC-SHA256 Credential=test",
    "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=",
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request",
    "AWS4-HMAC-SHA256 " + "a=b, " * 5000,
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
    "AWS4-HMAC-SHA256 Credential=test/99999999/us-east-1/s3/aws4_request, SignedHeaders=;;;, Signature=x",
    "AWS4-HMAC-SHA256 Credential=t\xe4st/20260101/us-east-1/s3/aws4_request, SignedHeaders=h\xf6st, Signature=\xff",
    "AWS4-ECDSA-P256-SHA256 Credential=test/20260101/s3/aws4_request, SignedHeaders=host, Signature=00",
]
DATES = ["", "now", "99999999T999999Z", "20260101T000000Z", "20260230T000000Z", "2026-01-01T00:00:00Z", "\xb2\xb3"]


@pytest.mark.parametrize("authorization", AUTHORIZATIONS, ids=range(len(AUTHORIZATIONS)))
@pytest.mark.parametrize("service", ["s3", "logs", "lambda"])
def test_nonsense_signatures_are_refused(wire: Wire, authorization: str, service: str) -> None:
    start = {
        "s3": "GET /bad-input-http HTTP/1.1\r\n",
        "logs": "POST / HTTP/1.1\r\nx-amz-target: Logs_20140328.DescribeLogGroups\r\ncontent-length: 2\r\n",
        "lambda": "GET /2015-03-31/functions/ HTTP/1.1\r\n",
    }[service]
    for date in DATES:
        head = f"{start}host: {HOST}\r\nauthorization: {authorization}\r\nx-amz-date: {date}\r\n\r\n"
        answer = wire.send(head.encode("latin-1") + (b"{}" if service == "logs" else b""))
        assert answer.status in (400, 403)
        assert b"ode>" in answer.body or b"message" in answer.body.lower()


PRESIGNED = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "X-Amz-Signature=",
    "X-Amz-Credential=test",
    "X-Amz-Credential=%00&X-Amz-Signature=%ff",
    "X-Amz-Algorithm=nonsense&X-Amz-Credential=a/b/c/s3/e&X-Amz-Date=x&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Expires=1",
    *[
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date={date}"
        f"&X-Amz-SignedHeaders=host&X-Amz-Expires={expires}&X-Amz-Signature=00"
        for date in ("20260101T000000Z", "nonsense", "")
        for expires in ("60", "-1", "nine", "9" * 40, "604801", "")
    ],
    "AWSAccessKeyId=test&Signature=a&Expires=1",
]


@pytest.mark.parametrize("query", PRESIGNED, ids=range(len(PRESIGNED)))
def test_nonsense_presigned_urls_are_refused(wire: Wire, query: str) -> None:
    answer = wire.send(f"GET /bad-input-http/key?{query} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
    assert answer.status in (400, 403)
    assert b"<Code>" in answer.body
