"""What a schedule that fires sends, for how long it is tried, and what is left of it if that was in vain.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html; the pauses between attempts
("exponential backoff", RetryPolicy) are not documented: here from a second to eight minutes, so that 185 attempts take
the 24 hours that are the default.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Carry, End, Fate, Owner
from lambent.delivery.targets import Attribute, Message, Refused, Sender, kind_of
from lambent.kit.meter import Meter
from lambent.services.scheduler import metrics, payloads
from lambent.services.scheduler.schedules import Schedule

OWNER = "schedules"

#: RetryPolicy's defaults.
MAX_RETRIES = 185
MAX_AGE_SECONDS = 86_400
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 480.0


def parcel(schedule: Schedule, *, execution_id: str, trace: str, now_ms: int) -> Parcel:
    """The occurrence that is planned, on its way."""
    occurrence_ms = schedule.plan.occurrence_ms
    assert occurrence_ms is not None
    target = schedule.definition.target
    retry = target.get("RetryPolicy", {})
    terms = {
        "schedule": schedule.key.arn,
        "time": payloads.iso_time(occurrence_ms),
        "execution": execution_id,
        "retries": retry.get("MaximumRetryAttempts", MAX_RETRIES),
        "age": retry.get("MaximumEventAgeInSeconds", MAX_AGE_SECONDS),
        "dead_letter": target.get("DeadLetterConfig", {}).get("Arn", ""),
        "role": target["RoleArn"],
    }
    body = payloads.payload(schedule, occurrence_ms, execution_id)
    return Parcel(OWNER, replace(_message(schedule, body), trace=trace), now_ms, terms)


def owner(carry: Carry, jitter: Callable[[], float], meter: Meter) -> Owner:
    """`carry` makes the calls of universal targets."""

    def count(parcel: Parcel, end: End) -> None:
        for metric in _metrics(parcel, end):
            metrics.count(meter, parcel.terms["schedule"], metric)

    return Owner(
        name=OWNER,
        pause=lambda parcel, now_ms: _pause(parcel, now_ms, jitter),
        dead_letter=_dead_letter,
        carry=carry,
        render=render,
        ended=count,
    )


def _metrics(parcel: Parcel, end: End) -> Iterator[str]:
    """Of an attempt; what is only waiting to be carried was none yet."""
    if end.fate is Fate.KEPT and end.refusal is None:
        return
    yield "InvocationAttemptCount"
    if end.refusal is None:
        return
    yield "TargetErrorThrottledCount" if "throttl" in end.refusal.code.lower() else "TargetErrorCount"
    if end.fate is Fate.KEPT:
        return
    yield "InvocationDroppedCount"
    if end.fate is Fate.DEAD_LETTER:
        yield "InvocationsSentToDeadLetterCount"
    elif parcel.terms["dead_letter"]:
        yield "InvocationsFailedToBeSentToDeadLetterCount"


def render(parcel: Parcel) -> Message:
    """With the number of the attempt that is about to be made."""
    return _numbered(parcel, parcel.attempts + 1)


def _numbered(parcel: Parcel, attempt: int) -> Message:
    body = payloads.with_attempt(parcel.message.body, attempt)
    return parcel.message if body is parcel.message.body else replace(parcel.message, body=body)


def _message(schedule: Schedule, body: bytes) -> Message:
    target = schedule.definition.target
    arn = target["Arn"]
    bus = target.get("EventBridgeParameters", {})
    return Message(
        target_arn=arn,
        body=body,
        sender=Sender("", schedule.key.arn, schedule.key.account_id),  # with the target's role
        source=f"scheduler:{schedule.key.name}",
        group_id=target.get("SqsParameters", {}).get("MessageGroupId", "") if kind_of(arn) == "sqs" else "",
        partition_key=target.get("KinesisParameters", {}).get("PartitionKey", ""),
        detail_type=bus.get("DetailType", ""),
        event_source=bus.get("Source", ""),
    )


def _pause(parcel: Parcel, now_ms: int, jitter: Callable[[], float]) -> float | None:
    """Half of it is left to chance, so that what was refused together does not come back together."""
    if parcel.attempts >= parcel.terms["retries"]:
        return None
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(parcel.attempts, 30), LONGEST_PAUSE_SECONDS)
    pause = longest * (0.5 + jitter() / 2)
    age = (now_ms - parcel.accepted_ms) / 1000
    return pause if age + pause <= parcel.terms["age"] else None


def _dead_letter(parcel: Parcel, refusal: Refused) -> Message | None:
    """The payload, with attributes that say what happened to it."""
    terms = parcel.terms
    if not terms["dead_letter"]:
        return None
    texts = {
        "ERROR_CODE": refusal.code,
        "ERROR_MESSAGE": refusal.message,
        "EXECUTION_ID": terms["execution"],
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(parcel.attempts - 1),
        "SCHEDULED_TIME": terms["time"],
        "SCHEDULE_ARN": terms["schedule"],
        "TARGET_ARN": parcel.message.target_arn,
    }
    if not refusal.is_final:
        by_count = parcel.attempts > terms["retries"]
        texts["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts" if by_count else "MaximumEventAgeInSeconds"
    return Message(
        target_arn=terms["dead_letter"],
        body=_numbered(parcel, parcel.attempts).body,
        sender=parcel.message.sender,
        source=parcel.message.source,
        trace=parcel.message.trace,
        attributes={name: Attribute("String", text) for name, text in texts.items() if text},
    )
