"""Event source mappings: create, look up, change, delete; and the four calls of 2014 on the same rows.

A mapping takes its place in the stream inside the transaction that creates it, so `LATEST` means: what is written after
the answer is delivered. The pollers hear of every change by its commit and settle the state.
"""

from collections.abc import Callable
from dataclasses import replace

from lambent.services.caller import Caller
from lambent.services.lambda_ import event_source_2014, event_source_queues, names, store
from lambent.services.lambda_ import event_source_documents as documents
from lambent.services.lambda_ import event_source_mappings as rules
from lambent.services.lambda_ import event_source_store as mappings
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceConflict, ResourceInUse, ResourceNotFound
from lambent.services.lambda_.event_source_mappings import EventSourceMapping, Options, State
from lambent.services.lambda_.names import FunctionReference
from lambent.services.lambda_.parts import Document, LambdaParts, reference_of
from lambent.services.lambda_.tags import check_tags
from lambent.storage.transaction import Transaction

#: https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html: at most 100 per page.
MAX_PAGE = 100


class EventSourceOperations:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def create_event_source_mapping(self, caller: Caller, request: Document) -> Document:
        source_arn = request.get("EventSourceArn")
        options = documents.new_options(request)
        if not source_arn:
            raise InvalidParameterValue("Unrecognized event source.")
        mapping = self._draft(caller, source_arn, reference_of(caller, request), options)
        mapping = replace(
            mapping,
            state=rules.created_state(enabled=request.get("Enabled") is not False),
            tags=request.get("Tags") or {},
        )
        check_tags(mapping.tags)
        await self._database.write(lambda tx: self._insert(tx, mapping))
        return documents.describe_mapping(mapping)

    async def get_event_source_mapping(self, caller: Caller, request: Document) -> Document:
        return documents.describe_mapping(self._database.read(lambda tx: _present(tx, caller, request["UUID"])))

    async def list_event_source_mappings(self, caller: Caller, request: Document) -> Document:
        found, marker = await self._list(caller, request)
        document: Document = {"EventSourceMappings": [documents.describe_mapping(one) for one in found]}
        return {**document, "NextMarker": marker} if marker else document

    async def update_event_source_mapping(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request) if request.get("FunctionName") else None

        def change(current: EventSourceMapping) -> EventSourceMapping:
            if event_source_queues.is_queue(current.source_arn):
                options = event_source_queues.changed_options(current.options, request)
            else:
                options = documents.changed_options(current.options, request)
            _check_options(options, current.source_arn)
            return replace(
                current,
                function_arn=reference.arn if reference else current.function_arn,
                state=rules.changed_state(current.state, enabled=request.get("Enabled")),
                options=options,
            )

        def update(tx: Transaction) -> EventSourceMapping:
            current = _present(tx, caller, request["UUID"])
            return self._change(tx, current, change, reference)

        return documents.describe_mapping(await self._database.write(update))

    async def delete_event_source_mapping(self, caller: Caller, request: Document) -> Document:
        return documents.describe_mapping(await self._delete(caller, request["UUID"]))

    async def add_event_source(self, caller: Caller, request: Document) -> Document:
        source_arn: str = request["EventSource"]
        reference = reference_of(caller, request)
        draft = self._draft(caller, source_arn, reference, event_source_2014.options_of(request))
        draft = replace(draft, role_arn=request["Role"])

        def rebound(current: EventSourceMapping) -> EventSourceMapping:
            return replace(
                current,
                function_arn=draft.function_arn,
                state=rules.changed_state(current.state, enabled=True),
                options=replace(current.options, batch_size=draft.options.batch_size),
                role_arn=draft.role_arn,
            )

        def add(tx: Transaction) -> EventSourceMapping:
            current = mappings.find_mapping_of_2014(tx, caller.account_id, caller.region, source_arn)
            if current is not None and current.state is not State.DELETING:
                return self._change(tx, current, rebound, reference)
            self._insert(tx, draft)
            return draft

        return event_source_2014.describe_source(await self._database.write(add))

    async def get_event_source(self, caller: Caller, request: Document) -> Document:
        return event_source_2014.describe_source(self._database.read(lambda tx: _present(tx, caller, request["UUID"])))

    async def list_event_sources(self, caller: Caller, request: Document) -> Document:
        found, marker = await self._list(caller, request)
        document: Document = {"EventSources": [event_source_2014.describe_source(one) for one in found]}
        return {**document, "NextMarker": marker} if marker else document

    async def remove_event_source(self, caller: Caller, request: Document) -> Document:
        await self._delete(caller, request["UUID"])
        return {}

    def _draft(
        self, caller: Caller, source_arn: str, reference: FunctionReference, options: Options
    ) -> EventSourceMapping:
        """Checked by itself, not yet against what there is."""
        _check_options(options, source_arn)
        now_ms = self._parts.clock.now_ms()
        rules.check_moment(options, now_ms)
        return EventSourceMapping(
            uuid=self._parts.ids.uuid(),
            account_id=caller.account_id,
            region=caller.region,
            source_arn=source_arn,
            function_arn=reference.arn,
            generation=1,
            state=State.CREATING,
            last_result=rules.NO_RECORDS,
            modified_ms=now_ms,
            options=options,
        )

    def _insert(self, tx: Transaction, mapping: EventSourceMapping) -> None:
        """Raises InvalidParameterValue, ResourceConflict."""
        _check_function(tx, mapping.function_arn)
        _check_free(tx, mapping)
        self._parts.begin_reading(tx, mapping)
        mappings.insert_mapping(tx, mapping)

    def _change(
        self,
        tx: Transaction,
        current: EventSourceMapping,
        change: Callable[[EventSourceMapping], EventSourceMapping],
        reference: FunctionReference | None,
    ) -> EventSourceMapping:
        changed = replace(change(current), generation=current.generation + 1, modified_ms=self._parts.clock.now_ms())
        is_moved = reference is not None and changed.function_arn != current.function_arn
        if is_moved:
            _check_function(tx, changed.function_arn)
            _check_free(tx, changed)
        # Timeouts are compared at every update of a mapping, and at none of the function or the queue ("Configuring a
        # queue to use with Lambda", services-sqs-configure.html). What is out of order can still be switched off.
        if event_source_queues.is_queue(changed.source_arn) and (is_moved or changed.state in rules.RUNNING):
            self._parts.begin_reading(tx, changed)
        mappings.update_mapping(tx, changed)
        return changed

    async def _delete(self, caller: Caller, uuid: str) -> EventSourceMapping:
        now_ms = self._parts.clock.now_ms()

        def delete(tx: Transaction) -> EventSourceMapping:
            current = _present(tx, caller, uuid)
            if current.state is State.DELETING:
                raise ResourceInUse("Cannot delete the event source mapping because it is in use.")
            deleted = replace(current, generation=current.generation + 1, state=State.DELETING, modified_ms=now_ms)
            mappings.update_mapping(tx, deleted)
            return deleted

        return await self._database.write(delete)

    async def _list(self, caller: Caller, request: Document) -> tuple[list[EventSourceMapping], str]:
        """A page, and where the next one begins; "" if there is none."""
        limit = min(request.get("MaxItems") or MAX_PAGE, MAX_PAGE)
        function_arn = reference_of(caller, request).arn if request.get("FunctionName") else ""
        found = await self._database.scan(
            lambda tx: mappings.list_mappings(
                tx,
                caller.account_id,
                caller.region,
                source_arn=request.get("EventSourceArn") or "",
                function_arn=function_arn,
                after=request.get("Marker") or "",
                limit=limit + 1,
            )
        )
        return found[:limit], found[limit - 1].uuid if len(found) > limit else ""


def _present(tx: Transaction, caller: Caller, uuid: str) -> EventSourceMapping:
    """Raises ResourceNotFound."""
    found = mappings.find_mapping(tx, uuid)
    if found is None or (found.account_id, found.region) != (caller.account_id, caller.region):
        raise ResourceNotFound("The resource you requested does not exist.")
    return found


def _check_function(tx: Transaction, function_arn: str) -> None:
    """Raises InvalidParameterValue, ResourceNotFound (a version or alias)."""
    reference = names.parse_arn(function_arn)
    if reference is None or store.find_function(tx, names.require_latest(reference)) is None:
        raise InvalidParameterValue("Function does not exist")


def _check_options(options: Options, source_arn: str) -> None:
    """Raises InvalidParameterValue."""
    check = event_source_queues.check_options if event_source_queues.is_queue(source_arn) else rules.check_options
    check(options, source_arn)


def _check_free(tx: Transaction, mapping: EventSourceMapping) -> None:
    """Raises ResourceConflict."""
    other = mappings.find_mapping_of(
        tx, mapping.account_id, mapping.region, source_arn=mapping.source_arn, function_arn=mapping.function_arn
    )
    if other is not None:
        function = names.parse_arn(mapping.function_arn)
        name = function.key.name if function else mapping.function_arn
        both = f'(" {mapping.source_arn} ") and function (" {name} ")'
        is_queue = event_source_queues.is_queue(mapping.source_arn)
        exists = (
            f"An event source mapping with SQS arn {both} already exists."
            if is_queue
            else f"The event source arn {both} provided mapping already exists."
        )
        raise ResourceConflict(f"{exists} Please update or delete the existing mapping with UUID {other.uuid}")
