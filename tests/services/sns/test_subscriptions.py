"""Subscriptions: made, confirmed, changed, ended, through boto3 and by link; the refusals are AWS's."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.sns.conftest import ACCOUNT, CreateTopic, Inbox, queue_arn
from services.sns.test_topics import refusal

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def follow(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def test_queues_and_functions_of_the_account_need_no_confirmation(sns: Any, create: CreateTopic) -> None:
    topic = create()
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q"))["SubscriptionArn"]
    assert arn.startswith(f"{topic}:")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == {
        "SubscriptionArn": arn,
        "TopicArn": topic,
        "Owner": ACCOUNT,
        "Protocol": "sqs",
        "Endpoint": queue_arn("q"),
        "SubscriptionPrincipal": f"arn:aws:iam::{ACCOUNT}:root",
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true",
        "RawMessageDelivery": "false",
    }
    assert sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION)["SubscriptionArn"].startswith(topic)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "2"


def test_subscribing_again_names_the_subscription_that_is_there(sns: Any, create: CreateTopic) -> None:
    topic = create()
    wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue_arn("q")}
    arn = sns.subscribe(**wanted, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
    assert sns.subscribe(**wanted)["SubscriptionArn"] == arn
    assert refusal(sns.subscribe, **wanted, Attributes={"RawMessageDelivery": "false"})[1] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    )


def test_mail_waits_for_ever(sns: Any, create: CreateTopic) -> None:
    topic = create()
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "somebody@example.com"}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "true"
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"


ENDPOINTS = [
    ("pigeon", "x", {}, "Amazon SNS does not support this protocol string: pigeon"),
    ("sms", "+15551234567", {}, "Protocol Reason: sms is not served by Lambent"),
    ("http", "https://example.com", {}, "Endpoint must match the specified protocol"),
    ("sqs", "http://localhost:4566/000000000000/q", {}, "SQS endpoint ARN"),
    ("sqs", FUNCTION, {}, "SQS endpoint ARN"),
    ("lambda", queue_arn("q"), {}, "Lambda endpoint ARN"),
    ("email", "nobody", {}, "Email address"),
    ("sqs", "", {}, "Endpoint"),
    (
        "sqs",
        queue_arn("q.fifo"),
        {},
        "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
    ),
    ("lambda", FUNCTION, {"FifoTopic": "true"}, "Protocol Reason: lambda cannot be subscribed to FIFO SNS topics"),
]


@pytest.mark.parametrize(("protocol", "endpoint", "attributes", "about"), ENDPOINTS)
def test_wrong_endpoints(
    sns: Any, create: CreateTopic, protocol: str, endpoint: str, attributes: dict[str, str], about: str
) -> None:
    found = refusal(sns.subscribe, TopicArn=create(**attributes), Protocol=protocol, Endpoint=endpoint)
    assert found == ("InvalidParameter", f"Invalid parameter: {about}", 400)


def test_a_fifo_topic_takes_both_kinds_of_queues(sns: Any, create: CreateTopic) -> None:
    topic = create(FifoTopic="true")
    for name in ("q", "q.fifo"):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name))


WRONG_ATTRIBUTES = [
    ("Colour", "blue", "AttributeName"),
    ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
    ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
    (
        "FilterPolicyScope",
        "RandomValue",
        "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes",
    ),
    ("FilterPolicy", '{"key_a": "value_one"}', 'FilterPolicy: "key_a" must be an object or an array'),
    (
        "FilterPolicy",
        '{"object": {"key": ["x"]}}',
        "Filter policy scope MessageAttributes does not support nested filter policy",
    ),
    ("RedrivePolicy", '{"deadLetterTargetArn": "x"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
    ("RedrivePolicy", '{"maxReceiveCount": 3}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
    ("DeliveryPolicy", "{}", "DeliveryPolicy: only HTTP/S subscriptions can have one"),
]


@pytest.mark.parametrize(("name", "value", "about"), WRONG_ATTRIBUTES)
def test_wrong_attributes(sns: Any, create: CreateTopic, name: str, value: str, about: str) -> None:
    topic = create()
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q"))["SubscriptionArn"]
    change = {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value}
    assert refusal(sns.set_subscription_attributes, **change)[:2] == ("InvalidParameter", f"Invalid parameter: {about}")
    if name != "Colour":
        wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue_arn("other"), "Attributes": {name: value}}
        assert refusal(sns.subscribe, **wanted)[1] == f"Invalid parameter: Attributes Reason: {about}"


def test_a_fifo_subscription_needs_a_fifo_dead_letter_queue(sns: Any, create: CreateTopic) -> None:
    topic = create(FifoTopic="true")
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q.fifo"))["SubscriptionArn"]
    change = {"SubscriptionArn": arn, "AttributeName": "RedrivePolicy"}
    plain, fifo = (json.dumps({"deadLetterTargetArn": queue_arn(name)}) for name in ("dead", "dead.fifo"))
    assert refusal(sns.set_subscription_attributes, **change, AttributeValue=plain)[1] == (
        "Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
    )
    sns.set_subscription_attributes(**change, AttributeValue=fifo)


def test_functions_get_nothing_raw(sns: Any, create: CreateTopic) -> None:
    wanted = {"TopicArn": create(), "Protocol": "lambda", "Endpoint": FUNCTION}
    assert refusal(sns.subscribe, **wanted, Attributes={"RawMessageDelivery": "true"})[1] == (
        "Invalid parameter: Attributes Reason: Delivery protocol [lambda] does not support raw message delivery."
    )


def test_a_filter_comes_and_goes(sns: Any, create: CreateTopic) -> None:
    arn = sns.subscribe(TopicArn=create(), Protocol="sqs", Endpoint=queue_arn("q"))["SubscriptionArn"]

    def set_and_read(name: str, value: str) -> dict[str, str]:
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
        attributes: dict[str, str] = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        return {name: one for name, one in attributes.items() if name.startswith("Filter")}

    assert set_and_read("FilterPolicyScope", "MessageBody") == {}
    nested = '{"object": {"key": [{"prefix": "auto-"}]}}'
    assert set_and_read("FilterPolicy", nested) == {"FilterPolicy": nested, "FilterPolicyScope": "MessageBody"}
    assert set_and_read("FilterPolicy", "{}") == {}


def test_what_does_not_exist(sns: Any, create: CreateTopic) -> None:
    gone = f"{create()}:11111111-2222-3333-4444-555555555555"
    expected = ("NotFound", "Subscription does not exist", 404)
    assert refusal(sns.get_subscription_attributes, SubscriptionArn=gone) == expected
    sns.unsubscribe(SubscriptionArn=gone)
    assert refusal(sns.unsubscribe, SubscriptionArn="PendingConfirmation")[1] == (
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"
    )
    # Recorded at AWS, as the two others (LocalStack, `test_unsubscribe_wrong_arn_format`).
    assert refusal(sns.unsubscribe, SubscriptionArn="")[1] == (
        "Invalid parameter: SubscriptionArn Reason: no value for required parameter"
    )
    topic = gone.rpartition(":")[0]
    assert refusal(sns.unsubscribe, SubscriptionArn=topic)[1] == "Invalid parameter: SubscriptionId"


def test_an_endpoint_confirms_by_link_leaves_by_link_and_comes_back(
    sns: Any, create: CreateTopic, inbox: Inbox
) -> None:
    topic = create()
    asked = {"TopicArn": topic, "Protocol": "http", "Endpoint": f"{inbox.url}/in"}
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    [request] = inbox.wait(1)
    assert request.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    document = request.document
    assert (document["Type"], document["TopicArn"]) == ("SubscriptionConfirmation", topic)
    sns.publish(TopicArn=topic, Message="too early")
    assert arn in follow(document["SubscribeURL"])
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (attributes["PendingConfirmation"], attributes["ConfirmationWasAuthenticated"]) == ("false", "false")
    sns.publish(TopicArn=topic, Message="hello")
    notification = inbox.wait(2)[1]
    assert notification.document["Message"] == "hello"
    assert notification.headers["x-amz-sns-subscription-arn"] == arn
    follow(notification.document["UnsubscribeURL"])
    farewell = inbox.wait(3)[2].document
    assert farewell["Type"] == "UnsubscribeConfirmation"
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (counts["SubscriptionsConfirmed"], counts["SubscriptionsDeleted"]) == ("0", "1")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    follow(farewell["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="again")
    assert inbox.wait(4)[3].document["Message"] == "again"


def test_links_as_aws_writes_them_have_no_version(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    topic = create()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=inbox.url)
    link = inbox.wait(1)[0].document["SubscribeURL"].replace("&Version=2010-03-31", "")
    assert "ConfirmSubscriptionResult" in follow(link)


def test_a_link_confirms_in_every_region(platform: PlatformProcess, unique: str, inbox: Inbox) -> None:
    client = platform.client("sns", region_name="eu-west-1")
    topic = client.create_topic(Name=unique)["TopicArn"]
    client.subscribe(TopicArn=topic, Protocol="http", Endpoint=inbox.url)
    assert "ConfirmSubscriptionResult" in follow(inbox.wait(1)[0].document["SubscribeURL"])


def test_who_confirms_with_a_signature_may_ask_for_one_to_leave(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    topic = create()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=inbox.url)
    token = inbox.wait(1)[0].document["Token"]
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    sns.publish(TopicArn=topic, Message="hello")
    link = inbox.wait(2)[1].document["UnsubscribeURL"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        follow(link)
    assert refused.value.code == 403
    assert b"<Code>AuthorizationError</Code>" in refused.value.read()
    refused.value.close()
    sns.unsubscribe(SubscriptionArn=confirmed["SubscriptionArn"])


@pytest.mark.parametrize(
    ("region", "token", "message"),
    [
        ("us-east-1", "nonsense", "Invalid token"),
        ("us-east-1", "abc123", "Invalid parameter: Token"),
        ("us-east-1", "0" * 128, "Invalid parameter: Token"),
        ("us-east-1", "0" * 288, "Invalid parameter: Token"),
        ("eu-central-1", "0" * 128, "Invalid parameter: Topic"),
        ("", "0" * 128, "Invalid parameter: Topic"),
    ],
)
def test_what_confirms_nothing(sns: Any, create: CreateTopic, region: str, token: str, message: str) -> None:
    """As recorded at AWS: LocalStack's `test_sns_confirm_subscription_wrong_token`, `..._external_http_endpoint`."""
    topic = create().replace("us-east-1", region) if region else "not-an-arn"
    assert refusal(sns.confirm_subscription, TopicArn=topic, Token=token)[1] == message


def test_nothing_else_goes_without_a_signature(platform: PlatformProcess) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        follow(f"{platform.url}/?Action=ListTopics&Version=2010-03-31")
    assert refused.value.code == 403
    refused.value.close()


def test_listing_goes_by_hundreds(sns: Any, create: CreateTopic) -> None:
    topic = create()
    made = sorted(
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(f"q{number}"))["SubscriptionArn"]
        for number in range(101)
    )
    pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic))
    assert [len(page["Subscriptions"]) for page in pages] == [100, 1]
    assert [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]] == made
    mine = [one["SubscriptionArn"] for page in sns.get_paginator("list_subscriptions").paginate()
            for one in page["Subscriptions"]]  # fmt: skip
    assert set(made) <= set(mine)
