"""Other accounts: what a topic's policy lets them do, and what belongs to whom."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.sns.test_topics import refusal

OWNER, STRANGER = "111111111111", "222222222222"
QUEUE = f"arn:aws:sqs:us-east-1:{STRANGER}:q"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Anybody's credentials are taken: an access key of twelve digits is the root of that account."""
    with PlatformProcess.started(tmp_path_factory.mktemp("accounts"), ["--auth", "off"]) as platform:
        yield platform


@pytest.fixture
def owner(shared: PlatformProcess) -> Any:
    return shared.client("sns", aws_access_key_id=OWNER)


@pytest.fixture
def stranger(shared: PlatformProcess) -> Any:
    return shared.client("sns", aws_access_key_id=STRANGER)


def test_by_default_others_may_do_nothing(owner: Any, stranger: Any) -> None:
    topic = owner.create_topic(Name="closed")["TopicArn"]
    code, sentence, status = refusal(stranger.publish, TopicArn=topic, Message="m")
    assert (code, status) == ("AuthorizationError", 403)
    assert sentence == (
        f"User: arn:aws:iam::{STRANGER}:root is not authorized to perform: SNS:Publish on resource: {topic} because no "
        "resource-based policy allows the SNS:Publish action"
    )
    for call in (stranger.get_topic_attributes, stranger.delete_topic, stranger.list_subscriptions_by_topic):
        assert refusal(call, TopicArn=topic)[0] == "AuthorizationError"
    assert refusal(stranger.list_tags_for_resource, ResourceArn=topic)[0] == "AuthorizationError"
    assert stranger.list_topics()["Topics"] == []


def test_a_permission_lets_them_do_what_it_says(owner: Any, stranger: Any) -> None:
    topic = owner.create_topic(Name="shared")["TopicArn"]
    owner.add_permission(TopicArn=topic, Label="l", AWSAccountId=[STRANGER], ActionName=["Publish"])
    stranger.publish(TopicArn=topic, Message="m")
    assert refusal(stranger.get_topic_attributes, TopicArn=topic)[0] == "AuthorizationError"
    owner.remove_permission(TopicArn=topic, Label="l")
    assert refusal(stranger.publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"


def test_an_owner_is_held_only_to_what_is_denied(owner: Any) -> None:
    topic = owner.create_topic(Name="frozen")["TopicArn"]
    denied = {"Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    owner.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert refusal(owner.publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"
    assert owner.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"] == policy


def test_a_subscription_belongs_to_who_made_it(owner: Any, stranger: Any) -> None:
    topic = owner.create_topic(Name="followed")["TopicArn"]
    owner.add_permission(TopicArn=topic, Label="l", AWSAccountId=[STRANGER], ActionName=["Subscribe"])
    arn = stranger.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    [listed] = stranger.list_subscriptions()["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Owner"]) == (arn, STRANGER)
    assert owner.list_subscriptions()["Subscriptions"] == []
    assert owner.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["Owner"] == STRANGER
    owner.unsubscribe(SubscriptionArn=arn)
    assert stranger.list_subscriptions()["Subscriptions"] == []


def test_somebody_elses_queue_has_to_confirm(shared: PlatformProcess, owner: Any, stranger: Any) -> None:
    topic = owner.create_topic(Name="foreign")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    asked = f"{QUEUE}-asked"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": asked}]})
    queues = shared.client("sqs", aws_access_key_id=STRANGER)
    url = queues.create_queue(QueueName="q-asked", Attributes={"Policy": policy})["QueueUrl"]

    def receive() -> dict[str, Any]:
        [message] = queues.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        document: dict[str, Any] = json.loads(message["Body"])
        return document

    assert owner.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked)["SubscriptionArn"] == "pending confirmation"
    assert owner.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    request = receive()
    assert request["Type"] == "SubscriptionConfirmation"
    stranger.confirm_subscription(TopicArn=topic, Token=request["Token"])
    owner.publish(TopicArn=topic, Message="hello")
    assert receive()["Message"] == "hello"


def test_nobody_ends_the_subscriptions_of_others(owner: Any, stranger: Any) -> None:
    topic = owner.create_topic(Name="mine")["TopicArn"]
    mine = QUEUE.replace(STRANGER, OWNER)
    arn = owner.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mine)["SubscriptionArn"]
    for call in (stranger.unsubscribe, stranger.get_subscription_attributes):
        assert refusal(call, SubscriptionArn=arn)[0] == "AuthorizationError"
