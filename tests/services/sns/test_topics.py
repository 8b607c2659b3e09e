"""Topics: made, described, changed, tagged, listed and deleted, through boto3; the refusals are AWS's."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from services.sns.conftest import ACCOUNT, CreateTopic


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_new_topic_has_the_default_policy(sns: Any, create: CreateTopic) -> None:
    arn = create()
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["TopicArn"], attributes["Owner"], attributes["DisplayName"]) == (arn, ACCOUNT, "")
    assert [attributes[f"Subscriptions{state}"] for state in ("Confirmed", "Pending", "Deleted")] == ["0", "0", "0"]
    [statement] = json.loads(attributes["Policy"])["Statement"]
    assert statement["Sid"] == "__default_statement_ID"
    assert statement["Resource"] == arn
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    assert "SNS:Publish" in statement["Action"]
    retry = json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (retry["numRetries"], retry["minDelayTarget"]) == (3, 20)
    assert "FifoTopic" not in attributes


def test_a_fifo_topic_says_so(sns: Any, create: CreateTopic) -> None:
    attributes = sns.get_topic_attributes(TopicArn=create(FifoTopic="true"))["Attributes"]
    assert (attributes["FifoTopic"], attributes["ContentBasedDeduplication"]) == ("true", "false")


NAMES = [
    ("", {}),
    ("a b", {}),
    ("x" * 257, {}),
    ("orders.fifo", {}),
    ("orders", {"FifoTopic": "true"}),
]


@pytest.mark.parametrize(("name", "attributes"), NAMES)
def test_names(sns: Any, name: str, attributes: dict[str, str]) -> None:
    expected = ("InvalidParameter", "Invalid parameter: Topic Name", 400)
    assert refusal(sns.create_topic, Name=name, Attributes=attributes) == expected


def test_creating_again_names_the_topic_that_is_there(sns: Any, unique: str) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    arn = sns.create_topic(Name=unique, Attributes={"DisplayName": "d"}, Tags=tags)["TopicArn"]
    for again in ({}, {"Tags": tags}, {"Attributes": {"DisplayName": "d", "SignatureVersion": "1"}}):
        assert sns.create_topic(Name=unique, **again)["TopicArn"] == arn
    assert refusal(sns.create_topic, Name=unique, Attributes={"DisplayName": "other"})[1] == (
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    )
    assert refusal(sns.create_topic, Name=unique, Tags=[*tags, {"Key": "l", "Value": "w"}])[1] == (
        "Invalid parameter: Tags Reason: Topic already exists with different tags"
    )
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert refusal(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", "Topic does not exist", 404)


def test_arns(sns: Any) -> None:
    assert refusal(sns.get_topic_attributes, TopicArn="topic") == (
        "InvalidParameter",
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        400,
    )
    elsewhere = f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic"
    assert refusal(sns.get_topic_attributes, TopicArn=elsewhere)[1] == "Invalid parameter: TopicArn"


ATTRIBUTES = [
    ("DisplayName", "Orders"),
    ("SignatureVersion", "2"),
    ("TracingConfig", "Active"),
    ("KmsMasterKeyId", "alias/aws/sns"),
    ("MaximumMessageSize", "1024"),
    ("HTTPSuccessFeedbackSampleRate", "50"),
    (
        "DeliveryPolicy",
        '{"http":{"disableSubscriptionOverrides":true,"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}}',
    ),
]


@pytest.mark.parametrize(("name", "value"), ATTRIBUTES)
def test_attributes_are_shown_as_they_were_set(sns: Any, create: CreateTopic, name: str, value: str) -> None:
    arn = create()
    sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"][name] == value


WRONG_ATTRIBUTES = [
    ("Colour", "blue", "Invalid parameter: AttributeName"),
    ("FifoTopic", "true", "Invalid parameter: AttributeName"),
    ("SignatureVersion", "3", "Invalid parameter: SignatureVersion: Invalid value [3]. Must be 1 or 2."),
    (
        "MaximumMessageSize",
        "1023",
        "Invalid parameter: MaximumMessageSize: Invalid value [1023]. Must be between 1024 and 1048576.",
    ),
    ("Policy", "{}", "Invalid parameter: Policy Error: Missing required field Statement"),
    (
        "Policy",
        json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}),
        "Invalid parameter: Policy statement action out of service scope!",
    ),
    (
        "ContentBasedDeduplication",
        "true",
        ("Invalid parameter: ContentBasedDeduplication Reason: ContentBasedDeduplication can only be set for FIFO "
        "topics"),
    ),
    ("ArchivePolicy", '{"MessageRetentionPeriod": 7}', ("Invalid parameter: ArchivePolicy Reason: Lambent keeps no "
     "archive of messages")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG_ATTRIBUTES)
def test_wrong_attributes(sns: Any, create: CreateTopic, name: str, value: str, sentence: str) -> None:
    call = sns.set_topic_attributes
    assert refusal(call, TopicArn=create(), AttributeName=name, AttributeValue=value)[:2] == (
        "InvalidParameter",
        sentence,
    )


def test_tags(sns: Any, create: CreateTopic) -> None:
    arn = create()
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "3"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "3"}]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refusal(sns.tag_resource, ResourceArn=arn, Tags=twice)[1] == (
        "Invalid parameter: Duplicated keys are not allowed."
    )
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refusal(sns.tag_resource, ResourceArn=arn, Tags=many)[0] == "TagLimitExceeded"
    assert refusal(sns.list_tags_for_resource, ResourceArn=f"{arn}-gone") == (
        "ResourceNotFound",
        "Resource does not exist",
        404,
    )


def test_permissions(sns: Any, create: CreateTopic) -> None:
    arn = create()
    given = {"TopicArn": arn, "Label": "friends", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"]}
    sns.add_permission(**given)
    statements = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"]
    assert statements[1] == {
        "Sid": "friends",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "SNS:Publish",
        "Resource": arn,
    }
    assert refusal(sns.add_permission, **given)[1] == "Invalid parameter: Statement already exists"
    out_of_scope = {**given, "Label": "other", "ActionName": ["SendMessage"]}
    assert refusal(sns.add_permission, **out_of_scope)[1] == (
        "Invalid parameter: Policy statement action out of service scope!"
    )
    sns.remove_permission(TopicArn=arn, Label="friends")
    assert len(json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"]) == 1


def test_data_protection_policies_are_kept(sns: Any, create: CreateTopic) -> None:
    arn, policy = create(), '{"Name": "basic", "Version": "2021-06-01", "Statement": []}'
    sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy=policy)
    assert sns.get_data_protection_policy(ResourceArn=arn)["DataProtectionPolicy"] == policy


def test_listing_goes_by_hundreds(platform: PlatformProcess) -> None:
    client = platform.client("sns", region_name="ap-northeast-2")
    made = sorted(client.create_topic(Name=f"t{number:03}")["TopicArn"] for number in range(101))
    first = client.list_topics()
    second = client.list_topics(NextToken=first["NextToken"])
    listed = [topic["TopicArn"] for page in (first, second) for topic in page["Topics"]]
    assert listed == made
    assert "NextToken" not in second
    assert refusal(client.list_topics, NextToken="§")[1] == "Invalid parameter: NextToken"
