"""The operations of SNS, under AWS's names.

Topics here; their settings in `setting_operations`, subscriptions in `subscription_operations`, publishing in
`publish_operations`, all of which the gateway sees as one object.
"""

from typing import Any, ClassVar

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.sns import authorization, names, page_tokens, store, subscription_store, topics
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.errors import InvalidParameter, TagLimitExceeded
from lambent.services.sns.names import TopicKey
from lambent.services.sns.publish_operations import PublishOperations
from lambent.services.sns.setting_operations import SettingOperations, tags_of
from lambent.services.sns.subscription_operations import SubscriptionOperations
from lambent.services.sns.topic_meters import TopicMeters
from lambent.services.sns.topics import MAX_TAGS, Topic
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class SnsOperations:
    SERVED = frozenset((
        "CreateTopic", "DeleteTopic", "ListTopics", "GetTopicAttributes", "SetTopicAttributes",
        "Subscribe", "ConfirmSubscription", "Unsubscribe", "ListSubscriptions", "ListSubscriptionsByTopic",
        "GetSubscriptionAttributes", "SetSubscriptionAttributes", "Publish", "PublishBatch",
        "AddPermission", "RemovePermission", "TagResource", "UntagResource", "ListTagsForResource",
        "PutDataProtectionPolicy", "GetDataProtectionPolicy",
    ))  # fmt: skip

    #: What links in messages lead to needs no signature; the operations themselves look whether it had to have one.
    AMENDMENTS: ClassVar = {
        "operations": {"ConfirmSubscription": {"authtype": "none"}, "Unsubscribe": {"authtype": "none"}}
    }

    def __init__(self, database: Database, clock: Clock, ids: Ids, meters: TopicMeters) -> None:
        self._database = database
        self._clock = clock
        settings = SettingOperations(database)
        self.add_permission = settings.add_permission
        self.remove_permission = settings.remove_permission
        self.tag_resource = settings.tag_resource
        self.untag_resource = settings.untag_resource
        self.list_tags_for_resource = settings.list_tags_for_resource
        self.put_data_protection_policy = settings.put_data_protection_policy
        self.get_data_protection_policy = settings.get_data_protection_policy
        subscriptions = SubscriptionOperations(database, clock, ids)
        self.subscribe = subscriptions.subscribe
        self.confirm_subscription = subscriptions.confirm_subscription
        self.unsubscribe = subscriptions.unsubscribe
        self.list_subscriptions = subscriptions.list_subscriptions
        self.list_subscriptions_by_topic = subscriptions.list_subscriptions_by_topic
        self.get_subscription_attributes = subscriptions.get_subscription_attributes
        self.set_subscription_attributes = subscriptions.set_subscription_attributes
        publishing = PublishOperations(database, clock, ids, meters)
        self.publish = publishing.publish
        self.publish_batch = publishing.publish_batch

    async def create_topic(self, caller: Caller, request: Request) -> Result:
        """The same again is no error: it names the topic that is there."""
        wanted = _new_topic(caller, request, self._clock.now_ms())

        def create(tx: Transaction) -> None:
            present = store.find_topic(tx, wanted.arn)
            if present is None:
                store.insert_topic(tx, wanted)
            elif not topics.same_attributes(present, wanted.attributes):
                raise InvalidParameter("Attributes Reason: Topic already exists with different attributes")
            elif not topics.same_tags(present, wanted.tags):
                raise InvalidParameter("Tags Reason: Topic already exists with different tags")

        await self._database.write(create)
        return {"TopicArn": wanted.arn}

    async def delete_topic(self, caller: Caller, request: Request) -> Result:
        """To delete a topic that does not exist is no error."""
        key = names.topic_key(request["TopicArn"], caller.region)

        def delete(tx: Transaction) -> None:
            if store.find_topic(tx, key.arn) is not None:
                store.delete_topic(tx, authorization.topic_for(tx, caller, key.arn, "DeleteTopic").arn)

        await self._database.write(delete)
        return {}

    async def list_topics(self, caller: Caller, request: Request) -> Result:
        after = page_tokens.read_token(request["NextToken"]) if request.get("NextToken") else ""
        key = TopicKey(caller.account_id, caller.region, after)
        found = await self._database.scan(lambda tx: store.list_topics(tx, key, page_tokens.PAGE + 1))
        listed = found[: page_tokens.PAGE]
        result: Result = {"Topics": [{"TopicArn": arn} for arn in listed]}
        if len(found) > len(listed):
            result["NextToken"] = page_tokens.write_token(listed[-1].rpartition(":")[2])
        return result

    async def get_topic_attributes(self, caller: Caller, request: Request) -> Result:
        def read(tx: Transaction) -> dict[str, str]:
            topic = authorization.topic_for(tx, caller, request["TopicArn"], "GetTopicAttributes")
            return topics.shown_attributes(topic, subscription_store.count_subscriptions(tx, topic.arn))

        return {"Attributes": await self._database.scan(read)}

    async def set_topic_attributes(self, caller: Caller, request: Request) -> Result:
        name, value = request["AttributeName"], request.get("AttributeValue", "")

        def change(tx: Transaction) -> None:
            topic = authorization.topic_for(tx, caller, request["TopicArn"], "SetTopicAttributes")
            _check_change(tx, topic, name, value)
            kept = {key: one for key, one in topic.attributes.items() if key != name}
            store.update_attributes(tx, topic.arn, {**kept, name: value} if value else kept)

        await self._database.write(change)
        return {}


def _new_topic(caller: Caller, request: Request, now_ms: int) -> Topic:
    """Raises InvalidParameter, TagLimitExceeded."""
    attributes: dict[str, str] = request.get("Attributes") or {}
    is_fifo = attributes.get("FifoTopic") == "true"
    names.check_name(request["Name"], is_fifo=is_fifo)
    for name, value in attributes.items():
        try:
            topics.check_attribute(name, value, is_fifo=is_fifo)
        except BadAttribute as error:
            about = error.about if error.name else f"Unknown attribute {name}"
            raise InvalidParameter(f"Attributes Reason: {about}") from error
    tags = tags_of(request.get("Tags") or [])
    if len(tags) > MAX_TAGS:
        raise TagLimitExceeded("Could not complete request: tag quota of per resource exceeded")
    key = TopicKey(caller.account_id, caller.region, request["Name"])
    return Topic(
        arn=key.arn,
        account_id=key.account_id,
        region=key.region,
        name=key.name,
        created_ms=now_ms,
        attributes={name: value for name, value in attributes.items() if value},
        tags=tags,
        data_protection_policy=request.get("DataProtectionPolicy", ""),
    )


def _check_change(tx: Transaction, topic: Topic, name: str, value: str) -> None:
    """Raises InvalidParameter."""
    if name == "FifoTopic":
        raise InvalidParameter("AttributeName")
    try:
        topics.check_attribute(name, value, is_fifo=topic.is_fifo)
    except BadAttribute as error:
        raise InvalidParameter(error.about) from error
    is_large = name == "MaximumMessageSize" and int(value) > topics.DEFAULT_MAX_MESSAGE_BYTES
    if is_large and not subscription_store.takes_large_messages(tx, topic.arn):
        raise InvalidParameter(
            "MaximumMessageSize Reason: a topic of large messages has at most 100 subscriptions, all of them to queues "
            "or functions"
        )
