"""kill -9 while messages are sent, received and deleted: nothing acknowledged is lost, doubled or out of order.

Senders number their messages, each in a message group of its own; consumers note what they received before they delete
it. A message whose delete was acknowledged may never be seen again; of a FIFO queue every acknowledged one comes in the
order of its group, and once until its delete is under way. LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
SENDERS = 4
CONSUMERS = 3
VISIBILITY_SECONDS = 2


@dataclass
class Ledger:
    sent: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Acknowledged, by sender."""
    unsure: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Sent, and no answer: they may be there or not."""
    received: list[str] = field(default_factory=list)
    """Bodies in the order in which they were received."""
    deleting: set[str] = field(default_factory=set)
    """Their delete was asked for, perhaps without an answer."""
    deleted: set[str] = field(default_factory=set)
    """Acknowledged."""
    ghosts: list[str] = field(default_factory=list)
    """Received although their delete had been acknowledged."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def send_until_killed(platform: PlatformProcess, ledger: Ledger, url: str, name: str, *, fifo: bool) -> None:
    sqs = killing.client_without_retries(platform, "sqs")
    number = max([*ledger.sent[name], *ledger.unsure[name]], default=0)
    while platform.process.poll() is None:
        number += 1
        ordered = {"MessageGroupId": name, "MessageDeduplicationId": f"{name}-{number}"} if fifo else {}
        try:
            sqs.send_message(QueueUrl=url, MessageBody=f"{name}:{number}", **ordered)
        except killing.NO_ANSWER:
            ledger.unsure[name].add(number)
            return
        ledger.sent[name].append(number)


def consume(platform: PlatformProcess, ledger: Ledger, url: str, done: threading.Event) -> None:
    sqs = killing.client_without_retries(platform, "sqs")
    while platform.process.poll() is None and not done.is_set():
        try:
            taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=5, WaitTimeSeconds=1).get("Messages", [])
            for message in taken:
                body = message["Body"]
                with ledger.lock:
                    ledger.received.append(body)
                    if body in ledger.deleted:
                        ledger.ghosts.append(body)
                    ledger.deleting.add(body)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                with ledger.lock:
                    ledger.deleted.add(body)
        except ClientError:
            continue  # a handle that expired: the message comes again
        except BotoCoreError:
            return


def work_until_killed(platform: PlatformProcess, ledger: Ledger, url: str, *, fifo: bool) -> None:
    done = threading.Event()
    workers = [
        threading.Thread(target=send_until_killed, args=(platform, ledger, url, f"s{n}"), kwargs={"fifo": fifo})
        for n in range(SENDERS)
    ]
    workers += [threading.Thread(target=consume, args=(platform, ledger, url, done)) for _ in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    time.sleep(random.uniform(0.3, 1.2))
    platform.kill()
    for worker in workers:
        worker.join()


def drain(platform: PlatformProcess, ledger: Ledger, url: str) -> None:
    """Consume until everything acknowledged has been deleted."""
    done = threading.Event()
    workers = [threading.Thread(target=consume, args=(platform, ledger, url, done)) for _ in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    wanted = {f"{name}:{number}" for name, numbers in ledger.sent.items() for number in numbers}
    deadline = time.monotonic() + killing.PATIENCE_SECONDS
    try:
        while missing := wanted - ledger.deleted - (ledger.deleting & set(ledger.received)):
            assert time.monotonic() < deadline, (
                f"{len(missing)} acknowledged messages never came: {sorted(missing)[:5]}"
            )
            time.sleep(0.1)
    finally:
        done.set()
        for worker in workers:
            worker.join()


def create_queue(platform: PlatformProcess, *, fifo: bool) -> str:
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), **({"FifoQueue": "true"} if fifo else {})}
    name = "work.fifo" if fifo else "work"
    made: Any = platform.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return f"/000000000000/{made['QueueUrl'].rpartition('/')[2]}"


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
@pytest.mark.parametrize("fifo", [False, True])
def test_killed_under_load_no_message_is_lost_or_comes_back(tmp_path: Path, *, fifo: bool) -> None:
    ledger = Ledger()
    with PlatformProcess.started(tmp_path) as platform:
        path = create_queue(platform, fifo=fifo)
    for _ in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            work_until_killed(platform, ledger, f"{platform.url}{path}", fifo=fifo)
    assert len(ledger.sent) == SENDERS
    with PlatformProcess.started(tmp_path) as platform:
        drain(platform, ledger, f"{platform.url}{path}")
    assert ledger.ghosts == []
    if fifo:
        for name in ledger.sent:
            first_time = list(dict.fromkeys(body for body in ledger.received if body.startswith(f"{name}:")))
            numbers = [int(body.partition(":")[2]) for body in first_time]
            assert numbers == sorted(numbers), f"{name} came out of order"
