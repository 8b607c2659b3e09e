"""Throw bytes at every decoder of the wire layer: `python fuzz/fuzz_wire.py [--seconds N] [--seed N]`.

Half of the inputs are noise, half are valid requests with a few bytes changed, dropped, repeated or swapped. Anything
but a value or a ServiceError, or an input that takes longer than a second, is printed with what reproduces it, and
ends the run with status 1.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from urllib.parse import quote

import cbor2

from lambent.wire import chunked, event_stream, protocols, sigv4, validation
from lambent.wire.errors import ServiceError
from lambent.wire.http import BytesBody, Request
from lambent.wire.model import ServiceModel, load_service
from lambent.wire.signature_errors import dialect_of
from lambent.wire.uri import UriTable, parse_query

SLOW_SECONDS = 1.0
NOW = 1_750_000_000.0
KEY = sigv4.derive_key("secret", "20250615", "us-east-1", "s3")

NOTIFICATION = (
    b"<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>f</CloudFunction><Event>e</Event>"
    b"<Filter><S3Key><FilterRule><Name>prefix</Name><Value>p</Value></FilterRule></S3Key></Filter>"
    b"</CloudFunctionConfiguration></NotificationConfiguration>"
)
SIGNED_HEADER = (
    b"AWS4-HMAC-SHA256 Credential=AKID/20250615/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\nb/k"
)
SIGNED_QUERY = (
    b"\nb/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20250615%2Fus-east-1%2Fs3%2Faws4_request"
    b"&X-Amz-Date=20250615T150640Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
)
SPLINTERS = [b"\x00", b"\r\n", b"%", b"%ff", b"&", b";", b"{", b"<", b"\xff" * 9, b"9" * 30]

Target = Callable[[bytes], object]


def body_target(model: ServiceModel, operation_name: str, protocol: str) -> Target:
    codec, operation = protocols.build_codec(model, protocol), model.operations[operation_name]

    def run(data: bytes) -> object:
        found = codec.decode(operation, Request("POST", "/", {}, BytesBody()), data, {})
        validation.validate(operation, found)
        return found

    return run


def rest_target(model: ServiceModel) -> Target:
    """A request line and headers, as the listener would hand them over."""
    table, codec = UriTable(model.routes), protocols.build_codec(model)

    def run(data: bytes) -> object:
        head, _, body = data.partition(b"\n\n")
        lines = head.decode("latin-1").split("\n")
        method, _, target = lines[0].partition(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        request = Request(method, target or "/", headers, BytesBody(body))
        match = table.match(method, request.path, parse_query(request.query), headers)
        if match is None:
            return None
        return codec.decode(model.operations[match.operation], request, body, match.labels)

    return run


def signature_target() -> Target:
    verifier = sigv4.Verifier({"AKID": sigv4.Secret("secret")}.get)
    dialects = [dialect_of(name) for name in ("rest-xml", "json", "query")]

    def run(data: bytes) -> object:
        head, _, target = data.decode("latin-1").partition("\n")
        headers = {"authorization": head, "x-amz-date": "20250615T150640Z", "host": "h"} if head else {"host": "h"}
        request = Request("GET", "/" + target, headers, BytesBody())
        return [verifier.verify(request, dialect=dialect, now=NOW, body=b"") for dialect in dialects]

    return run


def chunked_target(payload: sigv4.Payload) -> Target:
    claim = sigv4.Claim("AKID", "20250615", "us-east-1", "s3", "20250615/us-east-1/s3/aws4_request", "host", ("host",))
    signed = sigv4.Signed(claim, payload, "", "0" * 64, KEY, "20250615T150640Z")

    def run(data: bytes) -> object:
        decoder = chunked.Decoder(payload, signed, trailers=["x-amz-checksum-crc32"])
        pieces = [piece for at in range(0, len(data), 7) for piece in decoder.feed(data[at : at + 7])]
        decoder.finish()
        return pieces

    return run


def event_target(data: bytes) -> object:
    decoder = event_stream.Decoder()
    messages = decoder.feed(data)
    decoder.finish()
    return messages


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    """Name -> (decoder, valid inputs to start from)."""
    logs = load_service("logs", ["PutLogEvents"])
    kinesis = load_service("kinesis", ["GetShardIterator"])
    functions = load_service("lambda", ["CreateFunction"])
    sts = load_service("sts", ["AssumeRole"])
    s3 = load_service("s3", ["DeleteObjects", "PutBucketNotificationConfiguration"])
    all_of_s3 = load_service("s3", load_service("s3", []).operation_names)
    events = {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}
    return {
        "json": (body_target(logs, "PutLogEvents", "json"), [b'{"logGroupName":"g","logEvents":[{"timestamp":1}]}']),
        "cbor": (body_target(logs, "PutLogEvents", "rpc-v2-cbor"), [cbor2.dumps(events)]),
        "amz-cbor": (
            body_target(kinesis, "GetShardIterator", "amz-cbor"),
            [cbor2.dumps({"StreamName": "s", "ShardId": "s", "Timestamp": cbor2.CBORTag(1, 1_750_000_000_000)})],
        ),
        "rest-json": (
            body_target(functions, "CreateFunction", "rest-json"),
            [b'{"FunctionName":"f","Code":{"ZipFile":"UEs="},"Timeout":3,"Environment":{"Variables":{"A":"b"}}}'],
        ),
        "query": (
            body_target(sts, "AssumeRole", "query"),
            [b"Action=AssumeRole&RoleArn=arn%3Aaws&DurationSeconds=900&Tags.member.1.Key=k&Tags.member.1.Value=v"],
        ),
        "delete": (
            body_target(s3, "DeleteObjects", "rest-xml"),
            [b'<?xml version="1.0"?><Delete xmlns="http://s3"><Object><Key>a&amp;b</Key></Object></Delete>'],
        ),
        "notification": (
            body_target(s3, "PutBucketNotificationConfiguration", "rest-xml"),
            [NOTIFICATION],
        ),
        "requests": (
            rest_target(all_of_s3),
            [
                b"PUT /b/k%20x?partNumber=1&uploadId=u\nx-amz-copy-source: /b/k\nx-amz-meta-a: b\nexpires: now\n\n",
                b"GET /b?list-type=2&max-keys=5&prefix=%C3%A9\nif-modified-since: Sun, 15 Jun 2025 15:06:40 GMT\n\n",
                b"PUT /b?tagging\n\n<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
            ],
        ),
        "signatures": (signature_target(), [SIGNED_HEADER, SIGNED_QUERY]),
        "chunks": (
            chunked_target(sigv4.Payload.UNSIGNED_TRAILER),
            [b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"],
        ),
        "signed chunks": (
            chunked_target(sigv4.Payload.CHUNKS),
            [b"3;chunk-signature=" + b"0" * 64 + b"\r\nabc\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"],
        ),
        "events": (event_target, [event_stream.encode_message({":event-type": "x", "n": 5, "t": 1.5}, b"payload")]),
    }


def mutate(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + rng.randint(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 40)] * rng.choice([1, 2, 50])
            case 3:
                changed[at:at] = rng.choice(SPLINTERS)
            case _:
                changed[at:at] = quote(rng.randbytes(3)).encode()
    return bytes(changed)


def fails(name: str, run: Target, data: bytes) -> bool:
    start = time.monotonic()
    try:
        run(data)
    except ServiceError:
        pass
    except Exception:  # noqa: BLE001 (whatever it is, it is what this program looks for)
        print(f"{name}: {data!r}", file=sys.stderr)
        traceback.print_exc()
        return True
    if time.monotonic() - start > SLOW_SECONDS:
        print(f"{name}: {time.monotonic() - start:.1f} s for {data!r}", file=sys.stderr)
        return True
    return False


def main() -> int:
    options = argparse.ArgumentParser(description="Random bytes at the decoders of the wire layer.")
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = options.parse_args()
    seconds, seed = chosen.seconds, chosen.seed
    rng = random.Random(seed)
    every = targets()
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for name, (run, valid) in every.items():
            noise = rng.randbytes(rng.randrange(64))
            for data in (noise, mutate(rng, rng.choice(valid))):
                count += 1
                if fails(name, run, data):
                    print(f"seed {seed}, input {count}", file=sys.stderr)
                    return 1
    print(f"{count} inputs in {seconds:g} s, seed {seed}: every one a value or a ServiceError")
    return 0


if __name__ == "__main__":
    sys.exit(main())
