"""ExecuteTransaction: statements that all read single items, or all write or check (EXISTS), together or not at all."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store
from lambent.services.dynamodb.capacity import TRANSACTION_FACTOR
from lambent.services.dynamodb.errors import TransactionCanceled, ValidationException
from lambent.services.dynamodb.item_store import Written
from lambent.services.dynamodb.keys import Key
from lambent.services.dynamodb.partiql.key_terms import UnfitKey
from lambent.services.dynamodb.partiql.tree import Delete, Select, Update
from lambent.services.dynamodb.partiql_statements import DUPLICATE, Given, describe_item, read_given, single_key
from lambent.services.dynamodb.parts import DynamoParts, Prepared
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.token_store import Token
from lambent.services.dynamodb.transaction_operations import (
    check_read_size,
    claim,
    describe_reads,
    reason_of,
    write_together,
)
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

_NEEDS_KEY = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
_ONE_EACH = "Transaction request cannot include multiple operations on one item"


class PartiQLTransactionOperations:
    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def execute_transaction(self, caller: Caller, request: Request) -> Result:
        given = [_read_statement(number, one) for number, one in enumerate(request["TransactStatements"])]
        kinds = {one.is_read for one in given}
        if len(kinds) > 1:
            raise ValidationException(
                "ExecuteTransaction API does not support both read and write operations in the same request."
            )
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if True in kinds:
            return self._read(caller, given, mode)
        return await self._write(caller, given, _token(caller, request), mode)

    # Reading

    def _read(self, caller: Caller, given: Sequence[Given], mode: str) -> Result:
        selects = [one.body for one in given if isinstance(one.body, Select)]
        wanted: list[tuple[Table, Key]] = []
        for number, (one, select) in enumerate(zip(given, selects, strict=True)):
            table = self._parts.tables.find(caller, select.source.table)
            if table.is_throttled:
                self._parts.throttle.admit(table, is_write=False)
            try:
                wanted.append((table, _key(one, select, table)))
            except ValidationException as error:
                raise _in_statement(number, error) from error
        _check_distinct(wanted)
        found = self._parts.database.read(
            lambda tx: [item_store.find_item(tx, table.table_id, key) for table, key in wanted]
        )
        check_read_size(found)
        result: Result = {
            "Responses": [describe_item(select, item) for select, item in zip(selects, found, strict=True)]
        }
        if mode != "NONE":
            result["ConsumedCapacity"] = describe_reads([table for table, _ in wanted], found, mode)
        return result

    # Writing

    async def _write(self, caller: Caller, given: Sequence[Given], token: Token | None, mode: str) -> Result:
        def prepare() -> list[Prepared]:
            prepared = self._prepare(caller, given)
            _check_distinct([(one.table, one.change.key) for one in prepared])
            return prepared

        def work(tx: Transaction, prepared: Sequence[Prepared], now_ms: int) -> list[Written] | None:
            """None: this very transaction was made before."""
            if token is not None and not claim(tx, token, now_ms):
                return None
            return write_together(tx, prepared, self._parts.replication.replicate, now_ms=now_ms)

        try:
            prepared, written = await self._parts.write_prepared(prepare, work)
        except TransactionCanceled as error:
            raise _with_duplicates(given, error) from error
        result: Result = {"Responses": [{} for _ in given]}
        if written is None:
            return result
        self._parts.charge_writes(prepared, written, factor=TRANSACTION_FACTOR)
        if mode != "NONE":
            tables = [one.table for one in prepared]
            result["ConsumedCapacity"] = capacity.describe_writes(tables, written, mode, factor=TRANSACTION_FACTOR)
        return result

    def _prepare(self, caller: Caller, given: Sequence[Given]) -> list[Prepared]:
        """What does not fit a table's keys cancels the transaction; all else that is wrong refuses the request."""
        prepared: list[Prepared] = []
        reasons: list[dict[str, Any]] = []
        for number, one in enumerate(given):
            table = self._parts.tables.find(caller, one.table_name)
            if table.is_throttled:
                self._parts.throttle.admit(table, is_write=True)
            try:
                change = drafts.change_of(one.draft(table.schema), table, caller.trace)
                prepared.append(Prepared(one.table_name, table, change))
                reasons.append({"Code": "None"})
            except UnfitKey as error:
                reasons.append(reason_of(error))
            except ValidationException as error:
                raise _in_statement(number, error) from error
        if len(prepared) < len(given):
            raise TransactionCanceled(reasons)
        return prepared


def _read_statement(number: int, request: Request) -> Given:
    try:
        given = read_given(request)
    except ValidationException as error:
        raise _in_statement(number, error) from error
    if isinstance(given.body, Update | Delete) and given.body.returning:
        raise _in_statement(number, ValidationException("RETURNING clause is not supported in ExecuteTransaction."))
    return given


def _key(given: Given, select: Select, table: Table) -> Key:
    if select.source.index is not None:
        raise ValidationException("Reads on indices are not supported within transactions.")
    return single_key(given, select, table.schema, _NEEDS_KEY)


def _in_statement(number: int, error: ValidationException) -> ValidationException:
    return ValidationException(f"Validation failed in TransactStatements[{number}]: {error.message}")


def _with_duplicates(given: Sequence[Given], error: TransactionCanceled) -> TransactionCanceled:
    """The condition of an INSERT is that its item is new, and has a reason of its own."""
    reasons = []
    for one, reason in zip(given, error.members["CancellationReasons"], strict=True):
        is_duplicate = one.is_insert and reason["Code"] == "ConditionalCheckFailed"
        reasons.append({**reason, "Code": "DuplicateItem", "Message": DUPLICATE} if is_duplicate else reason)
    return TransactionCanceled(reasons)


def _check_distinct(wanted: Sequence[tuple[Table, Key]]) -> None:
    if len({(table.table_id, key) for table, key in wanted}) < len(wanted):
        raise ValidationException(_ONE_EACH)


def _token(caller: Caller, request: Request) -> Token | None:
    text = request.get("ClientRequestToken")
    if text is None:
        return None
    digest = sha256(orjson.dumps(request["TransactStatements"], option=orjson.OPT_SORT_KEYS)).digest()
    return Token(caller.account_id, caller.region, text, digest)
