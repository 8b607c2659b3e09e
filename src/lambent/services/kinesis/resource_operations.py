"""Tags and resource policies, of streams and of consumers."""

import dataclasses
from collections.abc import Callable, Mapping

from lambent.services.caller import Caller
from lambent.services.kinesis import access, documents, names, stream_store, streams
from lambent.services.kinesis.errors import InvalidArgument, ResourceNotFound
from lambent.services.kinesis.parts import KinesisParts, Request, Result
from lambent.services.kinesis.streams import MAX_TAGS, Consumer, Settings, Stream
from lambent.storage.transaction import Transaction

Tags = Mapping[str, str]


class ResourceOperations:
    SERVED = frozenset((
        "AddTagsToStream", "RemoveTagsFromStream", "ListTagsForStream", "TagResource", "UntagResource",
        "ListTagsForResource", "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy",
    ))  # fmt: skip

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts

    # Tags of streams

    async def add_tags_to_stream(self, caller: Caller, request: Request) -> Result:
        added: Tags = request["Tags"]

        def change(stream: Stream) -> Settings:
            return _with_tags(stream, {**stream.settings.tags, **added})

        await self._parts.set(caller, request, "AddTagsToStream", change)
        return {}

    async def remove_tags_from_stream(self, caller: Caller, request: Request) -> Result:
        def change(stream: Stream) -> Settings:
            return _with_tags(stream, _without(stream.settings.tags, request["TagKeys"]))

        await self._parts.set(caller, request, "RemoveTagsFromStream", change)
        return {}

    async def list_tags_for_stream(self, caller: Caller, request: Request) -> Result:
        tags = self._parts.view(caller, request, "ListTagsForStream").stream.settings.tags
        limit, after = request.get("Limit", MAX_TAGS), request.get("ExclusiveStartTagKey", "")
        listed = [(name, tags[name]) for name in sorted(tags) if name > after]
        return {"Tags": documents.tag_list(dict(listed[:limit])), "HasMoreTags": len(listed) > limit}

    # Tags of either

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        added: Tags = request["Tags"]
        await self._change_tags(caller, request, "TagResource", lambda tags: {**tags, **added})
        return {}

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        removed = request["TagKeys"]
        await self._change_tags(caller, request, "UntagResource", lambda tags: _without(tags, removed))
        return {}

    async def list_tags_for_resource(self, caller: Caller, request: Request) -> Result:
        found = self._parts.database.read(lambda tx: self._find(tx, caller, request, "ListTagsForResource"))
        tags = found.tags if isinstance(found, Consumer) else found.settings.tags
        return {"Tags": documents.tag_list(tags)}

    async def _change_tags(
        self, caller: Caller, request: Request, operation: str, change: Callable[[Tags], Tags]
    ) -> None:
        def work(tx: Transaction) -> None:
            found = self._find(tx, caller, request, operation)
            if isinstance(found, Consumer):
                tags = change(found.tags)
                streams.check_tags(found.key.stream, tags)
                stream_store.save_consumer(tx, dataclasses.replace(found, tags=tags))
            else:
                stream_store.save_settings(tx, found, _with_tags(found, change(found.settings.tags)))

        await self._parts.database.write(work)

    # Policies

    async def put_resource_policy(self, caller: Caller, request: Request) -> Result:
        access.check_policy(request["Policy"])
        await self._set_policy(caller, request, "PutResourcePolicy", request["Policy"])
        return {}

    async def get_resource_policy(self, caller: Caller, request: Request) -> Result:
        found = self._parts.database.read(lambda tx: self._find(tx, caller, request, "GetResourcePolicy"))
        policy = found.policy if isinstance(found, Consumer) else found.settings.policy
        if not policy:
            raise _no_policy(request)
        return {"Policy": policy}

    async def delete_resource_policy(self, caller: Caller, request: Request) -> Result:
        await self._set_policy(caller, request, "DeleteResourcePolicy", "")
        return {}

    async def _set_policy(self, caller: Caller, request: Request, operation: str, policy: str) -> None:
        """The owner's account may always do it: else a policy that denies too much could not be mended."""

        def work(tx: Transaction) -> None:
            found = self._find(tx, caller, request, operation)
            current = found.policy if isinstance(found, Consumer) else found.settings.policy
            if not policy and not current:
                raise _no_policy(request)
            if isinstance(found, Consumer):
                stream_store.save_consumer(tx, dataclasses.replace(found, policy=policy))
            else:
                stream_store.save_settings(tx, found, dataclasses.replace(found.settings, policy=policy))

        await self._parts.database.write(work)

    def _find(self, tx: Transaction, caller: Caller, request: Request, operation: str) -> Stream | Consumer:
        """What ResourceARN names, in the caller's own account. Raises ResourceNotFound, InvalidArgument."""
        arn: str = request["ResourceARN"]
        key = names.parse_stream_arn(arn)
        consumer_key = names.parse_consumer_arn(arn)
        owner = key or (consumer_key.stream if consumer_key else None)
        if owner is None:
            raise InvalidArgument(f"ResourceARN {arn} is not the ARN of a stream or a consumer.")
        if owner.account_id != caller.account_id:
            access.check(caller, owner.account_id, arn, "", operation, now=self._parts.clock.now())
        found: Stream | Consumer | None = None
        if owner.region == caller.region:
            found = (
                stream_store.find_consumer(tx, consumer_key) if consumer_key else stream_store.find_stream(tx, owner)
            )
        if found is None:
            raise names.consumer_not_found(owner, arn) if consumer_key else names.stream_not_found(owner)
        return found


def _with_tags(stream: Stream, tags: Tags) -> Settings:
    """Raises InvalidArgument."""
    streams.check_tags(stream.key, tags)
    return dataclasses.replace(stream.settings, tags=tags)


def _without(tags: Tags, removed: list[str]) -> Tags:
    return {name: value for name, value in tags.items() if name not in removed}


def _no_policy(request: Request) -> ResourceNotFound:
    return ResourceNotFound(f"No resource policy found for resource ARN {request['ResourceARN']}.")
