"""ExecuteStatement; its siblings are in `partiql_batch_operations` and `partiql_transaction_operations`.

Statements become what the other operations are made of: a SELECT readings as those of Query and Scan, the rest drafts
that end in `item_store`.
"""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import capacity, selections
from lambent.services.dynamodb.errors import ConditionalCheckFailed
from lambent.services.dynamodb.partiql import page_tokens
from lambent.services.dynamodb.partiql.plans import plan_select
from lambent.services.dynamodb.partiql.reading import check_consistency, columns_of, read_branches, readings_of
from lambent.services.dynamodb.partiql.tree import Exists, Select
from lambent.services.dynamodb.partiql.writes import returned_items
from lambent.services.dynamodb.partiql_batch_operations import PartiQLBatchOperations
from lambent.services.dynamodb.partiql_statements import Given, misplaced_exists, read_given, refusal_of
from lambent.services.dynamodb.partiql_transaction_operations import PartiQLTransactionOperations
from lambent.services.dynamodb.parts import DynamoParts

Request = dict[str, Any]
Result = dict[str, Any]


class PartiQLOperations:
    SERVED = frozenset(("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts
        self.batch_execute_statement = PartiQLBatchOperations(parts).batch_execute_statement
        self.execute_transaction = PartiQLTransactionOperations(parts).execute_transaction

    async def execute_statement(self, caller: Caller, request: Request) -> Result:
        given = read_given(request)
        match given.body:
            case Select() as select:
                return await self._select(caller, request, given, select)
            case Exists():
                raise misplaced_exists()
        return await self._write(caller, request, given)

    async def _write(self, caller: Caller, request: Request, given: Given) -> Result:
        draft = given.draft(self._parts.tables.find(caller, given.table_name).schema)
        try:
            table, written = await self._parts.write_one(caller, given.table_name, draft)
        except ConditionalCheckFailed as error:
            raise refusal_of(given, error) from error
        result: Result = {"Items": returned_items(given.statement, written)}
        mode = request.get("ReturnConsumedCapacity", "NONE")
        if mode != "NONE":
            result["ConsumedCapacity"] = capacity.describe(table, capacity.of_write(written), mode)
        return result

    async def _select(self, caller: Caller, request: Request, given: Given, select: Select) -> Result:
        table = self._parts.tables.find(caller, select.source.table)
        index = selections.find_index(table, {"IndexName": select.source.index}) if select.source.index else None
        if index is not None:
            check_consistency(index, is_consistent=given.is_consistent)
        placeholders, columns = given.placeholders(), columns_of(select)
        plan = plan_select(select, table.schema if index is None else index.schema, placeholders)
        readings = readings_of(plan, table, index, columns, placeholders, is_consistent=given.is_consistent)
        now_ms = self._parts.clock.now_ms()
        digest = page_tokens.digest_of(request["Statement"], given.parameters)
        start = page_tokens.read_token(request.get("NextToken"), digest, now_ms=now_ms)
        if table.is_throttled:
            self._parts.throttle.admit(table, is_write=False)
        found = await self._parts.database.scan(lambda tx: read_branches(tx, readings, start, request.get("Limit")))
        self._parts.charge_read(table, found.consumed)
        result: Result = {"Items": [columns.pick(item) for item in found.items] if columns.paths else found.items}
        if found.next_start is not None:
            result["NextToken"] = page_tokens.write_token(found.next_start, digest, now_ms=now_ms)
            result["LastEvaluatedKey"] = found.next_start.key
        mode = request.get("ReturnConsumedCapacity", "NONE")
        result["ConsumedCapacity"] = capacity.describe(table, found.consumed, mode)
        return result
