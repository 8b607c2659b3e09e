"""What is set on topics besides their attributes: permissions, tags, the data protection policy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from lambent.services.caller import Caller
from lambent.services.sns import access, authorization, store
from lambent.services.sns.errors import InvalidParameter, NotFound, ResourceNotFound, TagLimitExceeded
from lambent.services.sns.topics import MAX_TAGS, Topic
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

#: "Length Constraints: Maximum length of 30,720" (PutDataProtectionPolicy).
_MAX_DATA_PROTECTION_POLICY = 30_720


class SettingOperations:
    def __init__(self, database: Database) -> None:
        self._database = database

    # Permissions

    async def add_permission(self, caller: Caller, request: Request) -> Result:
        def change(policy: str, topic_arn: str) -> str:
            return access.add_statement(
                policy,
                topic_arn,
                label=request["Label"],
                accounts=request["AWSAccountId"],
                actions=request["ActionName"],
            )

        return await self._change_policy(caller, request, "AddPermission", change)

    async def remove_permission(self, caller: Caller, request: Request) -> Result:
        return await self._change_policy(
            caller,
            request,
            "RemovePermission",
            lambda policy, _: access.remove_statement(policy, label=request["Label"]),
        )

    async def _change_policy(
        self, caller: Caller, request: Request, action: str, change: Callable[[str, str], str]
    ) -> Result:
        """`change` takes (policy, topic ARN); "" brings the default policy back."""

        def write(tx: Transaction) -> None:
            topic = authorization.topic_for(tx, caller, request["TopicArn"], action)
            kept = {name: value for name, value in topic.attributes.items() if name != "Policy"}
            policy = change(topic.policy, topic.arn)
            store.update_attributes(tx, topic.arn, {**kept, "Policy": policy} if policy else kept)

        await self._database.write(write)
        return {}

    # Tags

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        added = tags_of(request["Tags"])

        def add(tx: Transaction) -> None:
            topic = _tagged_topic(tx, caller, request, "TagResource")
            tags = {**topic.tags, **added}
            if len(tags) > MAX_TAGS:
                raise TagLimitExceeded("Could not complete request: tag quota of per resource exceeded")
            store.update_tags(tx, topic.arn, tags)

        await self._database.write(add)
        return {}

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        def remove(tx: Transaction) -> None:
            topic = _tagged_topic(tx, caller, request, "UntagResource")
            kept = {key: value for key, value in topic.tags.items() if key not in request["TagKeys"]}
            store.update_tags(tx, topic.arn, kept)

        await self._database.write(remove)
        return {}

    async def list_tags_for_resource(self, caller: Caller, request: Request) -> Result:
        topic = self._database.read(lambda tx: _tagged_topic(tx, caller, request, "ListTagsForResource"))
        return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}

    # The data protection policy: kept and shown, without an effect.

    async def put_data_protection_policy(self, caller: Caller, request: Request) -> Result:
        policy = request["DataProtectionPolicy"]
        if len(policy) > _MAX_DATA_PROTECTION_POLICY or not _is_object(policy):
            raise InvalidParameter("DataProtectionPolicy")

        def write(tx: Transaction) -> None:
            topic = _own(tx, caller, request, "PutDataProtectionPolicy")
            store.update_data_protection_policy(tx, topic.arn, policy)

        await self._database.write(write)
        return {}

    async def get_data_protection_policy(self, caller: Caller, request: Request) -> Result:
        topic = self._database.read(lambda tx: _own(tx, caller, request, "GetDataProtectionPolicy"))
        return {"DataProtectionPolicy": topic.data_protection_policy}


def tags_of(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Raises InvalidParameter."""
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) != len(given):
        raise InvalidParameter("Duplicated keys are not allowed.")
    return tags


def _own(tx: Transaction, caller: Caller, request: Request, action: str) -> Topic:
    return authorization.own_topic(tx, caller, request["ResourceArn"], action, parameter="ResourceArn")


def _tagged_topic(tx: Transaction, caller: Caller, request: Request, action: str) -> Topic:
    """Raises ResourceNotFound."""
    try:
        return _own(tx, caller, request, action)
    except NotFound as error:
        raise ResourceNotFound("Resource does not exist") from error


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
