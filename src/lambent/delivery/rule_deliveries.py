"""From a rule and an event to a message for a target; and what becomes of it when the target refuses.

Retries, their limits and dead letters are the target's own (RetryPolicy, DeadLetterConfig). What no attempt can mend, a
missing permission or a target that is not there, is not tried again:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html. An event that came without a trace
header begins a chain here, the same one for all its targets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Fate, Owner
from lambent.delivery.targets import Attribute, Message, Refused, Sender, kind_of
from lambent.kit import trace
from lambent.kit.meter import Meter
from lambent.services.events import metrics, names, transformers
from lambent.services.events.envelopes import Envelope, iso_time
from lambent.services.events.rules import Rule
from lambent.services.events.targets import Target

OWNER = "rule"
SERVICE = "events.amazonaws.com"

#: What EventBridge reaches with a role of the account and not as itself.
_SENT_WITH_A_ROLE = frozenset({"kinesis", "events"})

#: Seconds to the second attempt; doubled for each further one up to the last figure. AWS says "exponential back off"
#: and no figures; 185 attempts at ten minutes are a day, its own two limits.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 600.0

#: By what a target's own error code has in it.
_ERROR_CODES = {
    ("AccessDenied", "AuthorizationError"): "NO_PERMISSIONS",
    ("NotFound", "NonExistent", "DoesNotExist"): "NO_RESOURCE",
    ("Throttl", "TooManyRequests", "Exceeded"): "THROTTLING",
}


def parcel(envelope: Envelope, event: Mapping[str, Any], rule: Rule, target: Target) -> Parcel:
    """`event` is the envelope's document, parsed."""
    kind = kind_of(target.arn)
    message = Message(
        target_arn=target.arn,
        body=envelope.event
        if kind == "events"
        else target.input_for(envelope.event, event, _reserved(envelope, event, rule)),
        sender=Sender("" if kind in _SENT_WITH_A_ROLE else SERVICE, rule.key.arn, rule.key.account_id),
        source=f"events:{rule.key.name}",
        trace=envelope.trace or trace.begin(event["id"], envelope.accepted_ms / 1000),
        group_id=target.group_id,
        partition_key=target.partition_key_for(event) if kind == "kinesis" else "",
    )
    terms: dict[str, Any] = {
        "rule": rule.key.arn,
        "attempts": target.max_attempts,
        "seconds": target.max_age_seconds,
        "deadLetters": target.dead_letter_arn,
    }
    if target.dead_letter_arn and message.body != envelope.event:
        terms["event"] = envelope.event.decode()
    return Parcel(OWNER, message, envelope.accepted_ms, terms)


def _reserved(envelope: Envelope, event: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    """The transformer's own variables. An event without its detail has a `detailType`, as at AWS."""
    return {
        transformers.RULE_ARN: rule.key.arn,
        transformers.RULE_NAME: rule.key.name,
        transformers.EVENT: {
            "detailType" if name == "detail-type" else name: value for name, value in event.items() if name != "detail"
        },
        transformers.EVENT_JSON: event,
        transformers.INGESTION_TIME: iso_time(envelope.accepted_ms),
    }


def owner(meter: Meter) -> Owner:
    def count(parcel: Parcel, end: End) -> None:
        """Failures that a later attempt may mend are attempts and nothing more."""
        for metric in _metrics(parcel, end):
            metrics.of_rule(meter, names.parse_rule_arn(parcel.terms["rule"]), metric).add()

    return Owner(OWNER, _pause, _dead_letter, is_hopeless=_is_hopeless, ended=count)


def _metrics(parcel: Parcel, end: End) -> Iterator[str]:
    """By https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html; the parcel as it was before."""
    yield "InvocationAttempts"
    yield "RetryInvocationAttempts" if parcel.attempts else "InvocationsCreated"
    if end.fate is Fate.KEPT:
        return
    yield "Invocations"
    if end.fate is Fate.TAKEN:
        yield "SuccessfulInvocationAttempts"
        return
    yield "FailedInvocations"
    if end.fate is Fate.DEAD_LETTER:
        yield "InvocationsSentToDlq"
    elif parcel.terms["deadLetters"]:
        yield "InvocationsFailedToBeSentToDlq"


def _pause(parcel: Parcel, now_ms: int) -> float | None:
    """A last attempt is made when the age limit is reached."""
    left: float = parcel.terms["seconds"] - (now_ms - parcel.accepted_ms) / 1000
    if parcel.attempts >= parcel.terms["attempts"] or left <= 0:
        return None
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(parcel.attempts, 30), LONGEST_PAUSE_SECONDS, left)


def _is_hopeless(refusal: Refused) -> bool:
    return _error_code(refusal) in ("NO_PERMISSIONS", "NO_RESOURCE")


def _error_code(refusal: Refused) -> str:
    """In EventBridge's words: the page named above lists those that a dead-letter queue may see."""
    for words, code in _ERROR_CODES.items():
        if any(word in refusal.code for word in words):
            return code
    return "INVALID_PARAMETER" if refusal.is_final else "ERROR_FROM_TARGET"


def _dead_letter(parcel: Parcel, refusal: Refused) -> Message | None:
    """The event as it was matched, with what happened to it in attributes."""
    terms = parcel.terms
    if not terms["deadLetters"]:
        return None
    retries = parcel.attempts - 1
    told = {
        "RULE_ARN": terms["rule"],
        "TARGET_ARN": parcel.message.target_arn,
        "ERROR_CODE": _error_code(refusal),
        "ERROR_MESSAGE": refusal.message or refusal.code,
        "RETRY_ATTEMPTS": str(retries),
    }
    if not refusal.is_final and not _is_hopeless(refusal):
        exhausted = "MaximumRetryAttempts" if retries >= terms["attempts"] else "MaximumEventAgeInSeconds"
        told["EXHAUSTED_RETRY_CONDITION"] = exhausted
    body = terms["event"].encode() if "event" in terms else parcel.message.body
    return Message(
        target_arn=terms["deadLetters"],
        body=body,
        sender=Sender(SERVICE, terms["rule"], parcel.message.sender.account_id),
        source=parcel.message.source,
        trace=parcel.message.trace,
        attributes={name: Attribute("String", value) for name, value in told.items()},
    )
