"""A Kinesis data stream as a target: the message's body becomes a record."""

from lambent.delivery.targets import Message, Moment, Refused
from lambent.services.kinesis import access, names, placement, record_store, stream_store
from lambent.services.kinesis.streams import StreamView
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """Raises Refused: no such stream, its policy does not let the sender's service write to it, or it is too large."""
    key = names.parse_stream_arn(message.target_arn)
    view = stream_store.find_view(tx, key) if key is not None else None
    if view is None:
        raise Refused("ResourceNotFoundException", f"Stream not found: {message.target_arn}")
    _check_access(view, message)
    entry = {"Data": message.body, "PartitionKey": message.partition_key or moment.ids.uuid()}
    try:
        placed = placement.place(view, entry, message.trace, moment.ids)
    except ServiceError as error:
        raise Refused(error.code, error.message, is_final=True) from error
    record_store.append(tx, placed.shard, placed.payload, moment.now_ms)


def _check_access(view: StreamView, message: Message) -> None:
    """Raises Refused."""
    sender, stream = message.sender, view.stream
    if sender.service and not access.lets_service(
        stream.settings.policy, stream.arn, sender.service, source_arn=sender.arn, source_account=sender.account_id
    ):
        raise Refused(
            "AccessDeniedException",
            f"The policy of {message.target_arn} does not let {sender.service} write to it for {sender.arn}",
        )
