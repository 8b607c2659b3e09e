"""BatchExecuteStatement: up to 25 statements, all reads of single items or all writes, each for itself.

The writes share one commit, as those of BatchWriteItem do; one that is refused has done nothing and stops no other.
"""

from collections.abc import Sequence
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store
from lambent.services.dynamodb.capacity import Consumed
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.partiql.tree import Exists, Select
from lambent.services.dynamodb.partiql.writes import returned_items
from lambent.services.dynamodb.partiql_statements import (
    Given,
    describe_item,
    misplaced_exists,
    read_given,
    refusal_of,
    single_key,
)
from lambent.services.dynamodb.parts import DynamoParts, Prepared
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table
from lambent.wire.errors import ServiceError

Request = dict[str, Any]
Result = dict[str, Any]
#: A statement, or what is wrong with it.
Attempt = Given | ServiceError

_NEEDS_KEY = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."


class PartiQLBatchOperations:
    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def batch_execute_statement(self, caller: Caller, request: Request) -> Result:
        attempts = [_attempt(one) for one in request["Statements"]]
        kinds = {one.is_read for one in attempts if isinstance(one, Given)}
        if len(kinds) > 1:
            raise ValidationException(
                "BatchExecuteStatement API does not support both read and write operations in the same request."
            )
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if True in kinds:
            return self._read(caller, attempts, mode)
        return await self._write(caller, attempts, mode)

    # Reading

    def _read(self, caller: Caller, attempts: Sequence[Attempt], mode: str) -> Result:
        responses: list[Result] = []
        consumed: list[dict[str, Any] | None] = []
        for attempt in attempts:
            if isinstance(attempt, ServiceError):
                responses.append(_describe_error(attempt))
                continue
            assert isinstance(attempt.body, Select), "a batch is all reads or all writes"
            try:
                table, item = self._find(caller, attempt, attempt.body)
            except ServiceError as error:
                responses.append(_describe_error(error))
                continue
            responses.append({"TableName": table.name, **describe_item(attempt.body, item)})
            size = item.size if item is not None else 0
            units = Consumed(capacity.read_units(size, is_consistent=attempt.is_consistent))
            self._parts.charge_read(table, units)
            consumed.append(capacity.describe(table, units, mode))
        return _result(responses, consumed, mode)

    def _find(self, caller: Caller, given: Given, select: Select) -> tuple[Table, StoredItem | None]:
        table = self._parts.tables.find(caller, select.source.table)
        if select.source.index is not None:
            raise ValidationException(_NEEDS_KEY)
        key = single_key(given, select, table.schema, _NEEDS_KEY)
        if table.is_throttled:
            self._parts.throttle.admit(table, is_write=False)
        return table, self._parts.database.read(lambda tx: item_store.find_item(tx, table.table_id, key))

    # Writing

    async def _write(self, caller: Caller, attempts: Sequence[Attempt], mode: str) -> Result:
        outcomes: list[Prepared | ServiceError] = []

        def prepare() -> list[Prepared]:
            outcomes[:] = [self._prepare(caller, attempt) for attempt in attempts]
            return [outcome for outcome in outcomes if isinstance(outcome, Prepared)]

        prepared, ends = await self._parts.write_each(prepare)
        done = [(one, end) for one, end in zip(prepared, ends, strict=True) if isinstance(end, Written)]
        self._parts.charge_writes([one for one, _ in done], [end for _, end in done])
        consumed = capacity.describe_writes([one.table for one, _ in done], [end for _, end in done], mode)
        left = iter(ends)
        responses = [
            _describe_write(attempt, outcome, next(left) if isinstance(outcome, Prepared) else outcome)
            for attempt, outcome in zip(attempts, outcomes, strict=True)
        ]
        return _result(responses, consumed, mode)

    def _prepare(self, caller: Caller, attempt: Attempt) -> Prepared | ServiceError:
        if isinstance(attempt, ServiceError):
            return attempt
        if isinstance(attempt.body, Exists):
            return misplaced_exists()
        try:
            table = self._parts.tables.find(caller, attempt.table_name)
            change = drafts.change_of(attempt.draft(table.schema), table, caller.trace)
            if table.is_throttled:
                self._parts.throttle.admit(table, is_write=True)
        except ServiceError as error:
            return error
        return Prepared(attempt.table_name, table, change)


def _attempt(request: Request) -> Attempt:
    try:
        return read_given(request)
    except ServiceError as error:
        return error


def _describe_write(attempt: Attempt, outcome: Prepared | ServiceError, end: Written | ServiceError) -> Result:
    named = {"TableName": outcome.table.name} if isinstance(outcome, Prepared) else {}
    if isinstance(end, ServiceError):
        error = refusal_of(attempt, end) if isinstance(attempt, Given) else end
        return {**_describe_error(error), **named}
    assert isinstance(attempt, Given), "only what could be read was written"
    returned = returned_items(attempt.statement, end)
    return {**named, "Item": returned[0]} if returned else named


def _describe_error(error: ServiceError) -> Result:
    """BatchStatementError: its codes are those of errors, cut short."""
    code = "ValidationError" if error.code == "ValidationException" else error.code.removesuffix("Exception")
    return {"Error": {"Code": code, "Message": error.message, **error.members}}


def _result(responses: list[Result], consumed: Sequence[dict[str, Any] | None], mode: str) -> Result:
    result: Result = {"Responses": responses}
    if mode != "NONE":
        result["ConsumedCapacity"] = consumed
    return result
