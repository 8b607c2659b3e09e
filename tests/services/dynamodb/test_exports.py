"""Exports to S3 through boto3: the files in the bucket, and what is said of an export."""

import asyncio
import base64
import gzip
import hashlib
import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import fresh
from lambent.services.dynamodb import exporter
from lambent.services.dynamodb.exporter import ExportedObject, Exporter
from lambent.storage.errors import StorageFull
from platform_process import PlatformProcess
from services.dynamodb.conftest import MakeTable
from services.dynamodb.refusals import refusal
from services.dynamodb.world import world

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def s3(platform: PlatformProcess) -> Any:
    return platform.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = fresh.name("exports")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def table(dynamodb: Any, make_table: MakeTable) -> str:
    """Its ARN; point in time recovery is enabled."""
    name = make_table("pk:S")
    enabled = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=enabled)
    return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}"


def export(dynamodb: Any, **request: Any) -> dict[str, Any]:
    """The description of one that has ended."""
    begun = dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS"
    deadline = time.monotonic() + 20
    while True:
        found: dict[str, Any] = dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]
        if found["ExportStatus"] != "IN_PROGRESS":
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read(s3: Any, bucket: str, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def test_what_is_in_the_bucket(dynamodb: Any, s3: Any, bucket: str, table: str) -> None:
    items = [{"pk": {"S": f"item-{number}"}, "b": {"B": b"\x00\xff"}, "n": {"N": "1.5"}} for number in range(60)]
    for first in range(0, 60, 20):
        puts = [{"Put": {"TableName": table, "Item": item}} for item in items[first : first + 20]]
        dynamodb.transact_write_items(TransactItems=puts)
    time.sleep(0.01)
    moment = datetime.now(UTC)
    time.sleep(0.01)
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "item-0"}})
    found = export(dynamodb, TableArn=table, S3Bucket=bucket, S3Prefix="folder", ExportTime=moment)

    label = found["ExportArn"].rpartition("/export/")[2]
    folder = f"folder/AWSDynamoDB/{label}"
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert found["ExportStatus"] == "COMPLETED"
    assert found["ExportManifest"] == f"{folder}/manifest-summary.json"
    assert found["ItemCount"] == 60
    assert found["TableId"] == described["TableId"]
    assert abs(found["ExportTime"] - moment) < timedelta(milliseconds=1)

    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    [data_key] = [key for key in keys if key.startswith(f"{folder}/data/")]
    assert data_key.endswith(".json.gz")
    names = ("_started", "manifest-files.json", "manifest-files.md5", "manifest-summary.json", "manifest-summary.md5")
    assert sorted(keys) == sorted([data_key, *(f"{folder}/{name}" for name in names)])

    summary = json.loads(read(s3, bucket, found["ExportManifest"]))
    assert summary["version"] == "2020-06-30"
    assert summary["exportArn"] == found["ExportArn"]
    assert summary["tableArn"] == table
    assert summary["itemCount"] == 60
    assert summary["billedSizeBytes"] == found["BilledSizeBytes"] > described["TableSizeBytes"]
    assert summary["outputFormat"] == "DYNAMODB_JSON"
    [file] = map(json.loads, read(s3, bucket, summary["manifestFilesS3Key"]).splitlines())
    data = read(s3, bucket, data_key)
    assert file == {
        "itemCount": 60,
        "md5Checksum": md5(data),
        "etag": s3.head_object(Bucket=bucket, Key=data_key)["ETag"].strip('"'),
        "dataFileS3Key": data_key,
    }
    for name in ("manifest-files", "manifest-summary"):
        content = read(s3, bucket, f"{folder}/{name}.json")
        assert read(s3, bucket, f"{folder}/{name}.md5").decode() == md5(content)
    lines = [json.loads(line)["Item"] for line in gzip.decompress(data).splitlines()]
    expected = [{**item, "b": {"B": "AP8="}} for item in items]
    assert sorted(lines, key=lambda item: str(item["pk"]["S"])) == sorted(expected, key=lambda item: str(item["pk"]))


def test_an_empty_table_has_an_empty_file(dynamodb: Any, s3: Any, bucket: str, table: str) -> None:
    found = export(dynamodb, TableArn=table, S3Bucket=bucket)
    assert found["ItemCount"] == found["BilledSizeBytes"] == 0
    assert found["ExportManifest"].startswith("AWSDynamoDB/")
    [key] = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"] if "/data/" in one["Key"]]
    assert gzip.decompress(read(s3, bucket, key)) == b""


def test_what_s3_refuses_ends_the_export(dynamodb: Any, bucket: str, table: str) -> None:
    failed = export(dynamodb, TableArn=table, S3Bucket="no-such-bucket")
    assert (failed["ExportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert "ExportManifest" not in failed
    failed = export(dynamodb, TableArn=table, S3Bucket=bucket, S3BucketOwner="111111111111")
    assert (failed["ExportStatus"], failed["FailureCode"]) == ("FAILED", "S3AccessDenied")


def test_a_token_begins_one_export(dynamodb: Any, bucket: str, table: str) -> None:
    request: dict[str, Any] = {"TableArn": table, "S3Bucket": bucket, "ClientToken": f"token-{bucket}"}
    first = export(dynamodb, **request)
    again = dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]
    assert again == first
    assert refusal(dynamodb.export_table_to_point_in_time, **request, S3Prefix="other") == (
        "ExportConflictException",
        "Export conflict: Duplicate request detected with conflicting parameters",
    )
    other = export(dynamodb, TableArn=table, S3Bucket=bucket)
    third = export(dynamodb, TableArn=table, S3Bucket=bucket)
    arns = [one["ExportArn"] for one in (third, other, first)]
    pages = []
    request = {"TableArn": table, "MaxResults": 2}
    while True:
        page = dynamodb.list_exports(**request)
        pages.append([one["ExportArn"] for one in page["ExportSummaries"]])
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert pages == [arns[:2], arns[2:]]
    dynamodb.delete_table(TableName=table)
    assert dynamodb.list_exports(TableArn=table)["ExportSummaries"] == []
    assert dynamodb.describe_export(ExportArn=first["ExportArn"])["ExportDescription"] == first


def test_what_is_refused_of_exports(dynamodb: Any, make_table: MakeTable, bucket: str, table: str) -> None:
    name = make_table("pk:S")
    without = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}"

    def refused(**request: Any) -> tuple[str, str]:
        return refusal(dynamodb.export_table_to_point_in_time, **{"TableArn": table, "S3Bucket": bucket, **request})

    assert refused(TableArn=without) == (
        "PointInTimeRecoveryUnavailableException",
        f"Point in time recovery is not enabled for table '{name}'",
    )
    missing = f"{without}-missing"
    assert refused(TableArn=missing) == ("TableNotFoundException", f"Table not found: {missing}")
    assert refused(TableArn=name) == (
        "ValidationException",
        "One or more parameter values were invalid: tableArn is not a valid ARN",
    )
    assert refused(TableArn=table.replace(ACCOUNT, "111111111111")) == ("AccessDeniedException", "Access is denied")
    for wrong in (datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)):
        assert refused(ExportTime=wrong) == ("InvalidExportTimeException", "Export Time is invalid")
    assert refused(S3SseKmsKeyId="alias/aws/s3")[1] == (
        "Invalid Request: KMS Key Id is not supported for this encryption type"
    )
    for unsupported in ({"ExportFormat": "ION"}, {"ExportType": "INCREMENTAL_EXPORT"}):
        assert refused(**unsupported)[0] == "ValidationException"

    absent = f"{table}/export/01791506414432-3f2e5aa4"
    assert refusal(dynamodb.describe_export, ExportArn=absent) == (
        "ExportNotFoundException",
        f"Export not found: Export not found: {absent}",
    )
    assert refusal(dynamodb.describe_export, ExportArn=table) == ("ValidationException", "Invalid Export ARN")
    assert refusal(dynamodb.list_exports, NextToken="abc")[0] == "ValidationException"


def test_files_are_closed_when_they_are_full_and_written_again_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "FILE_BYTES", 50_000)
    monkeypatch.setattr(exporter, "PORTION", 1)
    bucket: dict[str, bytes] = {}

    async def put(new: ExportedObject) -> str:
        if len(bucket) == 4:
            bucket[""] = b""
            raise StorageFull("no space left")
        bucket[new.key] = new.content
        return "etag"

    async def main() -> None:
        async with world(tmp_path) as it:
            await it.create()
            await it.enable_recovery()
            for number in range(20):
                await it.put(f"{number:02d}", noise={"S": random.randbytes(20_000).hex()})
            arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/table"
            begun = await it.call("export_table_to_point_in_time", TableArn=arn, S3Bucket="bucket")
            await it.upkeep.work_off()
            running = Exporter(it.database, it.clock, put)
            with pytest.raises(StorageFull):
                await running.work_off()
            await running.work_off()
            found = await it.call("describe_export", ExportArn=begun["ExportDescription"]["ExportArn"])
            assert found["ExportDescription"]["ExportStatus"] == "COMPLETED"
            manifest = next(content for key, content in bucket.items() if key.endswith("manifest-files.json"))
            files = [json.loads(line) for line in manifest.splitlines()]
            assert len(files) > 3
            data = b"".join(gzip.decompress(bucket[file["dataFileS3Key"]]) for file in files)
            pks = [json.loads(line)["Item"]["pk"]["S"] for line in data.splitlines()]
            assert sorted(pks) == [f"{number:02d}" for number in range(20)]
            assert {key for key in bucket if "/data/" in key} == {file["dataFileS3Key"] for file in files}
            await it.upkeep.work_off()
            assert len(it.rows("SELECT 1 FROM dynamodb_item")) == 20, "the copy is gone"
            await it.clock.advance(91 * 86_400)
            await it.backups.forget()
            assert it.rows("SELECT 1 FROM dynamodb_export") == []

    asyncio.run(main())
