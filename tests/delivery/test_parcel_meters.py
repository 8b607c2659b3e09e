"""What becomes of parcels is counted once, when it has come to its end."""

import pytest

from lambent.delivery import destinations, parcel_meters
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.targets import Message, Sender
from lambent.kit.meter import Meter

PLACE = "us-east-1:000000000000"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:f:prod"
TOPIC, QUEUE = f"arn:aws:sns:{PLACE}:orders", f"arn:aws:sqs:{PLACE}:q"
STREAM = f"arn:aws:kinesis:{PLACE}:stream/s"


def counted(meter: Meter) -> dict[str, list[dict[str, str]]]:
    """By metric, the dimensions it is published under."""
    return {
        f"{series.namespace} {series.metric}": [dict(one) for one in series.dimension_sets]
        for series, _ in meter.take()
    }


def message(sender_arn: str = FUNCTION, target_arn: str = QUEUE) -> Message:
    return Message(target_arn, b"{}", Sender("", sender_arn, "000000000000"), "test")


DEAD_LETTER = destinations.dead_letter(FUNCTION, QUEUE, b"{}", source="s", request_id="r", error_code=200, error="no")
OF_QUEUE = {f"AWS/SQS {one}": [{"QueueName": "q"}] for one in ("NumberOfMessagesSent", "SentMessageSize")}
OF_TOPIC = {f"AWS/SNS {one}": [{"TopicName": "orders"}] for one in ("NumberOfMessagesPublished", "PublishSize")}
OF_STREAM = {f"AWS/Kinesis {one}": [{"StreamName": "s"}] for one in ("IncomingRecords", "IncomingBytes")}


@pytest.mark.parametrize(
    ("owner", "sent", "expected"),
    [
        ("sns", message(TOPIC), {"AWS/SNS NumberOfNotificationsDelivered": [{"TopicName": "orders"}], **OF_QUEUE}),
        ("rule", message(target_arn=TOPIC), OF_TOPIC),
        ("lambda", message(target_arn=STREAM), OF_STREAM),
        ("lambda", message(target_arn=FUNCTION), {}),
        (
            "sns",
            message(TOPIC, "https://a.test"),
            {"AWS/SNS NumberOfNotificationsDelivered": [{"TopicName": "orders"}]},
        ),
    ],
)
def test_what_is_taken(owner: str, sent: Message, expected: dict[str, list[dict[str, str]]]) -> None:
    meter = Meter()
    parcel_meters.count_arrival(meter, parcel_meters.arrival_of(Parcel(owner, sent, 0, {})))
    assert counted(meter) == expected


@pytest.mark.parametrize(
    ("owner", "sent", "expected"),
    [
        ("sns", message(TOPIC), {"AWS/SNS NumberOfNotificationsFailed": [{"TopicName": "orders"}]}),
        ("rule", message(), {}),
        ("lambda", message(), {"AWS/Lambda DestinationDeliveryFailures": [{"FunctionName": "f"}, {}]}),
        ("lambda", DEAD_LETTER, {"AWS/Lambda DeadLetterErrors": [{"FunctionName": "f"}, {}]}),
    ],
)
def test_what_is_given_up(owner: str, sent: Message, expected: dict[str, list[dict[str, str]]]) -> None:
    meter = Meter()
    parcel_meters.count_failure(meter, Parcel(owner, sent, 0, {}))
    assert counted(meter) == expected
