"""Envelopes: the documents that subscribers get, and the text that is signed in them.

"HTTP/HTTPS notification JSON format", "subscription confirmation JSON format", "Verifying the signatures of Amazon SNS
messages" in the SNS developer guide, and "Using Lambda with Amazon SNS". Messages of FIFO topics carry no signature.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sns.delivery_policies import Effective
from lambent.services.sns.messages import Kind, Published
from lambent.services.sns.subscriptions import Subscription

#: Our page under which the certificate is.
CERTIFICATE_PAGE = "sns-signing-certificate.pem"

_VERSION = "2010-03-31"
_USER_AGENT = "Amazon Simple Notification Service Agent"


@frozen
class Signature:
    version: str
    value: str


def for_queue(published: Published, subscription: Subscription, signature: Signature | None) -> bytes:
    """Also what goes to HTTP endpoints and into dead-letter queues."""
    return orjson.dumps(_document(published, subscription, signature), option=orjson.OPT_INDENT_2)


def for_function(published: Published, subscription: Subscription, signature: Signature | None) -> bytes:
    """The event, whose URLs are spelled in another way and whose members are always there."""
    document = _document(published, subscription, signature)
    event = {
        **{_IN_EVENTS.get(name, name): value for name, value in document.items()},
        "Subject": published.subject or None,
        "MessageAttributes": _attributes(published),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": event,
    }
    return orjson.dumps({"Records": [record]})


def headers(published: Published, subscription: Subscription, policy: Effective) -> dict[str, str]:
    """Of the POST to an HTTP endpoint."""
    is_raw = published.kind is Kind.NOTIFICATION and subscription.is_raw
    found = {
        "x-amz-sns-message-type": published.kind.value,
        "x-amz-sns-message-id": published.message_id,
        "x-amz-sns-topic-arn": published.topic_arn,
        "Content-Type": policy.content_type,
        "User-Agent": _USER_AGENT,
    }
    if published.kind is not Kind.SUBSCRIPTION_CONFIRMATION:
        found["x-amz-sns-subscription-arn"] = subscription.arn
    if is_raw:
        found["x-amz-sns-rawdelivery"] = "true"
    if published.trace:
        found["X-Amzn-Trace-Id"] = published.trace
    return found


def text_to_sign(published: Published, subscription: Subscription) -> str:
    """Names and values in turn, each on a line of its own, in the order of the names."""
    members: dict[str, str] = {"Message": published.text_for(subscription.protocol), "MessageId": published.message_id}
    if published.kind is Kind.NOTIFICATION:
        if published.subject:
            members["Subject"] = published.subject
        members["Timestamp"] = timestamp(published.time_ms)
    else:
        members["SubscribeURL"] = subscribe_url(subscription, published.token)
        members["Timestamp"] = timestamp(published.time_ms)
        members["Token"] = published.token
    members |= {"TopicArn": published.topic_arn, "Type": published.kind.value}
    return "".join([f"{name}\n{value}\n" for name, value in members.items()])


def subscribe_url(subscription: Subscription, token: str) -> str:
    """Whoever follows it confirms; no signature needed."""
    return (
        f"{subscription.platform_url}/?Action=ConfirmSubscription&Version={_VERSION}"
        f"&TopicArn={quote(subscription.topic_arn, safe=':')}&Token={token}"
    )


def unsubscribe_url(subscription: Subscription) -> str:
    arn = quote(subscription.arn, safe=":")
    return f"{subscription.platform_url}/?Action=Unsubscribe&Version={_VERSION}&SubscriptionArn={arn}"


def timestamp(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1_000:03d}Z"


def confirmation_message(topic_arn: str, kind: Kind) -> str:
    """What stands as `Message` in a request for confirmation."""
    if kind is Kind.SUBSCRIPTION_CONFIRMATION:
        return (
            f"You have chosen to subscribe to the topic {topic_arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
    return (
        f"You have chosen to deactivate subscription {topic_arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )


_IN_EVENTS = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl", "SubscribeURL": "SubscribeUrl"}


def _document(published: Published, subscription: Subscription, signature: Signature | None) -> dict[str, Any]:
    """In AWS's order."""
    document: dict[str, Any] = {"Type": published.kind.value, "MessageId": published.message_id}
    if published.sequence_number:
        document["SequenceNumber"] = published.sequence_number
    if published.token:
        document["Token"] = published.token
    document["TopicArn"] = published.topic_arn
    if published.subject:
        document["Subject"] = published.subject
    document["Message"] = published.text_for(subscription.protocol)
    if published.token:
        document["SubscribeURL"] = subscribe_url(subscription, published.token)
    document["Timestamp"] = timestamp(published.time_ms)
    if signature is not None:
        document["SignatureVersion"] = signature.version
        document["Signature"] = signature.value
        document["SigningCertURL"] = f"{subscription.platform_url}/_lambent/{CERTIFICATE_PAGE}"
    if published.kind is Kind.NOTIFICATION:
        document["UnsubscribeURL"] = unsubscribe_url(subscription)
    if published.attributes:
        document["MessageAttributes"] = _attributes(published)
    return document


def _attributes(published: Published) -> Mapping[str, Mapping[str, str]]:
    return {name: {"Type": one.data_type, "Value": one.value} for name, one in published.attributes.items()}
