"""Destinations: the Kinesis data streams that a table's changes go to, and what may become of them.

At most one is active; those that were disabled or could not be enabled stay listed, the latest first. What AWS passes
through in between (ENABLING, DISABLING, UPDATING) only appears in the answers here: what was asked for is done with
the commit. Rules and sentences are AWS's, which records every refusal as a ValidationException (ACK's DynamoDB notes,
DDB-TABLE-268 and -299 to -304). Next: `destination_operations`, and for what goes there `replication`.
"""

import dataclasses
from collections.abc import Sequence
from enum import StrEnum

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import ValidationException

#: Of those that are not active any more so many are remembered.
MAX_ENDED = 20

#: What a destination has whose precision nobody has set.
DEFAULT_PRECISION = "MILLISECOND"


class DestinationStatus(StrEnum):
    #: Every change goes there.
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    #: There was no such stream.
    ENABLE_FAILED = "ENABLE_FAILED"


@frozen
class Destination:
    stream_arn: str
    status: DestinationStatus
    precision: str = ""
    """ApproximateCreationDateTimePrecision as it was set; "" if it never was."""
    failure: str = ""
    """Why it could not be enabled."""

    @property
    def is_active(self) -> bool:
        return self.status is DestinationStatus.ACTIVE


Destinations = tuple[Destination, ...]


def active(destinations: Sequence[Destination]) -> Destination | None:
    return next((one for one in destinations if one.is_active), None)


def enable(destinations: Destinations, stream_arn: str, precision: str, failure: str) -> Destinations:
    """`failure` says why the stream cannot be one, "" if it can. Raises ValidationException."""
    if active(destinations) is not None:
        raise _invalid_state(
            "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
        )
    status = DestinationStatus.ENABLE_FAILED if failure else DestinationStatus.ACTIVE
    others = [one for one in destinations if one.stream_arn != stream_arn]
    return (Destination(stream_arn, status, precision, failure), *others[:MAX_ENDED])


def disable(destinations: Destinations, stream_arn: str) -> Destinations:
    """Its precision is forgotten. Raises ValidationException."""
    found = _find(destinations, stream_arn)
    if found is None or not found.is_active:
        raise _invalid_state("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
    return _replaced(destinations, Destination(stream_arn, DestinationStatus.DISABLED))


def set_precision(
    destinations: Destinations, stream_arn: str, precision: str, *, table_name: str, table_uuid: str
) -> Destinations:
    """Raises ValidationException."""
    found = _find(destinations, stream_arn)
    if found is None:
        raise _invalid_state(
            f"No streaming destination with streamArn: {stream_arn} found for table with tableName: {table_name}"
        )
    if not found.is_active:
        raise _invalid_state(
            "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
            f"TableName: {table_name}, kdsArn: {stream_arn}"
        )
    if precision == (found.precision or DEFAULT_PRECISION):
        raise ValidationException(
            f"Invalid Request: Precision is already set to the desired value of {precision} for tableId: {table_uuid}, "
            f"kdsArn: {stream_arn}"
        )
    return _replaced(destinations, dataclasses.replace(found, precision=precision))


def _find(destinations: Destinations, stream_arn: str) -> Destination | None:
    return next((one for one in destinations if one.stream_arn == stream_arn), None)


def _replaced(destinations: Destinations, by: Destination) -> Destinations:
    return tuple(by if one.stream_arn == by.stream_arn else one for one in destinations)


def _invalid_state(reason: str) -> ValidationException:
    """AWS says "enable", whatever was asked for."""
    return ValidationException(f"Table is not in a valid state to enable Kinesis Streaming Destination: {reason}")
