"""Redrive policies, dead-letter queues, and message move tasks, through boto3."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.sqs.conftest import MakeQueue, arn_of, bodies, receive
from services.sqs.test_queues import code_of


def policy(target: str, receives: int = 1) -> str:
    return json.dumps({"deadLetterTargetArn": arn_of(target), "maxReceiveCount": receives})


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def test_received_too_often(sqs: Any, make_queue: MakeQueue) -> None:
    dead = make_queue()
    url = make_queue(RedrivePolicy=policy(dead, 2))
    sent = sqs.send_message(QueueUrl=url, MessageBody="bad")
    for _ in range(2):
        assert len(receive(sqs, url, VisibilityTimeout=0)) == 1
        assert receive(sqs, dead) == []
    assert receive(sqs, url) == []
    [got] = receive(sqs, dead, AttributeNames=["All"])
    assert got["MessageId"] == sent["MessageId"]
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(url)
    assert got["Attributes"]["ApproximateReceiveCount"] == "3"
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


def test_in_a_fifo_queue_the_group_goes_on(sqs: Any, make_queue: MakeQueue) -> None:
    dead = make_queue(fifo=True)
    url = make_queue(fifo=True, ContentBasedDeduplication="true", RedrivePolicy=policy(dead))
    for body in ("bad", "good"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    assert bodies(receive(sqs, url, MaxNumberOfMessages=1, VisibilityTimeout=0)) == ["bad"]
    assert bodies(receive(sqs, url)) == ["good"]
    assert bodies(receive(sqs, dead)) == ["bad"]


def test_without_its_dead_letter_queue_a_message_stays(sqs: Any, make_queue: MakeQueue) -> None:
    dead = make_queue()
    url = make_queue(RedrivePolicy=policy(dead))
    sqs.delete_queue(QueueUrl=dead)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    for _ in range(3):
        assert len(receive(sqs, url, VisibilityTimeout=0)) == 1


def test_policies_that_are_refused(sqs: Any, make_queue: MakeQueue) -> None:
    url, fifo, closed = (
        make_queue(),
        make_queue(fifo=True),
        make_queue(RedriveAllowPolicy='{"redrivePermission":"denyAll"}'),
    )
    for text in (
        policy(f"{url}-nowhere"),
        policy(fifo),
        policy(closed),
        policy(url, 0),
        policy(url, 1001),
        json.dumps({"deadLetterTargetArn": "nonsense", "maxReceiveCount": 1}),
        json.dumps({"deadLetterTargetArn": arn_of(url)}),
    ):
        with pytest.raises(ClientError) as caught:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": text})
        assert code_of(caught.value) == "InvalidParameterValue", text
    named = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn_of(url)]})
    sqs.set_queue_attributes(QueueUrl=closed, Attributes={"RedriveAllowPolicy": named})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy(closed)})


def bury(sqs: Any, url: str, count: int) -> None:
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"m{n}"} for n in range(count)])
    while receive(sqs, url, VisibilityTimeout=0):
        pass


def test_dead_letters_move_back(sqs: Any, make_queue: MakeQueue) -> None:
    dead = make_queue()
    url = make_queue(RedrivePolicy=policy(dead))
    bury(sqs, url, 5)
    handle = sqs.start_message_move_task(SourceArn=arn_of(dead))["TaskHandle"]
    assert handle

    def finished() -> Any:
        [task] = sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"]
        return task if task["Status"] == "COMPLETED" else None

    task = eventually(finished)
    assert (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (5, 5)
    got = receive(sqs, url, AttributeNames=["All"])
    assert sorted(bodies(got)) == [f"m{n}" for n in range(5)]
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in got} == {"1"}


def test_a_slow_move_is_cancelled(sqs: Any, make_queue: MakeQueue) -> None:
    dead, other = make_queue(), make_queue()
    url = make_queue(RedrivePolicy=policy(dead))
    bury(sqs, url, 10)
    task = {"SourceArn": arn_of(dead), "DestinationArn": arn_of(other), "MaxNumberOfMessagesPerSecond": 1}
    handle = sqs.start_message_move_task(**task)["TaskHandle"]
    with pytest.raises(ClientError) as caught:
        sqs.start_message_move_task(**task)
    assert code_of(caught.value) == "InvalidParameterValue"
    eventually(lambda: receive(sqs, other))
    assert sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] >= 1
    eventually(lambda: sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"][0]["Status"] == "CANCELLED")
    with pytest.raises(sqs.exceptions.UnsupportedOperation):
        sqs.cancel_message_move_task(TaskHandle=handle)
    assert receive(sqs, dead)


def test_moves_that_are_refused(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    with pytest.raises(ClientError) as caught:
        sqs.start_message_move_task(SourceArn=arn_of(url))
    assert code_of(caught.value) == "InvalidParameterValue"
    assert caught.value.response["Error"]["Message"] == "Source queue must be configured as a Dead Letter Queue."
    with pytest.raises(ClientError) as caught:
        sqs.cancel_message_move_task(TaskHandle="nonsense")
    assert code_of(caught.value) == "InvalidParameterValue"
    make_queue(RedrivePolicy=policy(url))

    def handle(queue: str) -> str:
        return base64.b64encode(f"task:{arn_of(queue)}".encode()).decode()

    source, target = (f"The resource that you specified for the {name}Arn" for name in ("Source", "Destination"))
    for call, request, sentence in (
        (sqs.start_message_move_task, {"SourceArn": arn_of("nowhere")}, source),
        (sqs.start_message_move_task, {"SourceArn": arn_of(url), "DestinationArn": arn_of("nowhere")}, target),
        (sqs.list_message_move_tasks, {"SourceArn": arn_of("nowhere")}, source),
        (sqs.cancel_message_move_task, {"TaskHandle": handle("nowhere")}, source),
        (sqs.cancel_message_move_task, {"TaskHandle": handle(url)}, "Task does not exist."),
    ):
        with pytest.raises(sqs.exceptions.ResourceNotFoundException) as missing:
            call(**request)
        assert missing.value.response["Error"]["Message"].startswith(sentence)
