"""What tests that kill the platform share: the kill in the midst of work, clients that do not try again, what is left.

A test deploys, kills a few times while its workers work, and then waits until nothing is missing. Workers stop by
themselves when a request gets no answer (`NO_ANSWER`): what it asked for may have been done or not.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from zips import zipped

NO_ANSWER = (BotoCoreError, ClientError)

PATIENCE_SECONDS = 60.0
#: Between the break of a connection and the end of the process.
GOING_DOWN_SECONDS = 5.0

Work = Callable[[PlatformProcess], object]
"""Goes on until it gets no answer."""


def rounds(default: int) -> int:
    """How often to kill: LAMBENT_CRASH_ROUNDS, if somebody has set it."""
    return int(os.environ.get("LAMBENT_CRASH_ROUNDS", default))


def client_without_retries(platform: PlatformProcess, service: str) -> Any:
    config = Config(
        retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=10
    )
    return platform.client(service, config=config)


def kill_amid(
    data: Path, works: Sequence[Work], seconds: tuple[float, float], has_begun: Callable[[], bool] = lambda: True
) -> None:
    """One life: all of the work at once, and so long (from, to) after it has begun the end.

    Returns when the last has noticed.
    """
    with PlatformProcess.started(data) as platform:
        workers = [threading.Thread(target=work, args=(platform,)) for work in works]
        for worker in workers:
            worker.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not has_begun() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(random.uniform(*seconds))
        platform.kill()
        for worker in workers:
            worker.join()


def all_grow(counts: Iterable[Callable[[], int]]) -> Callable[[], bool]:
    """For `has_begun`, of one life: each of them (answers that somebody got) is more than it is now."""
    before = [(count, count()) for count in counts]
    return lambda: all(count() > number for count, number in before)


def is_going_down(platform: PlatformProcess) -> bool:
    """The connection breaks a moment before the process counts as ended."""
    deadline = time.monotonic() + GOING_DOWN_SECONDS
    while time.monotonic() < deadline:
        if platform.process.poll() is not None:
            return True
        time.sleep(0.01)
    return False


def wait_until_complete(
    missing: Callable[[], Collection[Any]], what: str, patience: float = PATIENCE_SECONDS, pause: float = 0.1
) -> None:
    """Until nothing is missing any more; `what` says what had happened to what is."""
    deadline = time.monotonic() + patience
    while left := missing():
        assert time.monotonic() < deadline, f"{len(left)} {what}, e.g. {sorted(left)[:5]}"
        time.sleep(pause)


def create_function(platform: PlatformProcess, name: str, source: str, **options: Any) -> str:
    """Its ARN; the handler is `handler`."""
    made = platform.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::000000000000:role/{name}",
        Code={"ZipFile": zipped({"app.py": source})},
        **{"Timeout": 30, "MemorySize": 1024, **options},
    )
    return str(made["FunctionArn"])


def permit(platform: PlatformProcess, function: str, service: str, **options: Any) -> None:
    """`service` (`s3`) may invoke it."""
    platform.client("lambda").add_permission(
        FunctionName=function,
        StatementId=service,
        Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com",
        **options,
    )


def create_table(platform: PlatformProcess, name: str, view: str = "", key: str = "id") -> str:
    """Of items with a text for a key; the ARN of its stream, if `view` says what that is to show."""
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
    made = platform.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **stream,
    )
    return str(made["TableDescription"].get("LatestStreamArn", ""))


def ids_in(platform: PlatformProcess, table: str) -> set[str]:
    pages = platform.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {item["id"]["S"] for page in pages for item in page["Items"]}


def keys_in(platform: PlatformProcess, bucket: str, prefix: str = "") -> set[str]:
    pages = platform.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {one["Key"] for page in pages for one in page.get("Contents", [])}
