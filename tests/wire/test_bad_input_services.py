"""Well-formed HTTP, nonsense inside: an AWS error each, never a 500, and the next request works."""

import json
from collections.abc import Iterator

import cbor2
import pytest

from platform_process import PlatformProcess
from wire.talking import Answer, Wire

BUCKET = "/bad-input"


@pytest.fixture(scope="module")
def wire(platform: PlatformProcess) -> Iterator[Wire]:
    wire = Wire(platform)
    assert wire.signed("PUT", BUCKET, "s3").status == 200
    before = len(platform.printed)
    yield wire
    assert wire.is_well()
    assert not [line for line in platform.printed[before:] if "Traceback" in line]


def is_refused(answer: Answer) -> bool:
    """In XML or JSON (or CBOR), with a code; a fault of the client."""
    told = b"<Code>" in answer.body or "x-amzn-errortype" in answer.headers or b"__type" in answer.body
    return 400 <= answer.status < 500 and told


# Paths.

KEYS = [
    "..",
    ".",
    "../x",
    "a/../../b",
    "/etc/passwd",
    "//",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252f",
    "..%5c..%5c",
    "%2F",
    "%00",
    "a%00b",
    "%0d%0aX-Injected:%201",
    "a%20b+c",
    "%F0%9F%92%A9",
    "a?b=c",
    "%3F%23",
    "~tmp",
    "lambent.db",
    "con",
    "-rf",
    "a" * 1024,
]


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_keys_are_names_and_not_paths(wire: Wire, key: str) -> None:
    """Whatever is stored is found again under the same name, and nowhere else."""
    answer = wire.signed("PUT", f"{BUCKET}/{key}", "s3", body=key.encode())
    assert answer.status == 200 or is_refused(answer)
    if answer.status == 200:
        assert wire.signed("GET", f"{BUCKET}/{key}", "s3").body == key.encode()
        assert "x-injected" not in answer.headers
        assert wire.signed("DELETE", f"{BUCKET}/{key}", "s3").status == 204
        assert wire.signed("GET", f"{BUCKET}/{key}", "s3").status == 404


@pytest.mark.parametrize("key", ["%ff", "%c3%28", "%ed%a0%80", "a" * 1025, "%C3%A4" * 600])
def test_keys_that_cannot_be_are_refused(wire: Wire, key: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        assert is_refused(wire.signed(method, f"{BUCKET}/{key}", "s3", body=b"x" if method == "PUT" else b""))


@pytest.mark.parametrize(
    "bucket", ["..", "%2e%2e", "%00", "a", "A_B", "a..b", "192.168.0.1", "xn--a", "a%2Fb", "%ff", "b" * 64, "a b"]
)
def test_buckets_that_cannot_be_are_refused(wire: Wire, bucket: str) -> None:
    assert is_refused(wire.signed("PUT", f"/{bucket.replace(' ', '%20')}", "s3"))


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2f..", "%00", "a%2fb", "x" * 200, "%ff", "%F0%9F%92%A9", ":::::", "$LATEST"]
)
def test_function_names_are_names_and_not_paths(wire: Wire, name: str) -> None:
    for method, rest in (
        ("GET", ""),
        ("POST", "/invocations"),
        ("DELETE", ""),
        ("GET", "/configuration"),
        ("PUT", "/code"),
    ):
        body = b"{}" if method in ("PUT", "POST") else b""
        assert is_refused(wire.signed(method, f"/2015-03-31/functions/{name}{rest}", "lambda", body=body))


def test_our_own_pages_know_no_paths(wire: Wire) -> None:
    for page in (
        "..",
        "../health",
        "%2e%2e/health",
        "website",
        "website/",
        "website/../x",
        "website/%00/",
        "health/x",
        "tail",
    ):
        answer = wire.send(f"GET /_lambent/{page} HTTP/1.1\r\nhost: localhost:4566\r\n\r\n".encode())
        assert 400 <= answer.status < 500


# Queries and headers of S3.

QUERIES = [
    "%",
    "%zz",
    "%ff=1",
    "a=%00",
    "&&&&",
    "=",
    "list-type=3",
    "list-type=2&max-keys=-1",
    "list-type=2&max-keys=many",
    "list-type=2&max-keys=99999999999999999999",
    "list-type=2&continuation-token=nonsense",
    "list-type=2&continuation-token=%ff",
    "list-type=2&encoding-type=rot13",
    "max-keys=2147483648",
    "uploads&max-uploads=x",
    "uploads&key-marker=%00",
    "&".join(f"p{n}=1" for n in range(3000)),
    "prefix=" + "a" * 5000,
    "versions&version-id-marker=x",
    "location=%00",
    "policy",
    "website",
    "cors",
    "lifecycle",
    "acl=1&policy=2",
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_strange_queries(wire: Wire, query: str) -> None:
    answer = wire.signed("GET", f"{BUCKET}?{query}", "s3")
    assert answer.status in (200, 501) or is_refused(answer)


OBJECT_QUERIES = [
    "uploadId=nonsense&partNumber=1",
    "uploadId=x&partNumber=0",
    "uploadId=x&partNumber=10001",
    "uploadId=x&partNumber=one",
    "uploadId=%00&partNumber=1",
    "uploadId=",
    "partNumber=99999999999999999999",
    "versionId=nonsense",
    "versionId=%ff",
    "tagging",
    "acl",
    "retention",
    "torrent",
]


@pytest.mark.parametrize("query", OBJECT_QUERIES, ids=range(len(OBJECT_QUERIES)))
def test_strange_queries_of_objects(wire: Wire, query: str) -> None:
    for method in ("GET", "PUT", "DELETE", "POST", "HEAD"):
        answer = wire.signed(method, f"{BUCKET}/key?{query}", "s3", body=b"x" if method == "PUT" else b"")
        assert answer.status in (200, 204, 501) or 400 <= answer.status < 500


HEADERS = {
    "content-md5": ["", "nonsense", "AAAA", "äöü".encode().decode("latin-1"), "1B2M2Y8AsgTpgAmY7PhCfg==x"],
    "x-amz-checksum-crc32": ["", "nonsense", "AAAAAA", "AAAAAA=="],
    "x-amz-checksum-sha256": ["nonsense", "AAAA"],
    "x-amz-sdk-checksum-algorithm": ["CRC33"],
    "x-amz-tagging": ["a", "a=b&a=c", "=", "%zz=1", "&".join(f"k{n}=v" for n in range(50)), "a=" + "b" * 300],
    "x-amz-acl": ["nonsense"],
    "x-amz-storage-class": ["PAPER"],
    "x-amz-copy-source": [
        "",
        "/",
        "..",
        "bucket",
        "/bad-input/",
        "/bad-input/..%2f..",
        "/%00/%00",
        "/bad-input/k?versionId=x",
        "%ff",
    ],
    "x-amz-website-redirect-location": ["javascript:alert(1)", "x"],
    "if-match": ["", '"', "*"],
    "if-none-match": ["nonsense"],
    "expires": ["nonsense"],
    "x-amz-meta-big": ["a" * 3000],
    "x-amz-expected-bucket-owner": ["nobody"],
    "content-encoding": ["aws-chunked"],
    "x-amz-content-sha256": ["nonsense", "STREAMING-NONSENSE", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64],
    "x-amz-server-side-encryption": ["nonsense"],
    "x-amz-object-lock-mode": ["nonsense"],
}


@pytest.mark.parametrize("name", HEADERS)
def test_strange_headers_of_an_upload(wire: Wire, name: str) -> None:
    for value in HEADERS[name]:
        answer = wire.signed("PUT", f"{BUCKET}/headers", "s3", body=b"content", headers={name: value})
        assert answer.status in (200, 501) or is_refused(answer), (value, answer)


@pytest.mark.parametrize(
    "range_",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-1",
        "bytes=-0",
        "bytes=99999999999999999999-",
        "lines=1-2",
        "bytes=0-0,2-3",
        "bytes=" + "0-0," * 2000,
        "bytes=\xb2-\xb3",
        "bytes=1-99999999999999999999",
    ],
)
def test_strange_ranges(wire: Wire, range_: str) -> None:
    assert wire.signed("PUT", f"{BUCKET}/range", "s3", body=b"content").status == 200
    answer = wire.signed("GET", f"{BUCKET}/range", "s3", headers={"range": range_})
    assert answer.status in (200, 206) or is_refused(answer)


@pytest.mark.parametrize("name", ["response-content-disposition", "response-content-type", "response-expires"])
def test_response_headers_cannot_be_split(wire: Wire, name: str) -> None:
    assert wire.signed("PUT", f"{BUCKET}/split", "s3", body=b"content").status == 200
    for value in ("a%0d%0ax-injected:%201", "a%0ax-injected:%201", "%00", "%C3%A4%E2%82%AC", "a" * 5000):
        answer = wire.signed("GET", f"{BUCKET}/split?{name}={value}", "s3")
        assert answer.status < 500
        assert "x-injected" not in answer.headers


# XML documents.

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(9))
    + b"]><Delete><Object><Key>&a8;</Key></Object></Delete>"
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b"<Delete><Object><Key>&f;</Key></Object></Delete>"
)
XML = {
    "empty": b"",
    "not xml": b"nonsense",
    "json": b'{"Delete": {}}',
    "cut off": b"<Delete><Object><Key>a</Key>",
    "another root": b"<Nonsense/>",
    "empty root": b"<Delete/>",
    "bomb": BOMB,
    "outside entity": OUTSIDE,
    "bare doctype": b"<!DOCTYPE Delete><Delete/>",
    "deep": b"<a>" * 20_000 + b"</a>" * 20_000,
    "not utf-8": b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>",
    "utf-7": b'<?xml version="1.0" encoding="utf-7"?><Delete/>',
    "nul": b"<Delete>\0</Delete>",
    "control character": b"<Delete><Object><Key>\x01</Key></Object></Delete>",
    "many attributes": b"<Delete " + b" ".join(b'a%d="1"' % n for n in range(5000)) + b"/>",
    "unbound prefix": b"<x:Delete/>",
    "processing": b'<?xml-stylesheet href="http://elsewhere/"?><Delete/>',
}
DOCUMENTS = [
    "POST {}?delete",
    "PUT {}?tagging",
    "PUT {}?website",
    "PUT {}?notification",
    "PUT {}?acl",
    "PUT {}?publicAccessBlock",
    "PUT {}?ownershipControls",
    "PUT {}/key?tagging",
    "PUT {}-two",
    "POST {}/key?uploadId=x",
]


@pytest.mark.parametrize("name", XML)
def test_bad_xml_is_refused(wire: Wire, name: str) -> None:
    for document in DOCUMENTS:
        method, target = document.format(BUCKET).split(" ")
        answer = wire.signed(method, target, "s3", body=XML[name])
        is_harmless = name in ("empty", "processing") or (name == "bare doctype" and answer.status < 300)
        assert is_refused(answer) or answer.status == 501 or (is_harmless and answer.status < 300), (document, answer)
        assert b"root:" not in answer.body
    wire.signed("DELETE", f"{BUCKET}-two", "s3")


def test_bad_policies_are_refused(wire: Wire) -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"Statement": 1}',
        b'{"Version": "1999-01-01", "Statement": []}',
        b"[" * 50_000,
        b'{"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*", "Principal": "*"}]}',
        b"\xff" * 100,
        b" " * 30_000,
    ):
        assert is_refused(wire.signed("PUT", f"{BUCKET}?policy", "s3", body=body)), body[:60]


# JSON and CBOR.

JSON = {
    "empty": b"",
    "nonsense": b"nonsense",
    "cut off": b'{"logGroupName": "a',
    "list": b"[]",
    "string": b'"logGroupName"',
    "number": b"1",
    "null": b"null",
    "not utf-8": b'{"logGroupName": "\xff"}',
    "lone surrogate": b'{"logGroupName": "\\ud800"}',
    "NaN": b'{"logGroupName": NaN}',
    "deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep list": b"[" * 100_000,
    "wrong type": b'{"logGroupName": {"a": 1}}',
    "wrong list": b'{"logGroupName": ["a"]}',
    "null member": b'{"logGroupName": null}',
    "huge number": b'{"logGroupName": 1e999}',
    "long number": b'{"logGroupName": ' + b"9" * 10_000 + b"}",
    "empty name": b'{"logGroupName": ""}',
    "bad name": b'{"logGroupName": "a b\\u0000"}',
    "long name": b'{"logGroupName": "' + b"a" * 100_000 + b'"}',
    "xml": b"<a/>",
}


@pytest.mark.parametrize("name", JSON)
def test_bad_json_is_refused(wire: Wire, name: str) -> None:
    for operation in ("CreateLogGroup", "DeleteLogGroup", "DescribeLogStreams", "PutRetentionPolicy"):
        target = {"x-amz-target": f"Logs_20140328.{operation}", "content-type": "application/x-amz-json-1.1"}
        answer = wire.signed("POST", "/", "logs", body=JSON[name], headers=target)
        assert is_refused(answer), (operation, answer)
        assert json.loads(answer.body)["__type"]


@pytest.mark.parametrize(
    "target",
    [
        "",
        ".",
        "Logs_20140328",
        "Logs_20140328.",
        ".CreateLogGroup",
        "Logs_20140328.Create.LogGroup",
        "Logs_20140328.createloggroup",
        "x" * 5000,
        "Nope.Nope",
        "Logs_20140328.__init__",
        "Logs_20140328.SERVED",
    ],
)
def test_strange_targets_name_no_operation(wire: Wire, target: str) -> None:
    answer = wire.signed("POST", "/", "logs", body=b"{}", headers={"x-amz-target": target})
    assert answer.status in (400, 403, 404, 405, 501)
    assert b"ode>" in answer.body or b"__type" in answer.body


CBOR = {
    "empty": b"",
    "cut off": cbor2.dumps({"logGroupName": "abc"})[:-2],
    "list": cbor2.dumps([1]),
    "number": cbor2.dumps(1),
    "deep": b"\x81" * 100_000 + b"\x01",
    "huge string": b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
    "huge list": b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    "huge map": b"\xbb\x00\x00\xff\xff\xff\xff\xff\xff",
    "endless": b"\x9f" + b"\x01" * 100,
    "tag": cbor2.dumps(cbor2.CBORTag(30, [1, 0])),
    "big integer": cbor2.dumps({"logGroupName": 2**200}),
    "shared reference": b"\xd8\x1c\x81\xd8\x1d\x00",
    "not utf-8": b"\xa1\x6clogGroupName\x62\xff\xff",
    "wrong type": cbor2.dumps({"logGroupName": {"a": b"b"}}),
    "key that is no string": cbor2.dumps({1: 2}),
    "reserved": b"\xfc",
    "break alone": b"\xff",
}


@pytest.mark.parametrize("name", CBOR)
def test_bad_cbor_is_refused(wire: Wire, name: str) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor", "accept": "application/cbor"}
    target = "/service/Logs_20140328/operation/CreateLogGroup"
    answer = wire.signed("POST", target, "logs", body=CBOR[name], headers=headers)
    assert is_refused(answer), answer
    assert "__type" in cbor2.loads(answer.body)


FUNCTION = {
    "FunctionName": "bad-input",
    "Runtime": "python3.11",
    "Role": "arn:aws:iam::000000000000:role/r",
    "Handler": "a.b",
    "Code": {"ZipFile": ""},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Code": {"ZipFile": "not base64!"}},
        {"Code": {"ZipFile": "AAAA"}},
        {"Code": {"ZipFile": 7}},
        {"Code": "x"},
        {"Code": None},
        {"MemorySize": "128"},
        {"MemorySize": 1e300},
        {"MemorySize": -1},
        {"Timeout": 10**30},
        {"Environment": {"Variables": {"A": 1}}},
        {"Environment": {"Variables": {"A\u0000": "x"}}},
        {"Handler": "a" * 1000},
        {"Role": "nobody"},
        {"Runtime": "cobol"},
        {"FunctionName": "../../etc"},
        {"FunctionName": None},
        {"Tags": {"a" * 500: "b"}},
    ],
    ids=lambda change: str(change)[:40],
)
def test_bad_functions_are_refused(wire: Wire, change: dict[str, object]) -> None:
    body = json.dumps({**FUNCTION, **change}).encode()
    assert is_refused(wire.signed("POST", "/2015-03-31/functions", "lambda", body=body))


def test_bodies_over_the_limit_are_refused(wire: Wire) -> None:
    target = {"x-amz-target": "Logs_20140328.CreateLogGroup", "content-type": "application/x-amz-json-1.1"}
    answer = wire.signed("POST", "/", "logs", body=b" " * 9_000_000, headers=target)
    assert answer.status == 413
    assert is_refused(wire.signed("POST", f"{BUCKET}?delete", "s3", body=b" " * 9_000_000))


def test_event_streams_are_not_taken_for_documents(wire: Wire) -> None:
    """No operation served takes an event stream; its bytes are an error like any others."""
    framed = b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff"
    for body in (framed, framed[:-3], framed[:8] + b"\xff" + framed[9:], b"\xff" * 16):
        headers = {"content-type": "application/vnd.amazon.eventstream", "x-amz-target": "Logs_20140328.StartLiveTail"}
        assert is_refused(wire.signed("POST", "/", "logs", body=body, headers=headers))
        answer = wire.signed("POST", f"{BUCKET}/key?select&select-type=2", "s3", body=body)
        assert answer.status in (400, 405, 501)
