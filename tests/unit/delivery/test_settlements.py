from typing import Any

import orjson
import pytest

from lambent.delivery import settlements
from lambent.delivery.retries import Retry, RetrySchedule
from lambent.delivery.settlements import Attempt, Settlement
from lambent.sandbox.types import Outcome
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.queue_store import QueuedInvocation

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
AFTER = "arn:aws:lambda:us-east-1:000000000000:function:after"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


def attempt(*, errors: int = 0, payload: bytes = b'{"n": 1}', arn: str = ARN, **policy: Any) -> Attempt:
    row = QueuedInvocation(7, "request", arn, payload, None, "", "invoke", 0, 0, errors, 0)
    return Attempt(row, payload, AsyncPolicy(**policy), RetrySchedule())


def outcome(payload: bytes = b'{"ok": true}', error: str | None = None) -> Outcome:
    return Outcome(payload, error, b"", None, 1.0, 10)


def record(settlement: Settlement) -> Any:
    return orjson.loads(settlement.messages[0].body)


def destinations(settlement: Settlement) -> list[str]:
    return [message.target_arn for message in settlement.messages]


def test_success_without_a_destination_only_deletes() -> None:
    assert settlements.answered(attempt(), outcome(), 5) == Settlement(7)


def test_success_is_told_to_its_destination() -> None:
    settlement = settlements.answered(attempt(on_success=AFTER), outcome(), 1_573_755_365_568)
    assert destinations(settlement) == [AFTER]
    assert record(settlement) == {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "request",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"ok": True},
    }


def test_an_error_is_tried_again_first() -> None:
    settlement = settlements.answered(attempt(on_failure=AFTER), outcome(error="Unhandled"), 0)
    assert settlement == Settlement(7, retry=Retry(60_000, 1, 0))


def test_the_last_error_is_told_to_its_destination_and_recorded() -> None:
    failed = outcome(b'{"errorMessage": "no", "errorType": "Error"}', "Unhandled")
    settlement = settlements.answered(attempt(errors=2, on_failure=AFTER), failed, 9)
    assert settlement.discard is not None
    assert (settlement.discard.reason, settlement.discard.attempts) == ("RetriesExhausted", 3)
    assert settlement.discard.detail == '{"errorMessage": "no", "errorType": "Error"}'
    assert record(settlement)["requestContext"]["condition"] == "RetriesExhausted"
    assert record(settlement)["requestContext"]["approximateInvokeCount"] == 3
    assert record(settlement)["responseContext"]["functionError"] == "Unhandled"
    assert record(settlement)["responsePayload"]["errorMessage"] == "no"


@pytest.mark.parametrize(
    ("settlement", "reason"),
    [
        (settlements.refused(attempt(on_failure=AFTER, disabled=True), 0), "ZeroReservedConcurrency"),
        (settlements.refused(attempt(on_failure=AFTER, maximum_age_seconds=60), 60_001), "EventAgeExceeded"),
        (settlements.not_run(attempt(on_failure=AFTER, maximum_age_seconds=60), "x", 60_000), "EventAgeExceeded"),
    ],
)
def test_never_reached_means_no_response_in_the_record(settlement: Settlement, reason: str) -> None:
    assert settlement.discard is not None
    assert settlement.discard.reason == reason
    assert destinations(settlement) == [AFTER]
    assert record(settlement)["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in record(settlement)
    assert "responsePayload" not in record(settlement)


def test_a_deleted_function() -> None:
    settlement = settlements.function_gone(attempt().row, b"{}", "Function not found: f", 0)
    assert settlement.discard is not None
    assert (settlement.discard.reason, settlement.discard.detail) == ("FunctionNotFound", "Function not found: f")


@pytest.mark.parametrize(("response", "shown"), [(b"", None), (b"no json", "no json"), (b"\xff", "\ufffd"), (b"1", 1)])
def test_any_response_fits_a_record(response: bytes, shown: Any) -> None:
    settlement = settlements.answered(attempt(on_success=AFTER), outcome(response), 0)
    assert record(settlement)["responsePayload"] == shown


def test_a_qualified_function_keeps_its_qualifier() -> None:
    settlement = settlements.answered(attempt(arn=f"{ARN}:prod", on_success=AFTER), outcome(), 0)
    assert record(settlement)["requestContext"]["functionArn"] == f"{ARN}:prod"


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (outcome(b'{"errorMessage": "no", "errorType": "E"}', "Unhandled"), "200", "no"),
        (outcome(b'{"errorMessage": 7}', "Unhandled"), "200", '{"errorMessage": 7}'),
        (outcome(b"[1]", "Unhandled"), "200", "[1]"),
        (outcome(b"{", "Unhandled"), "200", "{"),
        (None, "429", "EventAgeExceeded"),
    ],
)
def test_a_dead_letter_is_the_event_with_what_went_wrong(error: Outcome | None, code: str, shown: str) -> None:
    tried = attempt(errors=2, dead_letters=QUEUE, maximum_age_seconds=60)
    settlement = settlements.answered(tried, error, 0) if error else settlements.refused(tried, 60_001)
    assert settlement is not None
    [message] = settlement.messages
    assert (message.target_arn, message.body) == (QUEUE, b'{"n": 1}')
    assert {name: (one.data_type, one.value) for name, one in message.attributes.items()} == {
        "RequestID": ("String", "request"),
        "ErrorCode": ("Number", code),
        "ErrorMessage": ("String", shown),
    }


def test_a_destination_and_a_dead_letter_queue_are_both_told() -> None:
    both = attempt(errors=2, dead_letters=QUEUE, on_failure=AFTER)
    told = settlements.answered(both, outcome(error="Unhandled"), 0)
    assert destinations(told) == [AFTER, QUEUE]
    assert told.whereabouts == f"sent to {AFTER} and {QUEUE}"
    assert settlements.answered(attempt(errors=2), outcome(error="Unhandled"), 0).whereabouts == (
        "the function has no failure destination and no dead-letter queue"
    )
    assert destinations(settlements.answered(both, outcome(), 0)) == []


def test_the_error_of_a_dead_letter_is_shortened_between_characters() -> None:
    failed = outcome("é".encode() * 1000, "Unhandled")
    [message] = settlements.answered(attempt(errors=2, dead_letters=QUEUE), failed, 0).messages
    assert message.attributes["ErrorMessage"].value == "é" * 512


def test_a_large_event_is_not_kept_with_its_discard() -> None:
    large = orjson.dumps("x" * 70_000)
    settlement = settlements.refused(attempt(payload=large, disabled=True), 0)
    assert settlement is not None
    assert settlement.discard is not None
    assert settlement.discard.payload == b""


@pytest.mark.parametrize(
    ("errors", "retry", "sentence"),
    [
        (0, Retry(61_000, 1, 0), "attempt 1 of 3, tried again in 60 s"),
        (1, Retry(121_000, 2, 4), "attempt 2 of 3, tried again in 120 s"),
        (1, Retry(5_000, 1, 3), "tried again in 4 s"),
    ],
)
def test_people_are_told_what_follows(errors: int, retry: Retry, sentence: str) -> None:
    assert settlements.prospect(attempt(errors=errors), retry, 1_000) == sentence
