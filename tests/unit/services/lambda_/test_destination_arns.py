"""Destinations told apart by their ARNs."""

import pytest

from lambent.services.lambda_ import destination_arns
from lambent.services.lambda_.destination_arns import DestinationKind

HERE = "us-east-1:000000000000"


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (f"arn:aws:lambda:{HERE}:function:f", DestinationKind.FUNCTION),
        (f"arn:aws:lambda:{HERE}:function:f:prod", DestinationKind.FUNCTION),
        (f"arn:aws:lambda:{HERE}:layer:f", None),
        (f"arn:aws:sqs:{HERE}:q", DestinationKind.QUEUE),
        (f"arn:aws:sqs:{HERE}:q.fifo", None),
        (f"arn:aws:sns:{HERE}:t", DestinationKind.TOPIC),
        (f"arn:aws:sns:{HERE}:t.fifo", None),
        (f"arn:aws:sns:{HERE}:t:subscription", None),
        (f"arn:aws:events:{HERE}:event-bus/default", DestinationKind.BUS),
        (f"arn:aws:events:{HERE}:rule/r", None),
        ("arn:aws:s3:::b", DestinationKind.BUCKET),
        ("arn:aws:s3:::b/key", None),
        (f"arn:aws:dynamodb:{HERE}:table/t", None),
        ("b", None),
        ("", None),
    ],
)
def test_kinds(arn: str, kind: DestinationKind | None) -> None:
    assert destination_arns.kind_of(arn) is kind
    assert destination_arns.bucket_of(arn) == ("b" if kind is DestinationKind.BUCKET else None)
