"""Delivery policies: the phases ("Amazon SNS message delivery retries"), what goes before what, what is refused."""

import json
import re
from typing import Any

import pytest

from lambent.services.sns import delivery_policies
from lambent.services.sns.bad_attribute import BadAttribute


def retry(**changed: Any) -> dict[str, Any]:
    return {**delivery_policies.DEFAULT_RETRY, **changed}


DELAYS = [
    (retry(), [20, 20, 20]),
    (retry(numRetries=0), []),
    (retry(numRetries=2, numNoDelayRetries=2), [0, 0]),
    (
        retry(
            numRetries=9,
            numNoDelayRetries=2,
            numMinDelayRetries=1,
            numMaxDelayRetries=1,
            minDelayTarget=10,
            maxDelayTarget=50,
        ),
        [0, 0, 10, 10, 20, 30, 40, 50, 50],
    ),
    (retry(numRetries=3, minDelayTarget=1, maxDelayTarget=9, backoffFunction="geometric"), [1, 3, 9]),
    (retry(numRetries=3, minDelayTarget=1, maxDelayTarget=10, backoffFunction="exponential"), [1, 4, 10]),
    (retry(numRetries=3, minDelayTarget=10, maxDelayTarget=40, backoffFunction="arithmetic"), [10, 20, 40]),
    (retry(numRetries=1, minDelayTarget=5, maxDelayTarget=10), [5]),
]


@pytest.mark.parametrize(("policy", "delays"), DELAYS)
def test_delays(policy: dict[str, Any], delays: list[float]) -> None:
    assert delivery_policies.retry_delays(policy) == pytest.approx(delays)


def test_a_subscription_goes_before_its_topic() -> None:
    topic = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 7}, "defaultThrottlePolicy": None}}
    own = {"healthyRetryPolicy": {"minDelayTarget": 1}, "throttlePolicy": {"maxReceivesPerSecond": 5}}
    found = delivery_policies.effective(json.dumps(topic), json.dumps(own))
    assert (found.retry["numRetries"], found.retry["minDelayTarget"], found.max_receives_per_second) == (7, 1, 5)


def test_a_topic_may_forbid_that() -> None:
    topic = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 7}, "disableSubscriptionOverrides": True}}
    own = {"healthyRetryPolicy": {"numRetries": 1}, "requestPolicy": {"headerContentType": "application/json"}}
    found = delivery_policies.effective(json.dumps(topic), json.dumps(own))
    assert (found.retry["numRetries"], found.content_type) == (7, delivery_policies.DEFAULT_CONTENT_TYPE)


def test_shown_as_measured_at_aws() -> None:
    topic = '{"http": {"defaultHealthyRetryPolicy": null, "defaultRequestPolicy": {"headerContentType": "text/csv"}}}'
    assert json.loads(delivery_policies.shown_of_topic(topic)) == {
        "http": {"disableSubscriptionOverrides": False, "defaultRequestPolicy": {"headerContentType": "text/csv"}}
    }
    own = '{"requestPolicy": {"headerContentType": "text/csv"}}'
    assert json.loads(delivery_policies.shown_of_subscription(own)) == {
        "healthyRetryPolicy": None,
        "sicklyRetryPolicy": None,
        "throttlePolicy": None,
        "requestPolicy": {"headerContentType": "text/csv"},
        "guaranteed": False,
    }


def own(**members: Any) -> str:
    """Of a subscription."""
    return json.dumps({"healthyRetryPolicy": {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, **members}})


def of_topic(**members: Any) -> str:
    return json.dumps({"http": members})


# In AWS's words where they are known: people quote "Unexpected JSON member: throttlePolicy" of a topic,
# "http.defaultHealthyRetryPolicy.numRetries must be less than or equal to 100" and
# "healthyRetryPolicy.minDelayTarget must be specified" (hashicorp/terraform-provider-aws, pull request 3289).
REFUSED_OF_SUBSCRIPTIONS = [
    ("nonsense", "failed to parse JSON"),
    ("[]", "must be a JSON object"),
    ('{"http": {}}', "Unexpected JSON member: http"),
    ('{"healthyRetryPolicy": 1}', "healthyRetryPolicy must be an object"),
    ('{"healthyRetryPolicy": {"numRetries": 5}}', "healthyRetryPolicy.minDelayTarget must be specified"),
    (own(numRetries=None), "healthyRetryPolicy.numRetries must be specified"),
    (own(numRetries=101), "healthyRetryPolicy.numRetries must be less than or equal to 100"),
    (own(numRetries="3"), "healthyRetryPolicy.numRetries must be an integer"),
    (own(minDelayTarget=0), "healthyRetryPolicy.minDelayTarget must be greater than or equal to 1"),
    (own(minDelayTarget=30), "healthyRetryPolicy.maxDelayTarget must be greater than or equal to 30"),
    (own(numRetries=1, numNoDelayRetries=2), "healthyRetryPolicy.numRetries must be no less than"),
    (own(backoffFunction="random"), "healthyRetryPolicy.backoffFunction must be one of"),
    (own(numRetries=100, minDelayTarget=40, maxDelayTarget=40), "must not exceed 3600 seconds"),
    (own(numTries=1), "Unexpected JSON member: numTries"),
    ('{"sicklyRetryPolicy": {"numRetries": 1}}', "sicklyRetryPolicy.minDelayTarget must be specified"),
    ('{"throttlePolicy": {"maxReceivesPerSecond": 0}}', "throttlePolicy.maxReceivesPerSecond must be greater than"),
    ('{"throttlePolicy": {"rate": 1}}', "Unexpected JSON member: rate"),
    ('{"requestPolicy": {"contentType": "text/csv"}}', "Unexpected JSON member: contentType"),
    ('{"requestPolicy": {"headerContentType": "video/mp4"}}', "headerContentType video/mp4 is not supported"),
    ('{"requestPolicy": {"headerContentType": "text/plain; x=1\\r\\nX-Injected: 1"}}', "is not supported"),
    ('{"requestPolicy": {"headerContentType": "text/plain; charset=\u00fc"}}', "is not supported"),
]

REFUSED_OF_TOPICS = [
    ('{"healthyRetryPolicy": {}}', "Unexpected JSON member: healthyRetryPolicy"),
    (of_topic(throttlePolicy={"maxReceivesPerSecond": 1}), "Unexpected JSON member: throttlePolicy"),
    (of_topic(defaultHealthyRetryPolicy={"numRetries": 5}), "minDelayTarget must be specified"),
    (
        of_topic(defaultHealthyRetryPolicy={"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 101}),
        "http.defaultHealthyRetryPolicy.numRetries must be less than or equal to 100",
    ),
    (of_topic(disableSubscriptionOverrides=1), "http.disableSubscriptionOverrides must be true or false"),
]


@pytest.mark.parametrize(("policy", "about"), REFUSED_OF_SUBSCRIPTIONS)
def test_refused_of_subscriptions(policy: str, about: str) -> None:
    with pytest.raises(BadAttribute, match=f"(?s)^DeliveryPolicy: .*{re.escape(about)}"):
        delivery_policies.check_subscription_policy(policy)


@pytest.mark.parametrize(("policy", "about"), REFUSED_OF_TOPICS)
def test_refused_of_topics(policy: str, about: str) -> None:
    with pytest.raises(BadAttribute, match=f"(?s)^DeliveryPolicy: .*{re.escape(about)}"):
        delivery_policies.check_topic_policy(policy)


def test_what_is_shown_is_taken_again() -> None:
    policy = delivery_policies.shown_of_subscription(own(numNoDelayRetries=1))
    delivery_policies.check_subscription_policy(policy)
    delivery_policies.check_topic_policy(delivery_policies.shown_of_topic(""))
