"""What becomes of parcels is counted once, when it has come to its end."""

import pytest

from lambent.delivery import destinations, parcel_meters
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.targets import Message, Sender
from lambent.kit.meter import Meter

PLACE = "us-east-1:000000000000"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:f:prod"
TOPIC, RULE = f"arn:aws:sns:{PLACE}:orders", f"arn:aws:events:{PLACE}:rule/shop/paid"
QUEUE = f"arn:aws:sqs:{PLACE}:q"


def told(owner: str, message: Message, *, taken: bool) -> dict[str, list[dict[str, str]]]:
    """By metric, the dimensions it is published under."""
    meter = Meter()
    parcel_meters.COUNTS[owner](meter, Parcel(owner, message, 0, {}), taken=taken)
    return {
        f"{series.namespace} {series.metric}": [dict(one) for one in series.dimension_sets]
        for series, _ in meter.take()
    }


def sent_by(arn: str) -> Message:
    return Message(QUEUE, b"{}", Sender("", arn, "000000000000"), "test")


DEAD_LETTER = destinations.dead_letter(FUNCTION, QUEUE, b"{}", source="s", request_id="r", error_code=200, error="no")


@pytest.mark.parametrize(
    ("owner", "message", "taken", "expected"),
    [
        ("sns", sent_by(TOPIC), True, {"AWS/SNS NumberOfNotificationsDelivered": [{"TopicName": "orders"}]}),
        ("sns", sent_by(TOPIC), False, {"AWS/SNS NumberOfNotificationsFailed": [{"TopicName": "orders"}]}),
        ("rule", sent_by(RULE), True, {"AWS/Events Invocations": [{"RuleName": "paid"}, {}]}),
        (
            "rule",
            sent_by(RULE),
            False,
            {
                "AWS/Events Invocations": [{"RuleName": "paid"}, {}],
                "AWS/Events FailedInvocations": [{"RuleName": "paid"}, {}],
            },
        ),
        ("lambda", sent_by(FUNCTION), True, {}),
        ("lambda", sent_by(FUNCTION), False, {"AWS/Lambda DestinationDeliveryFailures": [{"FunctionName": "f"}, {}]}),
        ("lambda", DEAD_LETTER, False, {"AWS/Lambda DeadLetterErrors": [{"FunctionName": "f"}, {}]}),
    ],
)
def test_what_is_counted(owner: str, message: Message, taken: bool, expected: dict[str, list[dict[str, str]]]) -> None:
    assert told(owner, message, taken=taken) == expected
