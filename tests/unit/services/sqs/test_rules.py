"""Receipt handles, names and URLs, attributes, permissions, sender ids, move rates: rules as tables."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.caller import Caller
from lambent.services.sqs import access, attributes, page_tokens, permissions, queues, receipts, senders
from lambent.services.sqs.errors import (
    InvalidAddress,
    InvalidAttributeValue,
    InvalidParameterValue,
    MissingParameter,
    OverLimit,
    ReceiptHandleIsInvalid,
)
from lambent.services.sqs.moves import MoveStatus, MoveTask
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receipts import Receipt
from lambent.wire.errors import ServiceError

KEY = QueueKey("000000000000", "us-east-1", "q")
_numbers = st.integers(0, 2**63)


@given(st.builds(Receipt, _numbers, _numbers, _numbers))
def test_receipts_come_back(receipt: Receipt) -> None:
    assert receipts.read(receipts.write(receipt)) == receipt


@given(st.text(min_size=1, max_size=60))
def test_whatever_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(ReceiptHandleIsInvalid):
        receipts.read(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/000000000000/q",
        "https://sqs.eu-west-1.amazonaws.com/000000000000/q",
        "http://us-east-1.queue.amazonaws.com/000000000000/q/",
        "http://localhost:4566/queue/us-east-1/000000000000/q",
        "/000000000000/q",
    ],
)
def test_the_path_of_a_url_is_the_queue(url: str) -> None:
    assert queues.parse_url(url, "us-east-1") == KEY


@pytest.mark.parametrize(
    "url", ["", "q", "/q", "http://localhost/q", "http://h/123/q", "http://[/000000000000/q", "/000000000000/"]
)
def test_what_is_no_queue_url(url: str) -> None:
    with pytest.raises(InvalidAddress):
        queues.parse_url(url, "us-east-1")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:sqs:us-east-1:000000000000:q", KEY),
        ("arn:aws:sns:us-east-1:000000000000:q", None),
        ("arn:aws:sqs::000000000000:q", None),
        ("arn:aws:sqs:us-east-1:0:q", None),
        ("q", None),
    ],
)
def test_arns(arn: str, expected: QueueKey | None) -> None:
    assert queues.parse_arn(arn) == expected


def queue(**given: str) -> Queue:
    return Queue(KEY, 1, 2, json.dumps(given), "{}", 0, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ""),
        ({"VisibilityTimeout": "30"}, ""),
        ({"VisibilityTimeout": "030"}, ""),
        ({"VisibilityTimeout": "31"}, "VisibilityTimeout"),
        ({"FifoQueue": "false"}, ""),
        ({"RedrivePolicy": '{"maxReceiveCount":"3", "deadLetterTargetArn":"a"}'}, ""),
        ({"RedrivePolicy": '{"maxReceiveCount":4, "deadLetterTargetArn":"a"}'}, "RedrivePolicy"),
        ({"Policy": "{}"}, "Policy"),
    ],
)
def test_creating_a_queue_again(wanted: dict[str, str], expected: str) -> None:
    present = queue(RedrivePolicy='{"deadLetterTargetArn":"a","maxReceiveCount":3}')
    assert attributes.differing(present, wanted) == expected


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("", KEY.arn, True),
        ('{"redrivePermission":"allowAll"}', KEY.arn, True),
        ('{"redrivePermission":"denyAll"}', KEY.arn, False),
        (json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [KEY.arn]}), KEY.arn, True),
        (json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [KEY.arn]}), KEY.arn + "x", False),
    ],
)
def test_redrive_allow_policies(text: str, source: str, *, expected: bool) -> None:
    assert attributes.lets_redrive({"RedriveAllowPolicy": text} if text else {}, source) == expected


DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"
_FORM = (
    "Amazon SQS can't create the redrive allow policy, as it\N{RIGHT SINGLE QUOTATION MARK}s in an unsupported format."
)
_ALLOW = "Amazon SQS can't create the redrive allow policy."


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        # The sentences of AWS as mocks of it have collected them, and as people quote them in their deployments.
        ([], "Redrive policy is not a valid JSON map."),
        ({}, "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        ({"maxReceiveCount": 5}, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (
            {"deadLetterTargetArn": DEAD, "maxReceiveCount": 0},
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            {"deadLetterTargetArn": DEAD, "maxReceiveCount": "1001"},
            "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            {"deadLetterTargetArn": "arn:aws:sns:us-east-1:000000000000:t", "maxReceiveCount": 5},
            "Only SQS queues are valid resources for deadLetterTargetArn.",
        ),
        (
            {"deadLetterTargetArn": DEAD, "maxReceiveCount": 5, "more": 1},
            "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
        ),
        (
            {"deadLetterTargetArn": f"{DEAD}.fifo", "maxReceiveCount": 5},
            "Dead-letter queue must be same type of queue as the source..",
        ),
        ({"deadLetterTargetArn": DEAD, "maxReceiveCount": 5}, "Dead letter target does not exist."),
    ],
)
def test_redrive_policies_that_are_refused(policy: Any, reason: str) -> None:
    text = json.dumps(policy)
    with pytest.raises(ServiceError) as refused:
        attributes.check_target(KEY, attributes.changed({}, {"RedrivePolicy": text}, is_fifo=False), lambda _: None)
    if policy == []:
        assert refused.value.message == f"Invalid value for the parameter RedrivePolicy. Reason: {reason}"
    else:
        assert refused.value.message == f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ([], _FORM),
        ({}, _FORM),
        ({"redrivePermission": "some"}, _FORM),
        ({"redrivePermission": "allowAll", "more": 1}, _FORM),
        ({"redrivePermission": "byQueue", "sourceQueueArns": KEY.arn}, _FORM),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [{}]}, _FORM),
        *(
            (
                policy,
                (
                    f"{_ALLOW} When you specify the byQueue permission type, you must also specify one or more "
                    "sourceQueueArns values."
                ),
            )
            for policy in ({"redrivePermission": "byQueue"}, {"redrivePermission": "byQueue", "sourceQueueArns": []})
        ),
        (
            {"redrivePermission": "denyAll", "sourceQueueArns": [KEY.arn]},
            f"{_ALLOW} To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
        ),
        (
            {"redrivePermission": "byQueue", "sourceQueueArns": [KEY.arn] * 11},
            f"{_ALLOW} The maximum number of source queue ARNs you can specify is 10.",
        ),
    ],
)
def test_redrive_allow_policies_that_are_refused(policy: Any, reason: str) -> None:
    text = json.dumps(policy)
    with pytest.raises(ServiceError) as refused:
        attributes.changed({}, {"RedriveAllowPolicy": text}, is_fifo=False)
    assert refused.value.message.endswith(f"Reason: {reason}")
    assert isinstance(refused.value, InvalidAttributeValue if reason is _FORM else InvalidParameterValue)


@pytest.mark.parametrize(
    ("label", "accounts", "actions", "error", "message"),
    [
        ("", ["123456789012"], ["SendMessage"], MissingParameter, "must contain the parameter Label."),
        ("a b", ["123456789012"], ["SendMessage"], InvalidParameterValue, "1 to 80 in length"),
        ("a", ["1"], ["SendMessage"], InvalidParameterValue, "Unable to verify."),
        (
            "a",
            ["123456789012"],
            ["DeleteQueue"],
            InvalidParameterValue,
            "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue owner is allowed to",
        ),
        (
            "a",
            ["123456789012"],
            ["SendMessageBatch"],
            InvalidParameterValue,
            "Value SQS:SendMessageBatch for parameter ActionName is invalid. Reason: Please refer to the appropriate",
        ),
        ("a", ["123456789012"], ["SendMessage"] * 8, OverLimit, "8 Actions were found, maximum allowed is 7."),
        ("a", [], ["SendMessage"], MissingParameter, "must contain the parameter AWSAccountId."),
    ],
)
def test_permissions_that_are_refused(
    label: str, accounts: list[str], actions: list[str], error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        permissions.added("", KEY, label, accounts, actions)


def test_a_policy_has_twenty_statements_at_most() -> None:
    policy = ""
    for number in range(20):
        policy = permissions.added(policy, KEY, f"l{number}", ["123456789012"], ["SendMessage"])
    with pytest.raises(OverLimit, match="21 Statements were found, maximum allowed is 20"):
        permissions.added(policy, KEY, "more", ["123456789012"], ["SendMessage"])


def test_an_empty_receipt_handle_is_none() -> None:
    with pytest.raises(MissingParameter, match="must contain the parameter ReceiptHandle"):
        receipts.read("")


@pytest.mark.parametrize("asked", [-1, 0, 1001])
def test_pages_that_are_refused(asked: int) -> None:
    with pytest.raises(InvalidParameterValue, match=r"^Value for parameter MaxResults is invalid\. Reason: MaxR"):
        page_tokens.page_size(asked)
    with pytest.raises(InvalidParameterValue, match=r"^Invalid or expired next token\.$"):
        page_tokens.read_token(f"token {asked}")


def test_permissions_come_and_go() -> None:
    one = permissions.added("", KEY, "one", ["123456789012"], ["*"])
    two = permissions.added(one, KEY, "two", ["123456789012", "210987654321"], ["SendMessage", "ReceiveMessage"])
    assert json.loads(permissions.removed(two, KEY, "two")) == json.loads(one)
    assert permissions.removed(one, KEY, "one") == ""


SERVICE = {
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": KEY.arn,
}
ARN = "arn:aws:sns:us-east-1:000000000000:t"


@pytest.mark.parametrize(
    ("statement", "service", "expected"),
    [
        (None, "sns.amazonaws.com", False),
        (SERVICE, "sns.amazonaws.com", True),
        (SERVICE, "events.amazonaws.com", False),
        ({**SERVICE, "Condition": {"ArnEquals": {"aws:SourceArn": ARN}}}, "sns.amazonaws.com", True),
        ({**SERVICE, "Condition": {"ArnEquals": {"aws:SourceArn": ARN + "x"}}}, "sns.amazonaws.com", False),
        ({**SERVICE, "Action": "sqs:ReceiveMessage"}, "sns.amazonaws.com", False),
        ({**SERVICE, "Principal": "*"}, "sns.amazonaws.com", True),
    ],
)
def test_services_need_an_allow(statement: dict[str, object] | None, service: str, *, expected: bool) -> None:
    policy = {"Policy": json.dumps({"Statement": [statement]})} if statement else {}
    lets = access.lets_service(queue(**policy), service, source_arn=ARN, source_account=KEY.account_id)
    assert lets == expected


def test_sender_ids() -> None:
    root = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "r")
    role = Caller("000000000000", "us-east-1", "arn:aws:sts::000000000000:assumed-role/r/session", "k", "r")
    assert senders.sender_id(root) == "000000000000"
    assert senders.sender_id(role).startswith("AROA")
    assert senders.sender_id(role).endswith(":session")


@pytest.mark.parametrize(
    ("per_second", "moved", "now_ms", "allowance"),
    [(0, 0, 0, 100), (10, 0, 0, 1), (10, 1, 0, 0), (10, 1, 100, 1), (10, 1, 1000, 10), (500, 0, 10_000, 100)],
)
def test_move_rates(per_second: int, moved: int, now_ms: int, allowance: int) -> None:
    task = MoveTask(1, "h", "s", "", per_second, MoveStatus.RUNNING, 0, moved, 0, "")
    assert task.allowance(now_ms, 100) == allowance
    if not allowance:
        assert task.allowance(task.next_due_ms(), 100) >= 1
