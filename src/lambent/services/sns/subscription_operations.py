"""Subscriptions: made, confirmed, ended, listed, changed.

Queues and functions of the subscriber's account are taken at once, the owners of all other endpoints are asked first: a
request for confirmation goes the way of all messages, and its token confirms, signed or not. A subscription that was
ended by link can be brought back in the same way, for two days.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.sns import (
    access,
    authorization,
    envelopes,
    names,
    page_tokens,
    publish_store,
    store,
    subscription_store,
    subscriptions,
)
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.errors import (
    FilterPolicyLimitExceeded,
    InvalidParameter,
    InvalidToken,
    SubscriptionLimitExceeded,
    subscription_not_found,
)
from lambent.services.sns.messages import Kind, Published
from lambent.services.sns.subscriptions import MAX_FILTER_POLICIES, MAX_SUBSCRIPTIONS, State, Subscription
from lambent.services.sns.topics import DEFAULT_MAX_MESSAGE_BYTES, Topic
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

_PENDING = "pending confirmation"

#: At AWS as well; of whatever length (its own have 288).
_TOKEN = re.compile(r"[0-9a-f]+")


class SubscriptionOperations:
    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def subscribe(self, caller: Caller, request: Request) -> Result:
        subscription = await self._database.write(lambda tx: self._subscribe(tx, caller, request))
        is_named = subscription.state is State.CONFIRMED or request.get("ReturnSubscriptionArn", False)
        return {"SubscriptionArn": subscription.arn if is_named else _PENDING}

    async def confirm_subscription(self, caller: Caller, request: Request) -> Result:
        """AWS says nothing of a topic that does not exist: there is no such token.

        What is no ARN of a topic of this region is "Topic", what could be a token and is none "Token", what could not
        be one "Invalid token" (as recorded at AWS). Who follows a link is in no region.
        """
        topic_arn, token = request["TopicArn"], request["Token"]
        region = names.region_of_topic(topic_arn)
        if not region or not (caller.is_anonymous or caller.region == region):
            raise InvalidParameter("Topic")
        if not _TOKEN.fullmatch(token):
            raise InvalidToken("Invalid token")
        wants_signature = request.get("AuthenticateOnUnsubscribe", "").lower() == "true"

        def confirm(tx: Transaction) -> Subscription:
            found = subscription_store.find_by_token(tx, topic_arn, token)
            if found is None or found.token_expires_ms < self._clock.now_ms():
                raise InvalidParameter("Token")
            if found.state is State.CONFIRMED:
                return found
            confirmed = replace(
                found,
                state=State.CONFIRMED,
                confirmation_was_authenticated=not caller.is_anonymous,
                authenticates_unsubscribe=wants_signature and not caller.is_anonymous,
            )
            subscription_store.save_subscription(tx, confirmed)
            return confirmed

        return {"SubscriptionArn": (await self._database.write(confirm)).arn}

    async def unsubscribe(self, caller: Caller, request: Request) -> Result:
        """What does not exist is no error."""
        if not request["SubscriptionArn"]:
            raise InvalidParameter("SubscriptionArn Reason: no value for required parameter")
        names.topic_of_subscription(request["SubscriptionArn"])

        def end(tx: Transaction) -> None:
            found = subscription_store.find_subscription(tx, request["SubscriptionArn"])
            if found is None or found.state is State.DELETED:
                return
            if caller.account_id == found.account_id:
                subscription_store.delete_subscription(tx, found.arn)
                return
            is_topic_owner = caller.account_id == names.topic_of_subscription(found.arn).account_id
            if not is_topic_owner and (found.authenticates_unsubscribe or not caller.is_anonymous):
                raise access.refused("Unsubscribe", found.arn, caller.arn)
            self._end_for_another(tx, found)

        await self._database.write(end)
        return {}

    async def list_subscriptions(self, caller: Caller, request: Request) -> Result:
        after = _after(request)
        found = await self._database.scan(
            lambda tx: subscription_store.list_by_owner(
                tx, caller.account_id, caller.region, after, page_tokens.PAGE + 1
            )
        )
        return _page(found)

    async def list_subscriptions_by_topic(self, caller: Caller, request: Request) -> Result:
        after = _after(request)

        def read(tx: Transaction) -> list[Subscription]:
            topic = authorization.topic_for(tx, caller, request["TopicArn"], "ListSubscriptionsByTopic")
            return subscription_store.list_by_topic(tx, topic.arn, after, page_tokens.PAGE + 1)

        return _page(await self._database.scan(read))

    async def get_subscription_attributes(self, caller: Caller, request: Request) -> Result:
        def read(tx: Transaction) -> dict[str, str]:
            topic, subscription = _own(tx, caller, request["SubscriptionArn"], "GetSubscriptionAttributes")
            return subscriptions.shown_attributes(topic, subscription)

        return {"Attributes": self._database.read(read)}

    async def set_subscription_attributes(self, caller: Caller, request: Request) -> Result:
        name, value = request["AttributeName"], request.get("AttributeValue", "")

        def change(tx: Transaction) -> None:
            topic, found = _own(tx, caller, request["SubscriptionArn"], "SetSubscriptionAttributes")
            wanted = {**found.attributes, name: value}
            try:
                subscriptions.check_attributes(topic, found.protocol, found.endpoint, wanted)
            except BadAttribute as error:
                raise InvalidParameter(error.about if error.name else "AttributeName") from error
            changed = replace(found, attributes=subscriptions.without_empty(wanted))
            _check_filter_policies(tx, topic, before=found, after=changed)
            subscription_store.save_subscription(tx, changed)

        await self._database.write(change)
        return {}

    def _subscribe(self, tx: Transaction, caller: Caller, request: Request) -> Subscription:
        protocol, endpoint = request["Protocol"], request.get("Endpoint", "")
        topic = authorization.topic_for(tx, caller, request["TopicArn"], "Subscribe")
        subscriptions.check_endpoint(topic, protocol, endpoint)
        attributes = _checked_attributes(topic, protocol, endpoint, request.get("Attributes") or {})
        now_ms = self._clock.now_ms()
        subscription_store.forget_deleted(tx, topic.arn, now_ms)
        present = subscription_store.find_by_endpoint(tx, topic.arn, protocol, endpoint)
        if present is not None and present.state is State.DELETED:
            subscription_store.delete_subscription(tx, present.arn)
            present = None
        if present is not None and not subscriptions.same_attributes(present, attributes):
            raise InvalidParameter("Attributes Reason: Subscription already exists with different attributes")
        if present is not None and present.state is State.CONFIRMED:
            return present
        wanted = present or self._new_subscription(caller, topic, protocol, endpoint, attributes)
        if present is None:
            _check_limits(tx, topic, wanted)
        if wanted.state is State.PENDING:
            wanted = replace(wanted, token=self._token(), token_expires_ms=now_ms + subscriptions.TOKEN_MS)
        subscription_store.save_subscription(tx, wanted)
        if wanted.state is State.PENDING and subscriptions.is_told(protocol):
            self._ask(tx, wanted, Kind.SUBSCRIPTION_CONFIRMATION)
        return wanted

    def _new_subscription(
        self, caller: Caller, topic: Topic, protocol: str, endpoint: str, attributes: Mapping[str, str]
    ) -> Subscription:
        is_confirmed = subscriptions.is_confirmed_at_once(protocol, endpoint, caller.account_id)
        return Subscription(
            arn=f"{topic.arn}:{self._ids.uuid()}",
            topic_arn=topic.arn,
            account_id=caller.account_id,
            region=topic.region,
            principal=caller.arn,
            protocol=protocol,
            endpoint=endpoint,
            attributes=attributes,
            state=State.CONFIRMED if is_confirmed else State.PENDING,
            token="",
            token_expires_ms=0,
            confirmation_was_authenticated=is_confirmed,
            authenticates_unsubscribe=is_confirmed,
            platform_url=caller.endpoint,
        )

    def _end_for_another(self, tx: Transaction, subscription: Subscription) -> None:
        """Its endpoint hears of it, and can take it back."""
        if subscription.state is not State.CONFIRMED or not subscriptions.is_told(subscription.protocol):
            subscription_store.delete_subscription(tx, subscription.arn)
            return
        ended = replace(subscription, token=self._token())
        expires_ms = self._clock.now_ms() + subscriptions.TOKEN_MS
        subscription_store.mark_deleted(tx, ended, ended.token, expires_ms)
        self._ask(tx, ended, Kind.UNSUBSCRIBE_CONFIRMATION)

    def _ask(self, tx: Transaction, subscription: Subscription, kind: Kind) -> None:
        about = subscription.topic_arn if kind is Kind.SUBSCRIPTION_CONFIRMATION else subscription.arn
        request = Published(
            kind=kind,
            topic_arn=subscription.topic_arn,
            message_id=self._ids.uuid(),
            time_ms=self._clock.now_ms(),
            message=envelopes.confirmation_message(about, kind),
            subscription_arn=subscription.arn,
            token=subscription.token,
        )
        publish_store.ask_for_confirmation(tx, request)

    def _token(self) -> str:
        return "".join([self._ids.uuid().replace("-", "") for _ in range(4)])


def _checked_attributes(topic: Topic, protocol: str, endpoint: str, given: Mapping[str, str]) -> dict[str, str]:
    """Raises InvalidParameter."""
    try:
        subscriptions.check_attributes(topic, protocol, endpoint, given)
    except BadAttribute as error:
        raise InvalidParameter(f"Attributes Reason: {error.about}") from error
    return subscriptions.without_empty(given)


def _check_limits(tx: Transaction, topic: Topic, wanted: Subscription) -> None:
    counts = subscription_store.count_subscriptions(tx, topic.arn)
    count = counts.confirmed + counts.pending + counts.deleted
    if count >= MAX_SUBSCRIPTIONS:
        raise SubscriptionLimitExceeded(f"A topic can have at most {MAX_SUBSCRIPTIONS} subscriptions")
    is_large = topic.max_message_bytes > DEFAULT_MAX_MESSAGE_BYTES
    if is_large and count >= subscriptions.MAX_SUBSCRIPTIONS_OF_LARGE:
        raise SubscriptionLimitExceeded(
            f"A topic of large messages can have at most {subscriptions.MAX_SUBSCRIPTIONS_OF_LARGE} subscriptions"
        )
    _check_filter_policies(tx, topic, before=None, after=wanted)


def _check_filter_policies(tx: Transaction, topic: Topic, *, before: Subscription | None, after: Subscription) -> None:
    """Raises FilterPolicyLimitExceeded if this is one more."""
    is_new = bool(after.filter_policy) and not (before is not None and before.filter_policy)
    if is_new and subscription_store.count_filter_policies(tx, topic.arn) >= MAX_FILTER_POLICIES:
        raise FilterPolicyLimitExceeded(f"A topic can have at most {MAX_FILTER_POLICIES} filter policies")


def _own(tx: Transaction, caller: Caller, subscription_arn: str, action: str) -> tuple[Topic, Subscription]:
    """For the owners of the subscription and of the topic. Raises InvalidParameter, NotFound, AuthorizationError."""
    topic_key = names.topic_of_subscription(subscription_arn)
    found = subscription_store.find_subscription(tx, subscription_arn)
    topic = store.find_topic(tx, topic_key.arn)
    if found is None or topic is None or found.state is State.DELETED:
        raise subscription_not_found()
    if caller.account_id not in (found.account_id, topic.account_id):
        raise access.refused(action, subscription_arn, caller.arn)
    return topic, found


def _after(request: Request) -> str:
    return page_tokens.read_token(request["NextToken"]) if request.get("NextToken") else ""


def _page(found: list[Subscription]) -> Result:
    listed = found[: page_tokens.PAGE]
    result: Result = {"Subscriptions": [subscriptions.shown(one) for one in listed]}
    if len(found) > len(listed):
        result["NextToken"] = page_tokens.write_token(listed[-1].arn)
    return result
