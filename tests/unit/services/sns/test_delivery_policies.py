"""Delivery policies: the phases ("Amazon SNS message delivery retries"), what goes before what, what is refused."""

import json
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


REFUSED = [
    "nonsense",
    "[]",
    '{"healthyRetryPolicy": 1}',
    '{"healthyRetryPolicy": {"numRetries": 101}}',
    '{"healthyRetryPolicy": {"numRetries": "3"}}',
    '{"healthyRetryPolicy": {"minDelayTarget": 0}}',
    '{"healthyRetryPolicy": {"minDelayTarget": 30}}',
    '{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 2}}',
    '{"healthyRetryPolicy": {"backoffFunction": "random"}}',
    '{"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 40, "maxDelayTarget": 40}}',
    '{"healthyRetryPolicy": {"numTries": 1}}',
    '{"throttlePolicy": {"maxReceivesPerSecond": 0}}',
    '{"requestPolicy": {"headerContentType": "video/mp4"}}',
    '{"requestPolicy": {"headerContentType": "text/plain; x=1\\r\\nX-Injected: 1"}}',
    '{"requestPolicy": {"headerContentType": "text/plain; charset=\u00fc"}}',
]


@pytest.mark.parametrize("policy", REFUSED)
def test_refused(policy: str) -> None:
    with pytest.raises(BadAttribute):
        delivery_policies.check_subscription_policy(policy)
