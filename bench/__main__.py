"""`python -m bench`: every figure, as a table and as JSON. With --endpoint it measures somebody else the same way."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import uvloop
from botocore.config import Config

from bench import (
    buses,
    functions,
    lambent_process,
    mappings,
    objects,
    queues,
    report,
    schedules,
    site_edits,
    startup,
    streams,
    tables,
    topics,
    website,
)
from bench.signing import Target

GROUPS = (
    "startup",
    "objects",
    "tables",
    "warm",
    "cold",
    "async",
    "events",
    "mappings",
    "streams",
    "queues",
    "topics",
    "buses",
    "schedules",
    "site",
    "site-edits",
    "memory",
)


def main() -> None:
    options = _parse()
    uvloop.install()
    only = set(options.only or GROUPS)
    figures: list[report.Figure] = []
    with contextlib.ExitStack() as stack:
        if options.endpoint:
            endpoint, pid = options.endpoint, options.pid
        else:
            if "startup" in only:
                figures += _announced(startup.measure(options.runs))
            endpoint, pid = stack.enter_context(lambent_process.running(options.directory))
        target = Target(endpoint, options.access_key_id, options.secret_access_key, pid=pid)
        for group in GROUPS:
            if group in only:
                figures += _announced(_measure(group, target, options, pid))
    report.show(figures, endpoint)
    if options.json:
        report.save(figures, options.json)


def _measure(group: str, target: Target, options: argparse.Namespace, pid: int | None) -> Iterator[report.Figure]:
    client, s3, logs = (_client(name, target) for name in ("lambda", "s3", "logs"))
    if group == "objects":
        yield from objects.measure(target, s3, options.runs)
    elif group == "tables":
        yield from tables.measure(target, _client("dynamodb", target), options.runs, options.table_items)
    elif group == "warm":
        yield from functions.measure_warm(target, client, options.runs)
    elif group == "cold":
        yield from functions.measure_cold(target, client, s3, node=not options.no_node)
    elif group == "async":
        yield from functions.measure_async(target, client, logs)
    elif group == "events":
        yield from functions.measure_event_latency(target, client, s3, logs)
    elif group == "mappings":
        yield from mappings.measure(target, _client("dynamodb", target), client, logs)
    elif group == "buses":
        yield from buses.measure(target, _client("events", target), client, logs, options.runs)
    elif group == "site":
        yield from website.measure(target)
        for pages in options.site_pages:
            yield from website.measure_large(target, pages)
    elif group == "site-edits":
        yield from site_edits.measure(large=options.large_site)
    elif group == "streams":
        yield from streams.measure(target, _client("kinesis", target), client, logs, options.runs)
    elif group == "queues":
        yield from queues.measure(target, _client("sqs", target), client, logs, options.runs)
    elif group == "topics":
        sns, sqs = _client("sns", target), _client("sqs", target)
        yield from topics.measure(target, sns, sqs, client, logs, options.runs)
    elif group == "schedules":
        yield from schedules.measure(target, _client("sqs", target))
    elif group == "memory" and pid:
        yield from functions.measure_environment_memory(client, pid)


def _client(service: str, target: Target) -> Any:
    return boto3.client(
        service,
        endpoint_url=target.endpoint,
        region_name=target.region,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        config=Config(max_pool_connections=32),
    )


def _announced(measured: Iterator[report.Figure]) -> Iterator[report.Figure]:
    """Tell each figure as it comes: a whole run takes minutes."""
    for figure in measured:
        p99 = f", p99 {figure.p99:,.2f} ms" if figure.p99 is not None else ""
        print(f"{figure.name}: {figure.value:,.2f} {figure.unit}{p99} ({figure.note})", flush=True)
        yield figure


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--endpoint", help="measure what runs there (default: a Lambent of our own)")
    parser.add_argument("--pid", type=int, help="its process id, for the memory figures")
    parser.add_argument("--access-key-id", default="test")
    parser.add_argument("--secret-access-key", default="test")
    parser.add_argument("--only", action="append", choices=GROUPS, help="some groups only; may be repeated")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each rate (default 3)")
    parser.add_argument("--directory", type=Path, help="where the data directory is made (default: the temporary one)")
    parser.add_argument("--table-items", type=int, default=100_000, help="how far the table grows (default 100,000)")
    parser.add_argument("--large-site", action="store_true", help="edits of a site of 10,000 pages, too (minutes)")
    parser.add_argument(
        "--site-pages", type=int, nargs="*", default=[100, 1000], help="sizes of generated sites (10000 takes minutes)"
    )
    parser.add_argument("--no-node", action="store_true", help="leave out Node.js")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
