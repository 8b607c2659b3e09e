"""A topic as a target: the message is published there, if the topic's policy lets the sender's service do so."""

from lambent.delivery.targets import Message, Moment, Refused
from lambent.services.sns import access, messages, publish_store, store
from lambent.services.sns.errors import InvalidParameter
from lambent.services.sns.message_attributes import MessageAttribute
from lambent.services.sns.messages import Draft
from lambent.services.sns.topics import Topic
from lambent.storage.transaction import Transaction

_ACTION = "Publish"


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """Raises Refused: no such topic, its policy does not let the sender publish, or the message is none for it."""
    topic = store.find_topic(tx, message.target_arn)
    if topic is None:
        raise Refused("NotFound", f"Topic does not exist: {message.target_arn}")
    if not _permits(topic, message):
        sender = message.sender
        raise Refused(
            "AuthorizationError", f"The policy of {topic.arn} does not let {sender.name} publish to it for {sender.arn}"
        )
    draft = _draft(message)
    try:
        messages.check_for_topic(draft, topic)
    except InvalidParameter as error:
        raise Refused(error.code, error.message, is_final=True) from error
    publish_store.publish(tx, topic, draft, message_id=moment.ids.uuid(), now_ms=moment.now_ms)


def _permits(topic: Topic, message: Message) -> bool:
    sender = message.sender
    if sender.service:
        asked = access.asked_by_service(
            _ACTION, topic.arn, service=sender.service, source_arn=sender.arn, source_account=sender.account_id
        )
    else:
        asked = access.asked_by_account(
            _ACTION,
            topic.arn,
            principal_arn=sender.principal_arn,
            account_id=sender.account_id,
        )
    return access.allows(topic.policy, topic.account_id, asked)


def _draft(message: Message) -> Draft:
    """Raises Refused for what is no text."""
    try:
        text = message.body.decode()
    except UnicodeDecodeError as error:
        raise Refused("InvalidParameter", "The message is not UTF-8", is_final=True) from error
    if not text:
        raise Refused("InvalidParameter", "Invalid parameter: Empty message", is_final=True)
    return Draft(
        message=text,
        texts={},
        subject=message.subject[: messages.MAX_SUBJECT],
        attributes={name: MessageAttribute(one.data_type, one.value) for name, one in message.attributes.items()},
        group_id=message.group_id,
        deduplication_id=message.deduplication_id,
        trace=message.trace,
    )
