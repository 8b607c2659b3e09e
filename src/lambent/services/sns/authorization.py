"""The topic that an operation is about, if its caller may do that: every operation on a topic begins here."""

from lambent.services.caller import Caller
from lambent.services.sns import access, names, store
from lambent.services.sns.errors import topic_not_found
from lambent.services.sns.topics import Topic
from lambent.storage.transaction import Transaction


def topic_for(tx: Transaction, caller: Caller, topic_arn: str, action: str, *, parameter: str = "TopicArn") -> Topic:
    """Raises InvalidParameter, NotFound, AuthorizationError. `action` without its prefix: `Publish`."""
    key = names.topic_key(topic_arn, caller.region, parameter=parameter)
    topic = store.find_topic(tx, key.arn)
    if topic is None:
        raise topic_not_found()
    asked = access.asked_by_account(
        action, topic.arn, principal_arn=caller.arn, account_id=caller.account_id, source_ip=caller.source_ip
    )
    if not access.allows(topic.policy, topic.account_id, asked):
        raise access.refused(action, topic.arn, caller.arn)
    return topic


def own_topic(tx: Transaction, caller: Caller, topic_arn: str, action: str, *, parameter: str = "TopicArn") -> Topic:
    """For what a topic's policy cannot grant to others. Raises as `topic_for`."""
    topic = topic_for(tx, caller, topic_arn, action, parameter=parameter)
    if topic.account_id != caller.account_id:
        raise access.refused(action, topic.arn, caller.arn)
    return topic
