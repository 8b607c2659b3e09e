"""Rules about tables: names, definitions and what changing them leaves to do, expiry, capacity."""

import dataclasses

import pytest

from lambent.services.dynamodb import capacity, chores, table_definitions, table_documents
from lambent.services.dynamodb.chores import ChoreKind
from lambent.services.dynamodb.errors import ResourceNotFound, ValidationException
from lambent.services.dynamodb.expiry import expiry_of
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey, key_of_arn, read_table_key
from lambent.services.dynamodb.stream_labels import label_of
from lambent.services.dynamodb.tables import Definition, Index, IndexStatus, Projection, Table

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/games"
KEY = TableKey("000000000000", "us-east-1", "games")


def define(**request: object) -> Definition:
    given = {
        "TableName": "games",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        **request,
    }
    return table_definitions.define(given, uuid="id", now_ms=1_000)


@pytest.mark.parametrize("text", ["games", ARN])
def test_a_table_is_named_or_given_by_its_arn(text: str) -> None:
    assert read_table_key(text, account_id="000000000000", region="us-east-1") == KEY


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("ab", ValidationException),
        ("x" * 256, ValidationException),
        ("a/b/c", ValidationException),
        ("", ValidationException),
        ("arn:aws:s3:::bucket", ValidationException),
        (ARN.replace("us-east-1", "eu-west-1"), ResourceNotFound),
        (ARN.replace("000000000000", "111111111111"), ResourceNotFound),
    ],
)
def test_names_that_are_none(text: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read_table_key(text, account_id="000000000000", region="us-east-1")


def test_an_arn_of_something_in_a_table_leads_to_the_table() -> None:
    assert key_of_arn(f"{ARN}/index/by-score") == KEY
    assert key_of_arn(f"{ARN}/stream/2026-01-01T00:00:00.000") == KEY
    assert key_of_arn("arn:aws:dynamodb:us-east-1:000000000000:backup/games") is None
    assert key_of_arn("games") is None


def test_a_definition_is_the_same_after_it_was_stored() -> None:
    definition = define(
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "index",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]},
                "OnDemandThroughput": {"MaxReadRequestUnits": 5},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        Tags=[{"Key": "a", "Value": "b"}],
        SSESpecification={"Enabled": True},
    )
    assert table_documents.load(table_documents.dump(definition)) == definition


def test_what_a_table_knows_of_itself() -> None:
    index = Index(7, "i", KeySchema("g", "S"), is_global=True, projection=Projection.ALL)
    gone = dataclasses.replace(index, name="gone", status=IndexStatus.DELETING)
    definition = dataclasses.replace(define(), indexes=(index, gone), stream_label="2026")
    table = Table(1, 1, KEY, definition)
    assert table.arn == ARN
    assert table.indexes == (index,)
    assert table.stream_arn == f"{ARN}/stream/2026"
    assert table.index("gone") == gone
    assert table.index("absent") is None


def test_changes_leave_chores() -> None:
    index = Index(7, "i", KeySchema("g", "S"), is_global=True, projection=Projection.ALL)
    creating = dataclasses.replace(index, index_id=8, status=IndexStatus.CREATING)
    deleting = dataclasses.replace(index, status=IndexStatus.DELETING)
    before = dataclasses.replace(define(), indexes=(index,))

    def left(**changes: object) -> list[tuple[ChoreKind, int]]:
        return list(chores.caused_by(before, dataclasses.replace(before, **changes)))  # type: ignore[arg-type]  # fields of a definition

    assert left(is_protected=True) == []
    assert left(indexes=(index, creating)) == [(ChoreKind.FILL_INDEX, 8)]
    assert left(indexes=(deleting,)) == [(ChoreKind.EMPTY_INDEX, 7)]
    assert left(ttl_attribute="until") == [(ChoreKind.NOTE_EXPIRY, 0)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ({"N": "1750000000"}, 1_750_000_000),
        ({"N": "1750000000.9"}, 1_750_000_000),
        ({"N": "1.75E+9"}, 1_750_000_000),
        ({"N": "0"}, None),
        ({"N": "-5"}, None),
        ({"N": "9.9E+125"}, None),
        ({"S": "1750000000"}, None),
        ({"NULL": True}, None),
    ],
)
def test_expiry(value: dict[str, object], seconds: int | None) -> None:
    assert expiry_of({"until": value}, "until") == seconds
    assert expiry_of({"other": value}, "until") is None


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (8192, 2), (409_600, 100)])
def test_read_units(size: int, units: int) -> None:
    assert capacity.read_units(size, is_consistent=True) == units
    assert capacity.read_units(size, is_consistent=False) == units / 2


@pytest.mark.parametrize(("sizes", "units"), [((0,), 1), ((1024, 0), 1), ((10, 1025), 2), ((409_600, 1), 400)])
def test_write_units(sizes: tuple[int, ...], units: int) -> None:
    assert capacity.write_units(*sizes) == units


def test_stream_labels() -> None:
    assert label_of(1_431_379_293_091) == "2015-05-11T21:21:33.091"
