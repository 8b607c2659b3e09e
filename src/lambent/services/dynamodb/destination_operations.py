"""The operations on a table's destinations: Kinesis Data Streams for DynamoDB."""

import dataclasses
from collections.abc import Callable
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import destinations, table_store
from lambent.services.dynamodb.destinations import Destination, Destinations
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.names import TableKey, read_table_key, table_not_found
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.tables import Table
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

_PRECISION = "ApproximateCreationDateTimePrecision"


class DestinationOperations:
    SERVED = frozenset((
        "EnableKinesisStreamingDestination", "DisableKinesisStreamingDestination",
        "UpdateKinesisStreamingDestination", "DescribeKinesisStreamingDestination",
    ))  # fmt: skip

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def enable_kinesis_streaming_destination(self, caller: Caller, request: Request) -> Result:
        """A stream that cannot be a destination is told by DescribeKinesisStreamingDestination, as at AWS."""
        stream_arn = request["StreamArn"]
        given = request.get("EnableKinesisStreamingConfiguration", {})

        def enable(tx: Transaction, table: Table) -> Destinations:
            failure = self._parts.replication.find_failure(tx, table.key, stream_arn)
            return destinations.enable(table.definition.destinations, stream_arn, given.get(_PRECISION, ""), failure)

        answer = await self._change(caller, request, enable, status="ENABLING")
        return {**answer, "EnableKinesisStreamingConfiguration": given}

    async def disable_kinesis_streaming_destination(self, caller: Caller, request: Request) -> Result:
        if request.get("EnableKinesisStreamingConfiguration"):
            raise ValidationException("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")

        def disable(_tx: Transaction, table: Table) -> Destinations:
            return destinations.disable(table.definition.destinations, request["StreamArn"])

        return await self._change(caller, request, disable, status="DISABLING")

    async def update_kinesis_streaming_destination(self, caller: Caller, request: Request) -> Result:
        given = request.get("UpdateKinesisStreamingConfiguration")
        if not given:
            raise ValidationException(
                "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration "
                "cannot be null or contain only null values"
            )

        def update(_tx: Transaction, table: Table) -> Destinations:
            return destinations.set_precision(
                table.definition.destinations,
                request["StreamArn"],
                given[_PRECISION],
                table_name=table.name,
                table_uuid=table.definition.uuid,
            )

        answer = await self._change(caller, request, update, status="UPDATING")
        return {**answer, "UpdateKinesisStreamingConfiguration": given}

    async def describe_kinesis_streaming_destination(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        table = self._parts.database.read(lambda tx: _find(tx, key))
        described = [_describe(one) for one in table.definition.destinations]
        return {"TableName": table.name, "KinesisDataStreamDestinations": described}

    async def _change(
        self, caller: Caller, request: Request, change: Callable[[Transaction, Table], Destinations], *, status: str
    ) -> Result:
        key, now_ms = _key(caller, request), self._parts.clock.now_ms()

        def write(tx: Transaction) -> None:
            table = _find(tx, key)
            definition = dataclasses.replace(table.definition, destinations=change(tx, table))
            table_store.update_definition(tx, table, definition, now_ms=now_ms)

        await self._parts.database.write(write)
        return {"TableName": key.name, "StreamArn": request["StreamArn"], "DestinationStatus": status}


def _key(caller: Caller, request: Request) -> TableKey:
    return read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)


def _find(tx: Transaction, key: TableKey) -> Table:
    """Raises ResourceNotFound, also of a table that is being filled (ACK's DynamoDB notes, DDB-TABLE-234)."""
    table = table_store.find_table(tx, key)
    if table is None or table.is_filling:
        raise table_not_found(key.name)
    return table


def _describe(destination: Destination) -> Result:
    described: Result = {"StreamArn": destination.stream_arn, "DestinationStatus": destination.status.value}
    if destination.failure:
        described["DestinationStatusDescription"] = destination.failure
    if destination.precision:
        described[_PRECISION] = destination.precision
    return described
