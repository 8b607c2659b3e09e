"""Delivery policies: how often, after which pauses and how fast messages go to an HTTP endpoint.

"Amazon SNS message delivery retries" in the SNS developer guide. A topic's policy sets what its subscriptions have by
default, a subscription's own goes before it unless the topic forbids. Of the four backoff functions AWS shows a picture
and no formula; ours run from the least to the greatest delay in the shapes of that picture.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sns.bad_attribute import BadAttribute

_NAME = "DeliveryPolicy"

#: What HTTP endpoints get without any policy: "up to three retries with a delay between failed attempts set at 20
#: seconds" (developer guide, "Set the delivery policy for the subscription").
DEFAULT_RETRY: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"

_BACKOFF_FUNCTIONS = ("arithmetic", "exponential", "geometric", "linear")
_MAX_RETRIES = 100
#: "The total policy retry time for an HTTP/S endpoint cannot be greater than 3,600 seconds."
_MAX_TOTAL_SECONDS = 3_600

#: What a retry policy must have. AWS: "healthyRetryPolicy.minDelayTarget must be specified".
_REQUIRED = ("minDelayTarget", "maxDelayTarget", "numRetries")

_TOPIC_PARTS = (
    "defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultThrottlePolicy", "defaultRequestPolicy",
)  # fmt: skip
_SUBSCRIPTION_PARTS = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy")

_CONTENT_TYPES = frozenset(
    (
        "application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml",
        "application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml", "text/css", "text/csv",
        "text/html", "text/plain", "text/xml",
    )
)  # fmt: skip


@frozen
class Effective:
    """What holds for one subscription."""

    retry: Mapping[str, Any]
    max_receives_per_second: int | None
    content_type: str

    def delays(self) -> list[float]:
        """Seconds before each retry."""
        return retry_delays(self.retry)


def check_topic_policy(text: str) -> None:
    """Raises BadAttribute."""
    document = _parse(text)
    _check_members(document, ("http",))
    http = _object(document, "http")
    _check_members(http, (*_TOPIC_PARTS, "defaultSicklyRetryPolicy"))
    for name in ("defaultHealthyRetryPolicy", "defaultSicklyRetryPolicy"):
        _check_retry(f"http.{name}", _object(http, name))
    _check_throttle("http.defaultThrottlePolicy", _object(http, "defaultThrottlePolicy"))
    _check_request(_object(http, "defaultRequestPolicy"))
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise BadAttribute(_NAME, f"{_NAME}: http.disableSubscriptionOverrides must be true or false")


def check_subscription_policy(text: str) -> None:
    """Raises BadAttribute."""
    document = _parse(text)
    _check_members(document, (*_SUBSCRIPTION_PARTS, "guaranteed"))
    for name in ("healthyRetryPolicy", "sicklyRetryPolicy"):
        _check_retry(name, _object(document, name))
    _check_throttle("throttlePolicy", _object(document, "throttlePolicy"))
    _check_request(_object(document, "requestPolicy"))


def shown_of_topic(topic_policy: str) -> str:
    """The DeliveryPolicy that GetTopicAttributes shows: what has no value is left out (as at AWS)."""
    given = {"disableSubscriptionOverrides": False, **_http(topic_policy)}
    shown = {name: given[name] for name in _TOPIC_PARTS if given.get(name) is not None}
    return orjson.dumps({"http": shown}).decode()


def shown_of_subscription(subscription_policy: str) -> str:
    """The DeliveryPolicy that GetSubscriptionAttributes shows: every part by name, given or not (as at AWS)."""
    given = orjson.loads(subscription_policy)
    return orjson.dumps({**{part: given.get(part) for part in _SUBSCRIPTION_PARTS}, "guaranteed": False}).decode()


def effective_of_topic(topic_policy: str) -> str:
    """The EffectiveDeliveryPolicy that GetTopicAttributes shows."""
    http = _http(topic_policy)
    shown: dict[str, Any] = {
        "defaultHealthyRetryPolicy": {**DEFAULT_RETRY, **(http.get("defaultHealthyRetryPolicy") or {})},
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": {"headerContentType": DEFAULT_CONTENT_TYPE, **(http.get("defaultRequestPolicy") or {})},
    }
    if http.get("defaultThrottlePolicy"):
        shown["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    return orjson.dumps({"http": shown}).decode()


def effective_of_subscription(topic_policy: str, subscription_policy: str) -> str:
    """The EffectiveDeliveryPolicy that GetSubscriptionAttributes shows."""
    found = effective(topic_policy, subscription_policy)
    rate = found.max_receives_per_second
    shown = {
        "healthyRetryPolicy": dict(found.retry),
        "sicklyRetryPolicy": None,
        "throttlePolicy": {"maxReceivesPerSecond": rate} if rate else None,
        "requestPolicy": {"headerContentType": found.content_type},
        "guaranteed": False,
    }
    return orjson.dumps(shown).decode()


def effective(topic_policy: str, subscription_policy: str) -> Effective:
    """Each "" if there is none."""
    http = _http(topic_policy)
    own = orjson.loads(subscription_policy) if subscription_policy else {}
    if http.get("disableSubscriptionOverrides"):
        own = {}
    retry = {
        **DEFAULT_RETRY,
        **(http.get("defaultHealthyRetryPolicy") or {}),
        **(own.get("healthyRetryPolicy") or {}),
    }
    throttle = own.get("throttlePolicy") or http.get("defaultThrottlePolicy") or {}
    request = {**(http.get("defaultRequestPolicy") or {}), **(own.get("requestPolicy") or {})}
    return Effective(
        retry, throttle.get("maxReceivesPerSecond"), request.get("headerContentType") or DEFAULT_CONTENT_TYPE
    )


def retry_delays(retry: Mapping[str, Any]) -> list[float]:
    """The four phases: immediate, pre-backoff, backoff, post-backoff."""
    immediate, before, after = (
        retry["numNoDelayRetries"],
        retry["numMinDelayRetries"],
        retry["numMaxDelayRetries"],
    )
    least, most = float(retry["minDelayTarget"]), float(retry["maxDelayTarget"])
    between = max(0, retry["numRetries"] - immediate - before - after)
    shape = str(retry["backoffFunction"]).lower()
    backoff = [_backoff(shape, number, between, least, most) for number in range(between)]
    return [0.0] * immediate + [least] * before + backoff + [most] * after


def _backoff(shape: str, number: int, count: int, least: float, most: float) -> float:
    """From `least` for the first to `most` for the last of `count`."""
    if count == 1:
        return least
    way = number / (count - 1)
    match shape:
        case "arithmetic":
            return least + (most - least) * way * (number + 1) / count
        case "geometric":
            return least * math.pow(most / least, way)
        case "exponential":
            return least + (most - least) * (math.pow(2, number) - 1) / (math.pow(2, count - 1) - 1)
    return least + (most - least) * way


def _http(topic_policy: str) -> Mapping[str, Any]:
    return (orjson.loads(topic_policy).get("http") or {}) if topic_policy else {}


def _parse(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadAttribute(_NAME, f"{_NAME}: failed to parse JSON. {error}") from error
    if not isinstance(document, dict):
        raise BadAttribute(_NAME, f"{_NAME}: must be a JSON object")
    return document


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part that is there or not."""
    part = document.get(name)
    if part is not None and not isinstance(part, dict):
        raise BadAttribute(_NAME, f"{_NAME}: {name} must be an object")
    return part or {}


def _check_members(part: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = part.keys() - known
    if unknown:
        raise BadAttribute(_NAME, f"{_NAME}: Unexpected JSON member: {min(unknown)}")


def _check_throttle(path: str, throttle: Mapping[str, Any]) -> None:
    _check_members(throttle, ("maxReceivesPerSecond",))
    if throttle.get("maxReceivesPerSecond") is not None:
        _check_number(f"{path}.maxReceivesPerSecond", throttle["maxReceivesPerSecond"], 1, 2**31)


def _check_request(request: Mapping[str, Any]) -> None:
    _check_members(request, ("headerContentType",))
    content_type = request.get("headerContentType")
    if content_type is not None and not (isinstance(content_type, str) and _is_content_type(content_type)):
        raise BadAttribute(_NAME, f"{_NAME}: headerContentType {content_type} is not supported")


def _is_content_type(text: str) -> bool:
    """A type that is supported, perhaps with parameters; it becomes a header, so nothing that would end one."""
    return text.partition(";")[0].strip() in _CONTENT_TYPES and text.isascii() and text.isprintable()


def _check_retry(path: str, given: Mapping[str, Any]) -> None:
    if not given:
        return
    _check_members(given, DEFAULT_RETRY)
    for name in _REQUIRED:
        if given.get(name) is None:
            raise BadAttribute(_NAME, f"{_NAME}: {path}.{name} must be specified")
    retry = {**DEFAULT_RETRY, **given}
    _check_number(f"{path}.minDelayTarget", retry["minDelayTarget"], 1, _MAX_TOTAL_SECONDS)
    _check_number(f"{path}.maxDelayTarget", retry["maxDelayTarget"], retry["minDelayTarget"], _MAX_TOTAL_SECONDS)
    for name in ("numRetries", "numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries"):
        _check_number(f"{path}.{name}", retry[name], 0, _MAX_RETRIES)
    phases = retry["numNoDelayRetries"] + retry["numMinDelayRetries"] + retry["numMaxDelayRetries"]
    if phases > retry["numRetries"]:
        raise BadAttribute(_NAME, f"{_NAME}: {path}.numRetries must be no less than the retries of all phases")
    if str(retry["backoffFunction"]).lower() not in _BACKOFF_FUNCTIONS:
        raise BadAttribute(_NAME, f"{_NAME}: {path}.backoffFunction must be one of {', '.join(_BACKOFF_FUNCTIONS)}")
    if sum(retry_delays(retry)) > _MAX_TOTAL_SECONDS:
        raise BadAttribute(
            _NAME, f"{_NAME}: the delays of all retries of {path} must not exceed {_MAX_TOTAL_SECONDS} seconds"
        )


def _check_number(path: str, value: Any, least: int, most: int) -> None:
    """AWS: "http.defaultHealthyRetryPolicy.numRetries must be less than or equal to 100"."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadAttribute(_NAME, f"{_NAME}: {path} must be an integer")
    if value < least:
        raise BadAttribute(_NAME, f"{_NAME}: {path} must be greater than or equal to {least}")
    if value > most:
        raise BadAttribute(_NAME, f"{_NAME}: {path} must be less than or equal to {most}")
