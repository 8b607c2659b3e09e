"""What a message of a topic becomes for each of its subscriptions: who wants it, and the parcel that goes there.

Subscriptions are as they are when the message is read from the log; a topic that is gone by then has none. What a
target of ours refuses (gone, or its policy forbids) goes to the subscription's dead-letter queue at once: trying again
would find the same ("client-side errors", "Amazon SNS dead-letter queues" in the developer guide). Only URLs are tried
again, after the pauses of their delivery policy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.targets import Attribute, Message, Refused, Sender
from lambent.kit import trace
from lambent.kit.frozen import frozen
from lambent.services.sns import delivery_policies, envelopes, filter_policies, store, subscription_store
from lambent.services.sns.envelopes import Signature
from lambent.services.sns.filter_policies import Scope
from lambent.services.sns.messages import Kind, Published
from lambent.services.sns.names import FIFO_SUFFIX
from lambent.services.sns.subscriptions import HTTP, Subscription
from lambent.services.sns.topics import Topic
from lambent.storage.transaction import Transaction

#: Of one transaction, which every other write has to wait for; and those of the message that goes beyond.
MAX_DELIVERIES = 250

OWNER = "sns"
SERVICE = "sns.amazonaws.com"


@frozen
class Delivery:
    published: Published
    topic: Topic
    subscription: Subscription

    @property
    def is_raw(self) -> bool:
        return self.published.kind is Kind.NOTIFICATION and self.subscription.is_raw

    @property
    def to_sign(self) -> tuple[str, str] | None:
        """(version, text); None for what carries no signature."""
        if self.is_raw or self.topic.is_fifo:
            return None
        return self.topic.signature_version, envelopes.text_to_sign(self.published, self.subscription)


@frozen
class Plan:
    deliveries: list[Delivery]
    """In the order of the messages."""
    filtered: list[Delivery]
    """Those that a filter policy rejects."""
    count: int
    """Of how many messages: until there are enough for one transaction."""


def plan(tx: Transaction, published: Sequence[Published]) -> Plan:
    audiences: dict[str, tuple[Topic, list[Subscription]] | None] = {}
    deliveries: list[Delivery] = []
    filtered: list[Delivery] = []
    for count, one in enumerate(published):
        if len(deliveries) >= MAX_DELIVERIES:
            return Plan(deliveries, filtered, count)
        if one.topic_arn not in audiences:
            audiences[one.topic_arn] = _audience(tx, one.topic_arn)
        audience = audiences[one.topic_arn]
        if audience is not None:
            topic, subscribed = audience
            addressed = subscribed if one.kind is Kind.NOTIFICATION else _asked(tx, one)
            for subscription in addressed:
                wanted = deliveries if wants(subscription, one) else filtered
                wanted.append(Delivery(one, topic, subscription))
    return Plan(deliveries, filtered, len(published))


def wants(subscription: Subscription, published: Published) -> bool:
    policy = subscription.filter_policy
    if not policy or published.kind is not Kind.NOTIFICATION:
        return True
    text = published.text_for(subscription.protocol)
    return filter_policies.matches(policy, subscription.filter_scope, published.attributes, text)


def rejection(delivery: Delivery) -> str:
    """Why a filter policy rejects it, as CloudWatch's metric of it ends; "" if it has none of its own."""
    published, subscription = delivery.published, delivery.subscription
    if subscription.filter_scope is Scope.BODY:
        is_json = filter_policies.is_object(published.text_for(subscription.protocol))
        return "-MessageBody" if is_json else "-InvalidMessageBody"
    return "" if published.attributes else "-NoMessageAttributes"


def parcel(delivery: Delivery, signature: Signature | None) -> Parcel:
    published, subscription = delivery.published, delivery.subscription
    terms: dict[str, Any] = {"delays": [], "dead_letter": subscription.dead_letter_arn, **_ids(published)}
    if published.kind is not Kind.NOTIFICATION:
        terms["dead_letter"] = ""
    if subscription.protocol in HTTP:
        terms |= _http_terms(delivery)
    elif subscription.protocol == "lambda":
        terms["letter"] = envelopes.for_queue(published, subscription, signature).decode()
    return Parcel(OWNER, _message(delivery, signature), published.time_ms, terms)


def pause(parcel: Parcel, _now_ms: int) -> float | None:
    """The delivery policy's, before the next attempt."""
    delays: list[float] = parcel.terms["delays"]
    return delays[parcel.attempts] if parcel.attempts < len(delays) else None


def dead_letter(parcel: Parcel, _refusal: Refused) -> Message | None:
    """What the subscriber would have got, as a queue gets it."""
    arn: str = parcel.terms["dead_letter"]
    if not arn:
        return None
    message = parcel.message
    letter: str | None = parcel.terms.get("letter")
    is_fifo = arn.endswith(FIFO_SUFFIX)
    return Message(
        target_arn=arn,
        body=message.body if letter is None else letter.encode(),
        sender=message.sender,
        source=message.source,
        trace=message.trace,
        attributes=message.attributes,
        group_id=parcel.terms["group_id"] if is_fifo else "",
        deduplication_id=parcel.terms["deduplication_id"] if is_fifo else "",
    )


def _audience(tx: Transaction, topic_arn: str) -> tuple[Topic, list[Subscription]] | None:
    topic = store.find_topic(tx, topic_arn)
    return (topic, subscription_store.confirmed_subscriptions(tx, topic_arn)) if topic is not None else None


def _asked(tx: Transaction, request: Published) -> list[Subscription]:
    """The one that is asked for confirmation, if it is still there."""
    found = subscription_store.find_subscription(tx, request.subscription_arn)
    return [found] if found is not None else []


def _message(delivery: Delivery, signature: Signature | None) -> Message:
    published, topic, subscription = delivery.published, delivery.topic, delivery.subscription
    is_queue = subscription.protocol == "sqs"
    message = Message(
        target_arn=subscription.endpoint,
        body=_body(delivery, signature),
        sender=Sender(SERVICE, topic.arn, topic.account_id),
        source=f"sns:{topic.name}",
        trace=published.trace or trace.begin(published.message_id, published.time_ms / 1000),
        attributes=_attributes(published) if is_queue and delivery.is_raw else {},
    )
    return _with_ids(message, published) if is_queue and _keeps_groups(topic, subscription) else message


def _keeps_groups(topic: Topic, subscription: Subscription) -> bool:
    """FIFO to FIFO; and a standard topic's group is "forwarded only to Amazon SQS standard subscriptions"."""
    return topic.is_fifo == subscription.endpoint.endswith(FIFO_SUFFIX)


def _body(delivery: Delivery, signature: Signature | None) -> bytes:
    published, subscription = delivery.published, delivery.subscription
    if delivery.is_raw:
        return published.text_for(subscription.protocol).encode()
    if subscription.protocol == "lambda":
        return envelopes.for_function(published, subscription, signature)
    return envelopes.for_queue(published, subscription, signature)


def _http_terms(delivery: Delivery) -> dict[str, Any]:
    published, topic, subscription = delivery.published, delivery.topic, delivery.subscription
    policy = delivery_policies.effective(
        topic.attributes.get("DeliveryPolicy", ""), subscription.attributes.get("DeliveryPolicy", "")
    )
    return {
        "delays": policy.delays(),
        "headers": envelopes.headers(published, subscription, policy),
        "rate": policy.max_receives_per_second,
        "subscription": subscription.arn,
    }


def _with_ids(message: Message, published: Published) -> Message:
    return replace(message, group_id=published.group_id, deduplication_id=published.deduplication_id)


def _ids(published: Published) -> dict[str, str]:
    return {"group_id": published.group_id, "deduplication_id": published.deduplication_id}


def _attributes(published: Published) -> Mapping[str, Attribute]:
    return {name: Attribute(one.data_type, one.value) for name, one in published.attributes.items()}
