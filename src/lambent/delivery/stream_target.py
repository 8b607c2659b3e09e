"""A Kinesis data stream as a target: the message's body becomes a record."""

from lambent.delivery.targets import Message, Moment, Refused, Sender
from lambent.services.kinesis import access, names, placement, record_store, stream_store
from lambent.services.kinesis.streams import Stream
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """Raises Refused: no such stream, its policy does not let the sender write to it, or it is too large."""
    key = names.parse_stream_arn(message.target_arn)
    view = stream_store.find_view(tx, key) if key is not None else None
    if view is None:
        raise Refused("ResourceNotFoundException", f"Stream not found: {message.target_arn}")
    sender = message.sender
    if not _permits(view.stream, sender):
        raise Refused(
            "AccessDeniedException",
            f"The policy of {message.target_arn} does not let {sender.name} write to it for {sender.arn}",
        )
    entry = {"Data": message.body, "PartitionKey": message.partition_key or moment.ids.uuid()}
    try:
        placed = placement.place(view, entry, message.trace, moment.ids)
    except ServiceError as error:
        raise Refused(error.code, error.message, is_final=True) from error
    record_store.append(tx, placed.shard, placed.payload, moment.now_ms)


def _permits(stream: Stream, sender: Sender) -> bool:
    policy = stream.settings.policy
    if sender.service:
        return access.lets_service(
            policy, stream.arn, sender.service, source_arn=sender.arn, source_account=sender.account_id
        )
    is_owner = sender.account_id == stream.key.account_id
    return is_owner or access.lets_account(policy, stream.arn, sender.account_id, sender.principal_arn, "PutRecord")
