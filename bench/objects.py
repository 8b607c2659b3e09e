"""S3: small and large objects, and a listing of a thousand keys."""

import os
from collections.abc import Iterator
from typing import Any

from bench import report
from bench.client import Outcome, send
from bench.signing import Target

BUCKET = "bench-objects"


def measure(target: Target, client: Any, runs: int) -> Iterator[report.Figure]:
    client.create_bucket(Bucket=BUCKET)
    small, large = os.urandom(1024), os.urandom(1 << 20)
    yield report.rate(
        "PutObject 1 KiB, 32 connections", [_puts(target, f"small/{n}/", small, 6000, 32) for n in range(runs)], 4000
    )
    yield report.rate(
        "GetObject 1 KiB, 32 connections", [_gets(target, "small/0/", 500, 15000, 32) for _ in range(runs)], 9000
    )
    yield report.rate(
        "PutObject 1 MiB, 8 connections", [_puts(target, f"large/{n}/", large, 300, 8) for n in range(runs)], 250
    )
    yield report.rate(
        "GetObject 1 MiB, 8 connections", [_gets(target, "large/0/", 100, 1500, 8) for _ in range(runs)], 1100
    )
    send(target, [_put(target, f"list/{n:04}", b"x") for n in range(1000)], 16)
    listing = target.request("s3", "GET", f"/{BUCKET}?list-type=2&max-keys=1000&prefix=list%2F")
    yield report.rate(
        "ListObjectsV2 of 1,000 keys, 4 connections",
        [send(target, [listing] * 300, 4) for _ in range(runs)],
        150,
    )


def _put(target: Target, key: str, body: bytes) -> bytes:
    return target.request("s3", "PUT", f"/{BUCKET}/{key}", body)


def _puts(target: Target, prefix: str, body: bytes, count: int, connections: int) -> Outcome:
    requests = [_put(target, f"{prefix}{n}", body) for n in range(count)]
    return send(target, requests, connections)


def _gets(target: Target, prefix: str, keys: int, count: int, connections: int) -> Outcome:
    signed = [target.request("s3", "GET", f"/{BUCKET}/{prefix}{n}") for n in range(keys)]
    requests = (signed * (count // keys + 1))[:count]
    return send(target, requests, connections)
