"""Outcomes of functions on their way to where somebody wants to hear of them: records and dead letters as parcels.

Queues, topics, functions and buses take them in the transaction that ends the invocation, or the batch; into a bucket
they are carried. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html and
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html name the keys of objects.
"""

from collections.abc import Awaitable, Callable

from lambent.delivery import destinations
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import Ended, Owner
from lambent.delivery.targets import Refused
from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.lambda_ import destination_arns
from lambent.wire.errors import ServiceError

#: Who keeps the parcels.
OWNER = "lambda"

#: A term of a parcel: the key it has in a bucket; an asynchronous invocation's record has its own.
OBJECT_KEY = "objectKey"

#: AWS does not say how often it tries; then it counts a DestinationDeliveryFailure and the record is lost.
PAUSES_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)


@frozen
class NewObject:
    """What is put into a bucket."""

    account_id: str
    region: str
    bucket: str
    key: str
    content: bytes
    trace: str = ""


PutObject = Callable[[NewObject], Awaitable[None]]
"""Returns when it is on disk. Raises ServiceError as S3 would."""


def owner(put_object: PutObject, ended: Ended) -> Owner:
    """A parcel has the same key in a bucket whenever it is carried: what is put there again is not there twice."""

    async def carry(parcel: Parcel) -> None:
        message = parcel.message
        bucket = destination_arns.bucket_of(message.target_arn)
        if bucket is None:
            raise Refused("InvalidTarget", f"nothing can be sent to {message.target_arn}", is_final=True)
        function = Arn.parse(message.sender.arn)
        key = parcel.terms.get(OBJECT_KEY) or destinations.object_key(function, message.body, parcel.accepted_ms)
        try:
            await put_object(NewObject(function.account_id, function.region, bucket, key, message.body, message.trace))
        except ServiceError as error:
            raise Refused(error.code, f"bucket {bucket} does not take it: {error.message}") from error

    # A dead letter has none of its own.
    return Owner(OWNER, _pause, lambda parcel, refusal: None, carry, ended=ended)  # noqa: ARG005


def _pause(parcel: Parcel, now_ms: int) -> float | None:  # noqa: ARG001 - it goes by the number of attempts
    return PAUSES_SECONDS[parcel.attempts] if parcel.attempts < len(PAUSES_SECONDS) else None
