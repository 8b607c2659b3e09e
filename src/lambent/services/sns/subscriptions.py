"""Subscriptions as values: what may be subscribed, their attributes, and how they are shown.

Subscribe, SetSubscriptionAttributes and GetSubscriptionAttributes in the API reference.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.sns import delivery_policies, filter_policies
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.errors import InvalidParameter
from lambent.services.sns.filter_policies import Scope
from lambent.services.sns.names import FIFO_SUFFIX
from lambent.services.sns.topics import DEFAULT_MAX_MESSAGE_BYTES, Topic

#: "Confirmation tokens are valid for two days" (Subscribe); what is deleted is remembered as long.
TOKEN_MS = 2 * 24 * 3_600 * 1_000

#: Of one topic: a message goes to all of them in one transaction. AWS takes 12,500,000.
MAX_SUBSCRIPTIONS = 1_000
#: "By default, you can have up to 200 filter policies per topic."
MAX_FILTER_POLICIES = 200
#: With "a MaximumMessageSize above 256 KiB".
MAX_SUBSCRIPTIONS_OF_LARGE = 100

HTTP = frozenset(("http", "https"))
_EMAIL = frozenset(("email", "email-json"))
#: AWS has them, we do not: nothing here could deliver.
_UNSERVED = frozenset(("sms", "application", "firehose"))
_RAW = frozenset(("sqs", "http", "https", "firehose"))

_EMAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

#: What an attribute is as long as nobody has set it.
_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": Scope.ATTRIBUTES.value}

ATTRIBUTES = frozenset(
    (
        "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
        "SubscriptionRoleArn",
    )
)  # fmt: skip


class State(Enum):
    #: Its endpoint has to confirm it; nothing is delivered.
    PENDING = "pending"
    #: Messages are delivered.
    CONFIRMED = "confirmed"
    #: The endpoint left by link; its token brings the subscription back.
    DELETED = "deleted"


@frozen
class Subscription:
    arn: str
    topic_arn: str
    account_id: str
    """Of its owner."""
    region: str
    principal: str
    protocol: str
    endpoint: str
    attributes: Mapping[str, str]
    state: State
    token: str
    token_expires_ms: int
    confirmation_was_authenticated: bool
    authenticates_unsubscribe: bool
    platform_url: str

    def attribute(self, name: str) -> str:
        return self.attributes.get(name) or _DEFAULTS.get(name, "")

    @property
    def is_raw(self) -> bool:
        return self.attribute("RawMessageDelivery") == "true"

    @property
    def filter_policy(self) -> str:
        return self.attribute("FilterPolicy")

    @property
    def filter_scope(self) -> Scope:
        return Scope(self.attribute("FilterPolicyScope"))

    @property
    def dead_letter_arn(self) -> str:
        """Of its dead-letter queue, or ""."""
        policy = self.attribute("RedrivePolicy")
        return str(orjson.loads(policy)["deadLetterTargetArn"]) if policy else ""

    @property
    def shown_arn(self) -> str:
        """In listings: nobody is to work with one that is not confirmed."""
        return {State.PENDING: "PendingConfirmation", State.DELETED: "Deleted"}.get(self.state, self.arn)


def check_endpoint(topic: Topic, protocol: str, endpoint: str) -> None:
    """Raises InvalidParameter."""
    if protocol in _UNSERVED:
        raise InvalidParameter(f"Protocol Reason: {protocol} is not served by Lambent")
    if protocol not in HTTP | _EMAIL | {"sqs", "lambda"}:
        raise InvalidParameter(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise InvalidParameter("Endpoint")
    if protocol in HTTP:
        if not endpoint.startswith(f"{protocol}://"):
            raise InvalidParameter("Endpoint must match the specified protocol")
    elif protocol in _EMAIL:
        if not _EMAIL_ADDRESS.fullmatch(endpoint):
            raise InvalidParameter("Email address")
    elif not _is_arn_of(protocol, endpoint):
        raise InvalidParameter(f"{'SQS' if protocol == 'sqs' else 'Lambda'} endpoint ARN")
    _check_topic_takes(topic, protocol, endpoint)


def is_confirmed_at_once(protocol: str, endpoint: str, account_id: str) -> bool:
    """Queues and functions of whoever subscribes; everybody else is asked first (Subscribe)."""
    return protocol in ("sqs", "lambda") and Arn.parse(endpoint).account_id == account_id


def is_told(protocol: str) -> bool:
    """Whether a confirmation can be asked for: by HTTP, or in a queue."""
    return protocol in HTTP or protocol == "sqs"


def check_attributes(topic: Topic, protocol: str, endpoint: str, attributes: Mapping[str, str]) -> None:
    """All that a subscription has, or is to have. Raises BadAttribute."""
    for name in attributes:
        if name not in ATTRIBUTES:
            raise BadAttribute("", f"Unknown attribute: {name}")
    scope = attributes.get("FilterPolicyScope") or Scope.ATTRIBUTES.value
    if scope not in {one.value for one in Scope}:
        raise BadAttribute(
            "FilterPolicyScope",
            f"FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes",
        )
    if attributes.get("FilterPolicy"):
        filter_policies.check(attributes["FilterPolicy"], Scope(scope))
    if "RawMessageDelivery" in attributes:
        _check_raw(protocol, attributes["RawMessageDelivery"])
    if attributes.get("RedrivePolicy"):
        _check_redrive(topic, protocol, endpoint, attributes["RedrivePolicy"])
    if attributes.get("DeliveryPolicy"):
        _check_delivery_policy(protocol, attributes["DeliveryPolicy"])


def without_empty(attributes: Mapping[str, str]) -> dict[str, str]:
    """What is set to nothing, or a filter to `{}`, is as if it never was."""
    return {name: value for name, value in attributes.items() if value and not _filters_nothing(name, value)}


def same_attributes(subscription: Subscription, given: Mapping[str, str]) -> bool:
    """Whether Subscribe, repeated with these, means the same subscription."""
    return all(subscription.attribute(name) == value for name, value in given.items())


def shown_attributes(topic: Topic, subscription: Subscription) -> dict[str, str]:
    """As GetSubscriptionAttributes has them."""
    shown = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic_arn,
        "Owner": subscription.account_id,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "SubscriptionPrincipal": subscription.principal,
        "PendingConfirmation": _word(subscription.state is not State.CONFIRMED),
        "ConfirmationWasAuthenticated": _word(subscription.confirmation_was_authenticated),
        "RawMessageDelivery": "false",
        **subscription.attributes,
    }
    if not subscription.filter_policy:
        shown.pop("FilterPolicyScope", None)
    else:
        shown["FilterPolicyScope"] = subscription.filter_scope.value
    if shown.get("DeliveryPolicy"):
        shown["DeliveryPolicy"] = delivery_policies.shown_of_subscription(shown["DeliveryPolicy"])
    if subscription.protocol in HTTP:
        shown["EffectiveDeliveryPolicy"] = delivery_policies.effective_of_subscription(
            topic.attributes.get("DeliveryPolicy", ""), subscription.attributes.get("DeliveryPolicy", "")
        )
    return shown


def shown(subscription: Subscription) -> dict[str, Any]:
    """As listings have it."""
    return {
        "SubscriptionArn": subscription.shown_arn,
        "Owner": subscription.account_id,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


def _check_topic_takes(topic: Topic, protocol: str, endpoint: str) -> None:
    """Raises InvalidParameter."""
    if topic.is_fifo and protocol != "sqs":
        raise InvalidParameter(f"Protocol Reason: {protocol} cannot be subscribed to FIFO SNS topics")
    if protocol == "sqs" and endpoint.endswith(FIFO_SUFFIX) and not topic.is_fifo:
        raise InvalidParameter(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )
    if topic.max_message_bytes > DEFAULT_MAX_MESSAGE_BYTES and protocol not in ("sqs", "lambda"):
        raise InvalidParameter(f"Protocol Reason: {protocol} cannot be subscribed to topics of large messages")


def _check_raw(protocol: str, value: str) -> None:
    if value not in ("true", "false"):
        raise BadAttribute("RawMessageDelivery", f"RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value == "true" and protocol not in _RAW:
        raise BadAttribute(
            "RawMessageDelivery", f"Delivery protocol [{protocol}] does not support raw message delivery."
        )


def _check_redrive(topic: Topic, protocol: str, endpoint: str, text: str) -> None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadAttribute("RedrivePolicy", f"RedrivePolicy: failed to parse JSON. {error}") from error
    arn = document.get("deadLetterTargetArn") if isinstance(document, dict) else None
    if not isinstance(arn, str) or not _is_arn_of("sqs", arn):
        raise BadAttribute("RedrivePolicy", "RedrivePolicy: deadLetterTargetArn is an invalid arn")
    is_fifo = topic.is_fifo and protocol == "sqs" and endpoint.endswith(FIFO_SUFFIX)
    if is_fifo and not arn.endswith(FIFO_SUFFIX):
        raise BadAttribute(
            "RedrivePolicy",
            "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.",
        )


def _check_delivery_policy(protocol: str, text: str) -> None:
    if protocol not in HTTP:
        raise BadAttribute("DeliveryPolicy", "DeliveryPolicy: only HTTP/S subscriptions can have one")
    delivery_policies.check_subscription_policy(text)


def _is_arn_of(service: str, text: str) -> bool:
    try:
        arn = Arn.parse(text)
    except ValueError:
        return False
    has_kind = service != "lambda" or arn.resource.startswith("function:")
    return arn.service == service and bool(arn.region) and len(arn.account_id) == 12 and has_kind


def _filters_nothing(name: str, value: str) -> bool:
    return name == "FilterPolicy" and value.strip() == "{}"


def _word(value: bool) -> str:
    return "true" if value else "false"
