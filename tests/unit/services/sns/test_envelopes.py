"""The documents that subscribers get, member by member, as the developer guide shows them."""

import json
from dataclasses import replace
from typing import Any

from lambent.services.sns import delivery_policies, envelopes
from lambent.services.sns.envelopes import Signature
from lambent.services.sns.message_attributes import MessageAttribute
from lambent.services.sns.messages import Kind, Published
from lambent.services.sns.subscriptions import State, Subscription

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
SUBSCRIPTION = Subscription(
    f"{TOPIC}:6b0e71bd", TOPIC, "000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "sqs",
    "arn:aws:sqs:us-east-1:000000000000:q", {}, State.CONFIRMED, "", 0, True, True, "http://localhost:4566",
)  # fmt: skip
MESSAGE = Published(
    Kind.NOTIFICATION, TOPIC, "id-1", 1_338_871_022_321, "hello", subject="greeting",
    attributes={"n": MessageAttribute("Number", "1")}, trace="Root=1-5759e988-bd862e3fe1be46a994272793",
)  # fmt: skip
SIGNED = Signature("1", "c2lnbmVk")


def queued(published: Published, signature: Signature | None = SIGNED) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(envelopes.for_queue(published, SUBSCRIPTION, signature))
    return document


def test_a_notification() -> None:
    assert list(queued(MESSAGE).items()) == [
        ("Type", "Notification"),
        ("MessageId", "id-1"),
        ("TopicArn", TOPIC),
        ("Subject", "greeting"),
        ("Message", "hello"),
        ("Timestamp", "2012-06-05T04:37:02.321Z"),
        ("SignatureVersion", "1"),
        ("Signature", "c2lnbmVk"),
        ("SigningCertURL", "http://localhost:4566/_lambent/sns-signing-certificate.pem"),
        (
            "UnsubscribeURL",
            f"http://localhost:4566/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={SUBSCRIPTION.arn}",
        ),
        ("MessageAttributes", {"n": {"Type": "Number", "Value": "1"}}),
    ]


def test_without_subject_and_attributes_they_are_not_there() -> None:
    document = queued(replace(MESSAGE, subject="", attributes={}))
    assert not {"Subject", "MessageAttributes"} & document.keys()


def test_a_fifo_topic_has_a_number_and_no_signature() -> None:
    document = queued(replace(MESSAGE, sequence_number="10000000000000001000"), None)
    assert document["SequenceNumber"] == "10000000000000001000"
    assert not {"Signature", "SignatureVersion", "SigningCertURL"} & document.keys()


def test_the_event_of_a_function() -> None:
    plain = replace(MESSAGE, subject="", attributes={})
    [record] = json.loads(envelopes.for_function(plain, SUBSCRIPTION, SIGNED))["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"] == SUBSCRIPTION.arn
    event = record["Sns"]
    assert (event["Subject"], event["MessageAttributes"]) == (None, {})
    assert {"SigningCertUrl", "UnsubscribeUrl"} <= event.keys()
    assert not {"SigningCertURL", "UnsubscribeURL"} & event.keys()


def test_what_is_signed_of_a_notification() -> None:
    assert envelopes.text_to_sign(MESSAGE, SUBSCRIPTION) == (
        "Message\nhello\nMessageId\nid-1\nSubject\ngreeting\nTimestamp\n2012-06-05T04:37:02.321Z\n"
        f"TopicArn\n{TOPIC}\nType\nNotification\n"
    )


def test_what_is_signed_of_a_request_for_confirmation() -> None:
    request = Published(Kind.SUBSCRIPTION_CONFIRMATION, TOPIC, "id-2", 0, "please", token="abc")
    url = f"http://localhost:4566/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={TOPIC}&Token=abc"
    assert envelopes.text_to_sign(request, SUBSCRIPTION) == (
        f"Message\nplease\nMessageId\nid-2\nSubscribeURL\n{url}\nTimestamp\n1970-01-01T00:00:00.000Z\n"
        f"Token\nabc\nTopicArn\n{TOPIC}\nType\nSubscriptionConfirmation\n"
    )
    assert queued(request)["SubscribeURL"] == url


def test_headers() -> None:
    policy = delivery_policies.effective("", "")
    raw = replace(SUBSCRIPTION, protocol="http", attributes={"RawMessageDelivery": "true"})
    assert envelopes.headers(MESSAGE, raw, policy) == {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": "id-1",
        "x-amz-sns-topic-arn": TOPIC,
        "x-amz-sns-subscription-arn": SUBSCRIPTION.arn,
        "x-amz-sns-rawdelivery": "true",
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
    }
    request = replace(MESSAGE, kind=Kind.SUBSCRIPTION_CONFIRMATION, trace="")
    assert not {"x-amz-sns-subscription-arn", "x-amz-sns-rawdelivery"} & envelopes.headers(request, raw, policy).keys()
