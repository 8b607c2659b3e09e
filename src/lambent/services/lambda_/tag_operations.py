"""Tags of functions and of event source mappings, by the ARN of either."""

from collections.abc import Callable, Mapping

from lambent.services.caller import Caller
from lambent.services.lambda_ import event_source_store, names, store
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceNotFound
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.services.lambda_.names import FunctionReference
from lambent.services.lambda_.parts import Document, LambdaParts, present
from lambent.services.lambda_.tags import check_tags
from lambent.storage.transaction import Transaction

_MAPPING = ":event-source-mapping:"

Change = Callable[[Mapping[str, str]], dict[str, str]]


class TagOperations:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts

    async def tag_resource(self, caller: Caller, request: Document) -> Document:
        return await self._change(caller, request["Resource"], lambda tags: {**tags, **request["Tags"]})

    async def untag_resource(self, caller: Caller, request: Document) -> Document:
        dropped = set(request["TagKeys"])
        return await self._change(
            caller,
            request["Resource"],
            lambda tags: {name: value for name, value in tags.items() if name not in dropped},
        )

    async def list_tags(self, caller: Caller, request: Document) -> Document:
        resource: str = request["Resource"]
        if _MAPPING in resource:
            mapping = self._parts.database.read(lambda tx: _mapping(tx, caller, resource))
            return {"Tags": dict(mapping.tags)}
        return {"Tags": dict(self._parts.find(_function(caller, resource)).tags)}

    async def _change(self, caller: Caller, resource: str, change: Change) -> Document:
        if _MAPPING in resource:
            await self._parts.database.write(lambda tx: _change_mapping(tx, caller, resource, change))
        else:
            reference = _function(caller, resource)
            await self._parts.change(lambda tx: _change_function(tx, reference, change))
        return {}


def _change_function(tx: Transaction, reference: FunctionReference, change: Change) -> None:
    function = present(tx, reference)
    tags = change(function.tags)
    check_tags(tags)
    store.set_tags(tx, function.key, tags)


def _change_mapping(tx: Transaction, caller: Caller, resource: str, change: Change) -> None:
    mapping = _mapping(tx, caller, resource)
    tags = change(mapping.tags)
    check_tags(tags)
    event_source_store.set_tags(tx, mapping.uuid, tags)


def _mapping(tx: Transaction, caller: Caller, resource: str) -> EventSourceMapping:
    """Raises ResourceNotFound."""
    found = event_source_store.find_mapping(tx, resource.rpartition(":")[2])
    if found is None or found.arn != resource or found.account_id != caller.account_id:
        raise ResourceNotFound("The resource you requested does not exist.")
    return found


def _function(caller: Caller, resource: str) -> FunctionReference:
    """Raises ResourceNotFound, InvalidParameterValue, AccessDenied."""
    reference = names.parse_arn(resource)
    if reference is None:
        raise ResourceNotFound(
            f"The resource {resource} does not exist: functions and event source mappings have tags here."
        )
    if reference.qualifier:
        raise InvalidParameterValue(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    own = names.require_own(reference, caller.account_id)
    return names.parse_reference(own.arn, "", account_id=caller.account_id, region=caller.region)
