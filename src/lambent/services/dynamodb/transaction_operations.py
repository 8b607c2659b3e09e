"""TransactGetItems and TransactWriteItems: all or nothing.

A transaction is one piece of work for the writer, so there is nothing it could conflict with: it sees the state between
two others, asks all conditions, and either everything is stored or nothing. Each action's reason is told, in order.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, drafts, item_store, token_store
from lambent.services.dynamodb.capacity import TRANSACTION_FACTOR, Consumed
from lambent.services.dynamodb.drafts import Draft
from lambent.services.dynamodb.errors import (
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    TransactionCanceled,
    ValidationException,
)
from lambent.services.dynamodb.item_collections import describe_collections
from lambent.services.dynamodb.item_operations import read_projection
from lambent.services.dynamodb.item_store import Write, WriteBatch, Written
from lambent.services.dynamodb.keys import key_of
from lambent.services.dynamodb.parts import DynamoParts, Prepared
from lambent.services.dynamodb.replication import Replicate
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.tables import Table
from lambent.services.dynamodb.token_store import Token
from lambent.services.dynamodb.values import check_item
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]
Reason = dict[str, Any]

#: API Reference, TransactGetItems and TransactWriteItems: "The aggregate size of the items in the transaction cannot
#: exceed 4 MB".
MAX_BYTES = 4 * 1024 * 1024

_DRAFTERS = {
    "ConditionCheck": drafts.draft_check,
    "Put": drafts.draft_put,
    "Delete": drafts.draft_delete,
    "Update": drafts.draft_update,
}
_NO_REASON: Reason = {"Code": "None"}
_ONE_EACH = "Transaction request cannot include multiple operations on one item"


class TransactionOperations:
    SERVED = frozenset(("TransactGetItems", "TransactWriteItems"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    # Reading

    async def transact_get_items(self, caller: Caller, request: Request) -> Result:
        wanted = [one["Get"] for one in request["TransactItems"]]
        projections = [read_projection(one) for one in wanted]
        key_items = [check_item(one["Key"]) for one in wanted]
        tables = [self._parts.tables.find(caller, one["TableName"]) for one in wanted]
        keys = [(table, key_of(key, table.schema)) for table, key in zip(tables, key_items, strict=True)]
        if len({(table.table_id, key) for table, key in keys}) < len(keys):
            raise ValidationException(_ONE_EACH)
        for table in tables:
            if table.is_throttled:
                self._parts.throttle.admit(table, is_write=False)
        found = self._parts.database.read(
            lambda tx: [item_store.find_item(tx, table.table_id, key) for table, key in keys]
        )
        check_read_size(found)
        responses: list[Result] = []
        for item, projection in zip(found, projections, strict=True):
            if item is None:
                responses.append({})
            else:
                responses.append({"Item": item.fragment if projection is None else projection.pick(item.item)})
        result: Result = {"Responses": responses}
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if mode != "NONE":
            result["ConsumedCapacity"] = describe_reads(tables, found, mode)
        return result

    # Writing

    async def transact_write_items(self, caller: Caller, request: Request) -> Result:
        named_drafts = [_read_action(one) for one in request["TransactItems"]]
        token = _token(caller, request)

        def prepare() -> list[Prepared]:
            prepared = self._prepare(caller, named_drafts)
            if len({(one.table.table_id, one.change.key) for one in prepared}) < len(prepared):
                raise ValidationException(_ONE_EACH)
            for one in prepared:
                if one.table.is_throttled:
                    self._parts.throttle.admit(one.table, is_write=True)
            return prepared

        def work(tx: Transaction, prepared: Sequence[Prepared], now_ms: int) -> list[Written] | None:
            """None: this very transaction was made before."""
            if token is not None and not claim(tx, token, now_ms):
                return None
            return write_together(tx, prepared, self._parts.replication.replicate, now_ms=now_ms)

        prepared, written = await self._parts.write_prepared(prepare, work)
        result: Result = {}
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if written is not None:
            self._parts.charge_writes(prepared, written, factor=TRANSACTION_FACTOR)
        if mode != "NONE":
            result["ConsumedCapacity"] = self._describe_writes(prepared, written, mode)
        if request.get("ReturnItemCollectionMetrics") == "SIZE":
            result["ItemCollectionMetrics"] = self._parts.database.read(
                lambda tx: describe_collections(tx, [(one.table, one.change.key_item) for one in prepared])
            )
        return result

    def _prepare(self, caller: Caller, named_drafts: Sequence[tuple[str, Draft]]) -> list[Prepared]:
        """A key that does not fit its table cancels the transaction, like everything that is wrong with one item."""
        tables = [self._parts.tables.find(caller, name) for name, _ in named_drafts]
        prepared: list[Prepared] = []
        reasons: list[Reason] = []
        for (name, draft), table in zip(named_drafts, tables, strict=True):
            try:
                prepared.append(Prepared(name, table, drafts.change_of(draft, table, caller.trace)))
                reasons.append(_NO_REASON)
            except ValidationException as error:
                reasons.append(reason_of(error))
        if len(prepared) < len(named_drafts):
            raise TransactionCanceled(reasons)
        return prepared

    def _describe_writes(
        self, prepared: Sequence[Prepared], written: Sequence[Written] | None, mode: str
    ) -> list[dict[str, Any]]:
        """Of a transaction that was made before, AWS charges the reads that found this out."""
        tables = [one.table for one in prepared]
        if written is not None:
            return capacity.describe_writes(tables, written, mode, factor=TRANSACTION_FACTOR)
        found = self._parts.database.read(
            lambda tx: [item_store.find_item(tx, one.table.table_id, one.change.key) for one in prepared]
        )
        return describe_reads(tables, found, mode)


def write_together(
    tx: Transaction, prepared: Sequence[Prepared], replicate: Replicate, *, now_ms: int
) -> list[Written]:
    """All of them, or TransactionCanceled with a reason for each; PartiQL's transactions end here as well.

    Raises ValidationException when their items are too large together.
    """
    written: list[Written] = []
    reasons: list[Reason] = []
    writes = [Write(one.table, one.change, now_ms) for one in prepared]
    batch = WriteBatch(tx, writes, replicate)
    for write in writes:
        batch.check_table(write.table)
    for write in writes:
        try:
            written.append(batch.perform(write))
            reasons.append(_NO_REASON)
        except (ConditionalCheckFailed, ValidationException) as error:
            reasons.append(reason_of(error))
    if len(written) < len(prepared):
        raise TransactionCanceled(reasons)
    _check_written_size(written)
    batch.store()
    return written


def check_read_size(found: Sequence[StoredItem | None]) -> None:
    """Raises ValidationException."""
    if sum(item.size for item in found if item is not None) > MAX_BYTES:
        raise ValidationException("The aggregate size of the items in the transaction exceeds the limit of 4 MB")


def _check_written_size(written: Sequence[Written]) -> None:
    """Raises ValidationException; it is AWS that says it twice."""
    items = [one.new or one.old for one in written]
    size = sum(item.size for item in items if item is not None)
    if size > MAX_BYTES:
        limit = "Transaction payload size cannot exceed 4MB. Payload Size: "
        raise ValidationException(f"{limit}: {limit}{size}")


def reason_of(error: ConditionalCheckFailed | ValidationException) -> Reason:
    """CancellationReasons (API Reference, TransactWriteItems)."""
    code = "ConditionalCheckFailed" if isinstance(error, ConditionalCheckFailed) else "ValidationError"
    return {"Code": code, "Message": error.message, **error.members}


def _read_action(action: Mapping[str, Any]) -> tuple[str, Draft]:
    if len(action) != 1:
        raise ValidationException("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, request),) = action.items()
    return request["TableName"], _DRAFTERS[kind](request)


def _token(caller: Caller, request: Request) -> Token | None:
    text = request.get("ClientRequestToken")
    if text is None:
        return None
    digest = sha256(orjson.dumps(request["TransactItems"], option=orjson.OPT_SORT_KEYS)).digest()
    return Token(caller.account_id, caller.region, text, digest)


def claim(tx: Transaction, token: Token, now_ms: int) -> bool:
    """False if the same request came with it before. Raises IdempotentParameterMismatch."""
    known = token_store.claim_token(tx, token, now_ms=now_ms)
    if known is None:
        return True
    if known != token.digest:
        raise IdempotentParameterMismatch(
            "DynamoDB rejected the request because you retried a request with a different payload but with an "
            "idempotent token that was already used."
        )
    return False


def describe_reads(tables: Sequence[Table], found: Sequence[StoredItem | None], mode: str) -> list[dict[str, Any]]:
    by_table: dict[int, tuple[Table, Consumed]] = {}
    for table, item in zip(tables, found, strict=True):
        _, consumed = by_table.setdefault(table.table_id, (table, Consumed()))
        size = item.size if item is not None else 0
        consumed.table += capacity.read_units(size, is_consistent=True) * TRANSACTION_FACTOR
    described = (capacity.describe(table, consumed, mode, is_write=False) for table, consumed in by_table.values())
    return [one for one in described if one is not None]
