"""Destinations of a table: what may become of them, and what a record in one says."""

from typing import Any

import orjson
import pytest

from lambent.services.dynamodb import destinations, replication, table_documents
from lambent.services.dynamodb.destinations import MAX_ENDED, Destination, Destinations, DestinationStatus
from lambent.services.dynamodb.errors import ValidationException
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.sizes import item_size
from lambent.services.dynamodb.stored_items import StoredItem
from lambent.services.dynamodb.streams import ItemChange
from lambent.services.dynamodb.tables import Definition, Table
from lambent.services.dynamodb.values import Item

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
OTHER = f"{ARN}-other"
ACTIVE = Destination(ARN, DestinationStatus.ACTIVE)
DISABLED = Destination(ARN, DestinationStatus.DISABLED)
FAILED = Destination(ARN, DestinationStatus.ENABLE_FAILED, failure="no such stream")
PRECISE = Destination(ARN, DestinationStatus.ACTIVE, "MICROSECOND")

NOT_VALID = "Table is not in a valid state to enable Kinesis Streaming Destination: "
IS_ENABLED = (
    f"{NOT_VALID}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
)
NOT_ACTIVE = f"{NOT_VALID}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
NOT_UPDATED = (
    f"{NOT_VALID}Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
    f"TableName: games, kdsArn: {ARN}"
)
SAME = "Invalid Request: Precision is already set to the desired value of {} for tableId: u, kdsArn: " + ARN


def set_precision(there: Destinations, precision: str) -> Destinations:
    return destinations.set_precision(there, ARN, precision, table_name="games", table_uuid="u")


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(ValidationException) as caught:
        call(*arguments)
    return caught.value.message


@pytest.mark.parametrize(
    ("there", "precision", "failure", "then"),
    [
        ((), "", "", (ACTIVE,)),
        ((), "MICROSECOND", "", (PRECISE,)),
        ((), "", "no such stream", (FAILED,)),
        ((FAILED,), "", "", (ACTIVE,)),
        ((DISABLED,), "", "no such stream", (FAILED,)),
        (
            (Destination(OTHER, DestinationStatus.DISABLED), DISABLED),
            "",
            "",
            (ACTIVE, Destination(OTHER, DestinationStatus.DISABLED)),
        ),
    ],
)
def test_what_is_enabled_stands_first_and_once(
    there: Destinations, precision: str, failure: str, then: Destinations
) -> None:
    assert destinations.enable(there, ARN, precision, failure) == then


@pytest.mark.parametrize("arn", [ARN, OTHER])
@pytest.mark.parametrize("failure", ["", "no such stream"])
def test_a_table_has_one_active_destination(arn: str, failure: str) -> None:
    assert refusal(destinations.enable, (DISABLED, ACTIVE), arn, "", failure) == IS_ENABLED


def test_ended_ones_are_remembered_up_to_a_number() -> None:
    there: Destinations = ()
    for number in range(MAX_ENDED + 5):
        there = destinations.enable(there, f"{ARN}{number}", "", "no such stream")
    there = destinations.enable(there, ARN, "", "")
    assert len(there) == MAX_ENDED + 1
    assert [one.stream_arn for one in there[:2]] == [ARN, f"{ARN}{MAX_ENDED + 4}"]


def test_one_that_is_disabled_stays_and_forgets_its_precision() -> None:
    assert destinations.disable((PRECISE,), ARN) == (DISABLED,)
    for there in ((), (DISABLED,), (FAILED,)):
        assert refusal(destinations.disable, there, ARN) == NOT_ACTIVE


def test_precision_changes_while_it_is_active() -> None:
    assert set_precision((ACTIVE,), "MICROSECOND") == (PRECISE,)
    assert set_precision((PRECISE,), "MILLISECOND")[0].precision == "MILLISECOND"
    assert refusal(set_precision, (PRECISE,), "MICROSECOND") == SAME.format("MICROSECOND")
    assert refusal(set_precision, (ACTIVE,), "MILLISECOND") == SAME.format("MILLISECOND"), "as it is if nobody set it"
    assert refusal(set_precision, (DISABLED,), "MICROSECOND") == NOT_UPDATED
    assert refusal(set_precision, (FAILED,), "MICROSECOND") == NOT_UPDATED
    assert refusal(set_precision, (), "MICROSECOND") == (
        f"{NOT_VALID}No streaming destination with streamArn: {ARN} found for table with tableName: games"
    )


def test_a_definition_keeps_them() -> None:
    there = (PRECISE, Destination(OTHER, DestinationStatus.ENABLE_FAILED, failure="no such stream"))
    definition = _table(there).definition
    assert table_documents.load(table_documents.dump(definition)) == definition
    document = orjson.loads(table_documents.dump(definition))
    del document["destinations"]  # as earlier versions have written it
    assert table_documents.load(orjson.dumps(document).decode()).destinations == ()


# Records. Items, members and sizes are those that AWS has written for a table with this key, as people have
# published them (without a precision in 2022, with MICROSECOND in 2024).

KEYS: Item = {"id": {"S": "aaaaaaaaaaa"}, "datetime": {"S": "aaaaaaaaaaa"}}
LONGER: Item = {**KEYS, "ccc": {"S": "sample text"}}


def test_a_record_of_each_kind() -> None:
    table = _table((ACTIVE,))
    inserted = _record(table, _change(None, KEYS))
    assert inserted == (
        '{"awsRegion":"ap-northeast-1","eventID":"e1","eventName":"INSERT","userIdentity":null,'
        '"recordFormat":"application/json","tableName":"games","dynamodb":{"ApproximateCreationDateTime":1656048187922,'
        '"Keys":{"id":{"S":"aaaaaaaaaaa"},"datetime":{"S":"aaaaaaaaaaa"}},'
        '"NewImage":{"id":{"S":"aaaaaaaaaaa"},"datetime":{"S":"aaaaaaaaaaa"}},"SizeBytes":64},'
        '"eventSource":"aws:dynamodb"}'
    )
    modified = orjson.loads(_record(table, _change(KEYS, LONGER)))
    assert modified["eventName"] == "MODIFY"
    assert list(modified["dynamodb"]) == ["ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SizeBytes"]
    assert (modified["dynamodb"]["NewImage"], modified["dynamodb"]["OldImage"]) == (LONGER, KEYS)
    assert modified["dynamodb"]["SizeBytes"] == 110
    removed = orjson.loads(_record(table, _change(LONGER, None)))
    assert removed["eventName"] == "REMOVE"
    assert "NewImage" not in removed["dynamodb"]


def test_what_time_to_live_deletes_says_who_it_was() -> None:
    """As in records for functions: the names begin with small letters."""
    removed = orjson.loads(_record(_table((ACTIVE,)), _change(KEYS, None, is_expiry=True)))
    assert removed["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@pytest.mark.parametrize(
    ("precision", "told"),
    [
        ("", {"ApproximateCreationDateTime": 1_656_048_187_922}),
        (
            "MILLISECOND",
            {
                "ApproximateCreationDateTime": 1_656_048_187_922,
                "ApproximateCreationDateTimePrecision": "MILLISECOND",
            },
        ),
        (
            "MICROSECOND",
            {
                "ApproximateCreationDateTime": 1_656_048_187_923_456,
                "ApproximateCreationDateTimePrecision": "MICROSECOND",
            },
        ),
    ],
)
def test_when_it_was(precision: str, told: dict[str, Any]) -> None:
    table = _table((Destination(ARN, DestinationStatus.ACTIVE, precision),))
    body = orjson.loads(_record(table, _change(None, KEYS)))["dynamodb"]
    assert {name: value for name, value in body.items() if name.startswith("Approximate")} == told


def test_records_of_an_item_have_one_partition_key() -> None:
    keys = [replication.partition_key_of({"id": {"S": text}}) for text in ("a", "a", "b")]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == 32 and key == key.upper() and int(key, 16) for key in keys)


def _table(there: Destinations) -> Table:
    schema = KeySchema("id", "S", "datetime", "S")
    attributes = (("id", "S"), ("datetime", "S"))
    definition = Definition(uuid="u", created_ms=0, attributes=attributes, schema=schema, destinations=there)
    return Table(1, 1, TableKey("000000000000", "ap-northeast-1", "games"), definition)


def _change(old: Item | None, new: Item | None, *, is_expiry: bool = False) -> ItemChange:
    return ItemChange(b"", KEYS, _stored(old), _stored(new), 1_656_048_187_922, is_expiry)


def _stored(item: Item | None) -> StoredItem | None:
    return None if item is None else StoredItem(orjson.dumps(item), item_size(item), item)


def _record(table: Table, change: ItemChange) -> str:
    return replication.record_of(table, change, event_id="e1", now=1_656_048_187.923456).decode()
