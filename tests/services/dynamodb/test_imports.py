"""Imports from S3 through boto3: what becomes of files, and what is said of an import."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import fresh
from lambent.services.dynamodb import importer
from lambent.services.dynamodb.importer import Importer, Source
from lambent.services.dynamodb.imports import Import
from lambent.storage.errors import StorageFull
from platform_process import PlatformProcess
from services.dynamodb.refusals import refusal
from services.dynamodb.world import world

KEYS = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def s3(platform: PlatformProcess) -> Any:
    return platform.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = fresh.name("imports")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def name() -> str:
    """Of a table to make."""
    return fresh.name("imported")


def begin(dynamodb: Any, bucket: str, name: str, prefix: str = "", **options: Any) -> dict[str, Any]:
    parameters = {**KEYS, "TableName": name, **options.pop("table", {})}
    request = {"InputFormat": "DYNAMODB_JSON", "TableCreationParameters": parameters, **options}
    source = {"S3Bucket": bucket, **({"S3KeyPrefix": prefix} if prefix else {})}
    begun: dict[str, Any] = dynamodb.import_table(S3BucketSource=source, **request)["ImportTableDescription"]
    assert begun["ImportStatus"] == "IN_PROGRESS"
    return begun


def finish(dynamodb: Any, begun: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        found: dict[str, Any] = dynamodb.describe_import(ImportArn=begun["ImportArn"])["ImportTableDescription"]
        if found["ImportStatus"] != "IN_PROGRESS":
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def counts(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["ProcessedItemCount"], found["ImportedItemCount"], found["ErrorCount"]


def line(pk: str, **attributes: Any) -> bytes:
    return json.dumps({"Item": {"pk": {"S": pk}, **attributes}}).encode() + b"\n"


def test_an_export_comes_back(dynamodb: Any, s3: Any, bucket: str, name: str) -> None:
    dynamodb.create_table(TableName=f"{name}-source", **KEYS)
    enabled = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=f"{name}-source", PointInTimeRecoverySpecification=enabled)
    items = [
        {
            "pk": {"S": f"{number:03d}"},
            "g": {"S": str(number % 3)},
            "b": {"B": bytes([number])},
            "l": {"L": [{"NULL": True}]},
        }
        for number in range(50)
    ]
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": f"{name}-source", "Item": item}} for item in items]
    )
    arn = dynamodb.describe_table(TableName=f"{name}-source")["Table"]["TableArn"]
    exported = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket)["ExportDescription"]
    while exported["ExportStatus"] == "IN_PROGRESS":
        exported = dynamodb.describe_export(ExportArn=exported["ExportArn"])["ExportDescription"]
    data = exported["ExportManifest"].replace("manifest-summary.json", "data/")
    index = {
        "IndexName": "index",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [*KEYS["AttributeDefinitions"], {"AttributeName": "g", "AttributeType": "S"}]
    table = {"GlobalSecondaryIndexes": [index], "AttributeDefinitions": attributes}
    found = finish(dynamodb, begin(dynamodb, bucket, name, data, InputCompressionType="GZIP", table=table))
    assert found["ImportStatus"] == "COMPLETED", found
    assert counts(found) == (50, 50, 0)
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert (described["ItemCount"], described["TableId"]) == (50, found["TableId"])
    assert sorted(dynamodb.scan(TableName=name)["Items"], key=lambda item: str(item["pk"]["S"])) == items
    assert dynamodb.scan(TableName=name, IndexName="index")["Count"] == 50
    dynamodb.put_item(TableName=name, Item=items[0])


def test_what_is_no_item_is_counted(dynamodb: Any, s3: Any, bucket: str, name: str) -> None:
    s3.put_object(Bucket=bucket, Key="data/1", Body=line("a") + line("b", n={"N": "x"}) + line("c"))
    s3.put_object(Bucket=bucket, Key="data/2", Body=b'{"Item": {"other": {"S": "a"}}}\n' + line("a", n={"N": "2"}))
    s3.put_object(Bucket=bucket, Key="data2", Body=line("d") + b"garbage\n" + line("never read"))
    s3.put_object(Bucket=bucket, Key="other", Body=line("not meant"))
    found = finish(dynamodb, begin(dynamodb, bucket, name, "data"))
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "ItemValidationError")
    assert "item 2 of data/1" in found["FailureMessage"]
    assert counts(found) == (7, 4, 3)
    items = dynamodb.scan(TableName=name)["Items"]
    assert sorted(item["pk"]["S"] for item in items) == ["a", "c", "d"]
    assert {"pk": {"S": "a"}, "n": {"N": "2"}} in items


def test_csv(dynamodb: Any, s3: Any, bucket: str, name: str) -> None:
    s3.put_object(Bucket=bucket, Key="games.csv", Body=b'pk;n;text\r\na;07;"x\ny"\r\nb;;z\r\n')
    definitions = [*KEYS["AttributeDefinitions"], {"AttributeName": "n", "AttributeType": "N"}]
    options: dict[str, Any] = {"InputFormat": "CSV", "InputFormatOptions": {"Csv": {"Delimiter": ";"}}}
    index = {
        "IndexName": "index",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = {"GlobalSecondaryIndexes": [index], "AttributeDefinitions": definitions}
    found = finish(dynamodb, begin(dynamodb, bucket, name, table=table, **options))
    assert found["ImportStatus"] == "COMPLETED"
    assert found["InputFormatOptions"] == options["InputFormatOptions"]
    items = sorted(dynamodb.scan(TableName=name)["Items"], key=lambda item: str(item["pk"]))
    assert items == [
        {"pk": {"S": "a"}, "n": {"N": "7"}, "text": {"S": "x\ny"}},
        {"pk": {"S": "b"}, "text": {"S": "z"}},
    ]


def test_an_empty_source_and_none(dynamodb: Any, bucket: str, name: str) -> None:
    found = finish(dynamodb, begin(dynamodb, bucket, name, "nothing-here"))
    assert found["ImportStatus"] == "COMPLETED"
    assert dynamodb.describe_table(TableName=name)["Table"]["ItemCount"] == 0
    failed = finish(dynamodb, begin(dynamodb, "no-such-bucket", f"{name}-2"))
    assert (failed["ImportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert refusal(dynamodb.describe_table, TableName=f"{name}-2")[0] == "ResourceNotFoundException"


def test_imports_are_listed_and_begun_once(dynamodb: Any, bucket: str, name: str) -> None:
    first = begin(dynamodb, bucket, name, ClientToken=f"token-{name}")
    source = {"S3Bucket": bucket, "S3KeyPrefix": "ignored"}
    request = {"S3BucketSource": source, "InputFormat": "CSV", "ClientToken": f"token-{name}"}
    again = dynamodb.import_table(**request, TableCreationParameters={**KEYS, "TableName": name})
    assert again["ImportTableDescription"]["ImportArn"] == first["ImportArn"]
    other = {**KEYS, "TableName": f"{name}-other"}
    assert refusal(dynamodb.import_table, **request, TableCreationParameters=other)[0] == "ImportConflictException"
    finish(dynamodb, first)
    with pytest.raises(ClientError, match=f"Table already exists: {name}"):
        begin(dynamodb, bucket, name)
    dynamodb.delete_table(TableName=name)
    second = finish(dynamodb, begin(dynamodb, bucket, name))
    pages = [dynamodb.list_imports(TableArn=first["TableArn"], PageSize=1)]
    pages.append(dynamodb.list_imports(TableArn=first["TableArn"], PageSize=1, NextToken=pages[0]["NextToken"]))
    assert "NextToken" not in pages[1]
    listed = [one["ImportArn"] for page in pages for one in page["ImportSummaryList"]]
    assert listed == [second["ImportArn"], first["ImportArn"]]


def test_what_is_refused_of_imports(dynamodb: Any, bucket: str, name: str) -> None:
    def refused(**options: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            begin(dynamodb, bucket, name, **options)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    assert refused(InputFormatOptions={"Csv": {"Delimiter": ";"}}) == (
        "ValidationException",
        "Invalid Request: Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.",
    )
    for unsupported in ({"InputFormat": "ION"}, {"InputCompressionType": "ZSTD"}):
        assert refused(**unsupported)[0] == "ValidationException"
    assert "ReadCapacityUnits and WriteCapacityUnits" in refused(table={"BillingMode": "PROVISIONED"})[1]
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    assert refusal(dynamodb.describe_import, ImportArn=arn) == ("ValidationException", "Invalid Import ARN")
    absent = f"{arn}/import/01791506414432-3f2e5aa4"
    assert refusal(dynamodb.describe_import, ImportArn=absent)[0] == "ImportNotFoundException"


@pytest.mark.parametrize("fails_after", range(9))
def test_an_import_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_after: int) -> None:
    """No record is read twice, or passed over, wherever it breaks off."""
    monkeypatch.setattr(importer, "PORTION", 3)
    objects = {"a": b"".join(line(f"a{number}") for number in range(7)), "b": line("b0") + line("b0") + line("b1")}
    read = 0

    async def list_keys(_: Import, after: str) -> list[str]:
        return sorted(key for key in objects if key > after)[:1]

    async def pieces(content: bytes) -> AsyncIterator[bytes]:
        nonlocal read
        for piece in content.splitlines(keepends=True):
            if read == fails_after:
                read += 1
                raise StorageFull("no space left")
            read += 1
            yield piece

    async def read_object(_: Import, key: str) -> AsyncIterator[bytes]:
        return pieces(objects[key])

    async def main() -> None:
        async with world(tmp_path) as it:
            begun = await it.call(
                "import_table",
                S3BucketSource={"S3Bucket": "bucket"},
                InputFormat="DYNAMODB_JSON",
                TableCreationParameters={**KEYS, "TableName": "table"},
            )
            with pytest.raises(StorageFull):
                await Importer(it.database, it.clock, Source(list_keys, read_object)).work_off()
            await Importer(it.database, it.clock, Source(list_keys, read_object)).work_off()
            found = await it.call("describe_import", ImportArn=begun["ImportTableDescription"]["ImportArn"])
            assert counts(found["ImportTableDescription"]) == (10, 10, 0)
            assert await it.pks() == [*(f"a{number}" for number in range(7)), "b0", "b1"]
            await it.call("delete_table", TableName="table")
            await it.clock.advance(91 * 86_400)
            await it.backups.forget()
            assert it.rows("SELECT 1 FROM dynamodb_import") == []

    asyncio.run(main())


def test_gzip_is_read(dynamodb: Any, s3: Any, bucket: str, name: str) -> None:
    s3.put_object(Bucket=bucket, Key="data.gz", Body=gzip.compress(line("a") + line("b")))
    assert counts(finish(dynamodb, begin(dynamodb, bucket, name, InputCompressionType="GZIP"))) == (2, 2, 0)
    failed = finish(dynamodb, begin(dynamodb, bucket, f"{name}-2"))
    assert (failed["ImportStatus"], counts(failed)) == ("FAILED", (1, 0, 1))
