"""Topics as values: their attributes, what may be set to what, and how they are shown.

CreateTopic, SetTopicAttributes and GetTopicAttributes in the API reference have the attributes; the words of refusals
are AWS's where they are known.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services import policies
from lambent.services.policy_conditions import InvalidPolicy
from lambent.services.sns import access, delivery_policies
from lambent.services.sns.bad_attribute import BadAttribute

#: "The default is 262144 (256 KiB)"; above it, topics have few subscriptions and none by HTTP.
DEFAULT_MAX_MESSAGE_BYTES = 262_144
_MAX_MESSAGE_BYTES = (1_024, 1_048_576)

MAX_TAGS = 50
_MAX_DISPLAY_NAME = 100

_DELIVERY_STATUS = re.compile(
    r"(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)"
)

#: What an attribute is as long as nobody has set it.
_DEFAULTS = {
    "DisplayName": "",
    "FifoTopic": "false",
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
    "MaximumMessageSize": str(DEFAULT_MAX_MESSAGE_BYTES),
}
_FIFO_ONLY = frozenset(("ContentBasedDeduplication", "FifoThroughputScope"))


@frozen
class Topic:
    arn: str
    account_id: str
    region: str
    name: str
    created_ms: int
    attributes: Mapping[str, str]
    """Those that were set, as they were set."""
    tags: Mapping[str, str]
    data_protection_policy: str = ""

    def attribute(self, name: str) -> str:
        return self.attributes.get(name) or _DEFAULTS.get(name, "")

    @property
    def is_fifo(self) -> bool:
        return self.attribute("FifoTopic") == "true"

    @property
    def max_message_bytes(self) -> int:
        return int(self.attribute("MaximumMessageSize"))

    @property
    def signature_version(self) -> str:
        return self.attribute("SignatureVersion")

    @property
    def policy(self) -> str:
        return self.attributes.get("Policy") or access.default_policy(self.arn, self.account_id)


@frozen
class Counts:
    """Subscriptions of a topic, by state."""

    confirmed: int
    pending: int
    deleted: int


def check_attribute(name: str, value: str, *, is_fifo: bool) -> None:
    """Raises BadAttribute."""
    if _DELIVERY_STATUS.fullmatch(name):
        if name.endswith("SampleRate"):
            _number(name, value, (0, 100))
        return
    check = _CHECKS.get(name)
    if check is None:
        raise BadAttribute("", "AttributeName")
    if name in _FIFO_ONLY and not is_fifo:
        raise BadAttribute(name, f"{name} Reason: {name} can only be set for FIFO topics")
    check(name, value)


def same_attributes(topic: Topic, given: Mapping[str, str]) -> bool:
    """Whether CreateTopic, repeated with these, means the same topic."""
    return all(_same(topic.attribute(name), value) for name, value in given.items())


def same_tags(topic: Topic, given: Mapping[str, str]) -> bool:
    return all(topic.tags.get(key) == value for key, value in given.items())


def shown_attributes(topic: Topic, counts: Counts) -> dict[str, str]:
    """As GetTopicAttributes has them."""
    shown = {
        "TopicArn": topic.arn,
        "Owner": topic.account_id,
        "DisplayName": "",
        **{name: value for name, value in topic.attributes.items() if value},
        "Policy": topic.policy,
        "EffectiveDeliveryPolicy": delivery_policies.effective_of_topic(topic.attributes.get("DeliveryPolicy", "")),
        "SubscriptionsConfirmed": str(counts.confirmed),
        "SubscriptionsPending": str(counts.pending),
        "SubscriptionsDeleted": str(counts.deleted),
    }
    if shown.get("DeliveryPolicy"):
        shown["DeliveryPolicy"] = delivery_policies.shown_of_topic(shown["DeliveryPolicy"])
    if topic.is_fifo:
        shown.setdefault("ContentBasedDeduplication", "false")
    return shown


def _same(present: str, given: str) -> bool:
    return present == given or (given.startswith("{") and _parsed(present) == _parsed(given))


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _boolean(name: str, value: str) -> None:
    if value not in ("true", "false"):
        raise BadAttribute(name, f"{name}: Invalid value [{value}]. Must be true or false.")


def _one_of(*choices: str) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        if value not in choices:
            raise BadAttribute(name, f"{name}: Invalid value [{value}]. Must be {' or '.join(choices)}.")

    return check


def _number(name: str, value: str, bounds: tuple[int, int]) -> None:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and bounds[0] <= int(value) <= bounds[1]):
        raise BadAttribute(name, f"{name}: Invalid value [{value}]. Must be between {bounds[0]} and {bounds[1]}.")


def _message_size(name: str, value: str) -> None:
    _number(name, value, _MAX_MESSAGE_BYTES)


def _display_name(name: str, value: str) -> None:
    if len(value) > _MAX_DISPLAY_NAME:
        raise BadAttribute(name, name)


def _policy(name: str, value: str) -> None:
    """Nothing brings the default policy back."""
    if not value:
        return
    try:
        parsed = policies.parse(value)
    except InvalidPolicy as error:
        raise BadAttribute(name, f"{name} Error: {error}") from error
    access.check_scope(parsed)


def _delivery_policy(_name: str, value: str) -> None:
    if value:
        delivery_policies.check_topic_policy(value)


def _no_archive(name: str, value: str) -> None:
    if value:
        raise BadAttribute(name, f"{name} Reason: Lambent keeps no archive of messages")


def _anything(_name: str, _value: str) -> None:
    """Kept and shown, without an effect: there is no KMS here."""


_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    "DisplayName": _display_name,
    "Policy": _policy,
    "DeliveryPolicy": _delivery_policy,
    "FifoTopic": _boolean,
    "ContentBasedDeduplication": _boolean,
    "FifoThroughputScope": _one_of("Topic", "MessageGroup"),
    "SignatureVersion": _one_of("1", "2"),
    "TracingConfig": _one_of("PassThrough", "Active"),
    "MaximumMessageSize": _message_size,
    "KmsMasterKeyId": _anything,
    "ArchivePolicy": _no_archive,
}
