"""A queue as a target: the message's body becomes that of an SQS message, with its attributes, group and trace."""

import orjson

from lambent.delivery.targets import Message, Moment, Refused, Sender
from lambent.services.sqs import access, contents, message_store, queues, store
from lambent.services.sqs.contents import Attribute, Draft
from lambent.services.sqs.queues import Queue
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """Raises Refused: no such queue, its policy does not let the sender send, or it does not take this."""
    key = queues.parse_arn(message.target_arn)
    queue = store.find_queue(tx, key) if key else None
    if queue is None:
        raise Refused("AWS.SimpleQueueService.NonExistentQueue", f"There is no queue {message.target_arn}")
    sender = message.sender
    if not _permits(queue, sender):
        raise Refused(
            "AccessDenied", f"The policy of {message.target_arn} does not let {sender.name} send to it for {sender.arn}"
        )
    try:
        draft = _draft(message)
        message_store.send(tx, queue, draft, message_id=moment.ids.uuid(), now_ms=moment.now_ms)
    except UnicodeDecodeError as error:
        raise Refused("InvalidMessageContents", "A queue takes text only", is_final=True) from error
    except ServiceError as error:
        raise Refused(error.query_code or error.code, error.message, is_final=True) from error


def _permits(queue: Queue, sender: Sender) -> bool:
    if not sender.service:
        return access.lets_account(queue, sender.account_id, sender.principal_arn)
    return access.lets_service(queue, sender.service, source_arn=sender.arn, source_account=sender.account_id)


def _draft(message: Message) -> Draft:
    body = _text(message.body)
    contents.check_text(body, "Message body")
    return Draft(
        body=body,
        sender_id=message.sender.service.partition(".")[0] or message.sender.account_id,
        attributes={name: Attribute(one.data_type, one.value) for name, one in message.attributes.items()},
        trace=message.trace,
        group_id=message.group_id or None,
        deduplication_id=message.deduplication_id or None,
        is_wrapped=True,
    )


def _text(body: bytes) -> str:
    """JSON holds two characters that a queue does not, and can write them otherwise. Raises UnicodeDecodeError."""
    text = body.decode()
    if "\ufffe" not in text and "\uffff" not in text:
        return text
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return text
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
