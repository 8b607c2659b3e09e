"""FIFO queues through boto3: order, groups, deduplication, attempts."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.sqs.conftest import MakeQueue, bodies, receive
from services.sqs.test_queues import code_of


def send(sqs: Any, url: str, body: str, group: str = "g", **options: Any) -> Any:
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **options)


@pytest.fixture
def fifo(make_queue: MakeQueue) -> str:
    return make_queue(fifo=True, ContentBasedDeduplication="true")


def test_nothing_overtakes_a_message_in_flight(sqs: Any, fifo: str) -> None:
    for number in range(4):
        send(sqs, fifo, f"a{number}", "a")
    send(sqs, fifo, "b0", "b")
    first = receive(sqs, fifo, MaxNumberOfMessages=2)
    assert bodies(first) == ["a0", "a1"]
    assert bodies(receive(sqs, fifo)) == ["b0"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    assert receive(sqs, fifo) == []
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first[1]["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, fifo)) == ["a1", "a2", "a3"]


def test_the_head_of_a_group_comes_again_while_others_are_in_flight(sqs: Any, fifo: str) -> None:
    """Developer guide, "FIFO queue delivery logic": a group returns no more messages "unless you delete the message, or
    it becomes visible". Measured at AWS."""
    for number in range(3):
        send(sqs, fifo, f"m{number}")
    first, _ = receive(sqs, fifo, MaxNumberOfMessages=2)
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(sqs, fifo)) == ["m0"]
    assert receive(sqs, fifo) == []
    with pytest.raises(ClientError) as caught:
        sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=5)
    assert code_of(caught.value) == "InvalidParameterValue"


def test_a_batch_that_does_not_say_what_a_fifo_queue_must_know_fails_whole(sqs: Any, make_queue: MakeQueue) -> None:
    """Measured at AWS, with these sentences."""
    url = make_queue(fifo=True)
    good = {"Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "1", "DelaySeconds": 0}
    for missing, sentence in (
        ("MessageGroupId", "The request must contain the parameter MessageGroupId."),
        ("MessageDeduplicationId", "The queue should either have ContentBasedDeduplication enabled or "),
    ):
        bad = {name: value for name, value in {**good, "Id": "b"}.items() if name != missing}
        with pytest.raises(ClientError) as caught:
            sqs.send_message_batch(QueueUrl=url, Entries=[good, bad])
        assert code_of(caught.value) == "InvalidParameterValue"
        assert caught.value.response["Error"]["Message"].startswith(sentence)
    assert receive(sqs, url) == []
    sqs.send_message_batch(QueueUrl=url, Entries=[good])
    assert bodies(receive(sqs, url)) == ["x"]


def test_sequence_numbers_grow_and_attributes_are_shown(sqs: Any, fifo: str) -> None:
    sent = [send(sqs, fifo, f"m{number}") for number in range(3)]
    numbers = [int(one["SequenceNumber"]) for one in sent]
    assert numbers == sorted(set(numbers))
    got = receive(sqs, fifo, AttributeNames=["All"])
    assert [int(one["Attributes"]["SequenceNumber"]) for one in got] == numbers
    assert got[0]["Attributes"]["MessageGroupId"] == "g"
    assert len(got[0]["Attributes"]["MessageDeduplicationId"]) == 64


def test_duplicates_are_answered_and_not_kept(sqs: Any, fifo: str) -> None:
    original, again = send(sqs, fifo, "same"), send(sqs, fifo, "same", "other-group")
    assert (original["MessageId"], original["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    send(sqs, fifo, "other", MessageDeduplicationId="one")
    send(sqs, fifo, "another", MessageDeduplicationId="one")
    got = receive(sqs, fifo)
    assert bodies(got) == ["same", "other"]
    for one in got:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=one["ReceiptHandle"])
    send(sqs, fifo, "same")
    assert receive(sqs, fifo) == []


def test_deduplication_within_groups(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(fifo=True, DeduplicationScope="messageGroup")
    for group in ("a", "b", "a"):
        send(sqs, url, group, group, MessageDeduplicationId="one")
    assert sorted(bodies(receive(sqs, url))) == ["a", "b"]


def test_the_same_attempt_returns_the_same_messages(sqs: Any, fifo: str) -> None:
    for number in range(3):
        send(sqs, fifo, f"m{number}")
    first = receive(sqs, fifo, MaxNumberOfMessages=2, ReceiveRequestAttemptId="try")
    again = receive(sqs, fifo, MaxNumberOfMessages=2, ReceiveRequestAttemptId="try")
    assert [one["ReceiptHandle"] for one in again] == [one["ReceiptHandle"] for one in first]
    assert receive(sqs, fifo, ReceiveRequestAttemptId="other") == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    assert receive(sqs, fifo, ReceiveRequestAttemptId="try") == []


def test_a_handle_whose_time_is_over_is_refused(sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "m")
    [got] = receive(sqs, fifo, VisibilityTimeout=0)
    with pytest.raises(ClientError) as caught:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=got["ReceiptHandle"])
    assert "expired" in str(caught.value)
    assert len(receive(sqs, fifo)) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"MessageGroupId": None}, "MissingParameter"),
        ({"MessageGroupId": "no spaces"}, "InvalidParameterValue"),
        ({"DelaySeconds": 1}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": None}, "InvalidParameterValue"),
    ],
)
def test_messages_that_are_refused(sqs: Any, make_queue: MakeQueue, options: dict[str, Any], code: str) -> None:
    given = {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d", **options}
    with pytest.raises(ClientError) as caught:
        sqs.send_message(QueueUrl=make_queue(fifo=True), **{k: v for k, v in given.items() if v is not None})
    assert code_of(caught.value) == code


def test_a_batch_is_in_the_order_it_was_sent(sqs: Any, fifo: str) -> None:
    entries = [{"Id": f"e{n}", "MessageBody": f"m{n}", "MessageGroupId": "g"} for n in range(10)]
    sent = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    assert len(sent["Successful"]) == 10
    assert bodies(receive(sqs, fifo)) == [f"m{n}" for n in range(10)]


def test_a_changed_delay_is_that_of_waiting_messages_too(sqs: Any, fifo: str) -> None:
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "900"})
    send(sqs, fifo, "m")
    assert receive(sqs, fifo) == []
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "0"})
    assert bodies(receive(sqs, fifo)) == ["m"]
