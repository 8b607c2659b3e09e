"""Exports: how they are named, what is said of them, and what their files in the bucket hold.

Developer Guide, "DynamoDB table export output format": data files of a JSON document a line, compressed, and two
manifests, each with its checksum beside it. What the guide leaves open (the names of checksum files among it), and the
sentences of refusals, are from the ACK project's DynamoDB notes (findings DDB-EXPORT-001 to -020) and from what others
found in their buckets. Next: `exporter`.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import (
    AccessDenied,
    ExportNotFound,
    TableNotFound,
    ValidationException,
    invalid_values,
)
from lambent.services.dynamodb.names import TableKey, key_of_arn, table_arn

Described = dict[str, Any]
Request = dict[str, Any]

#: API Reference, ExportTableToPointInTime: "A client token is valid for 8 hours".
TOKEN_VALID_MS = 8 * 3_600_000
#: API Reference, ListExports and ListImports: "within the past 90 days".
KEPT_MS = 90 * 24 * 3_600_000

_VERSION = "2020-06-30"
_NAME_LENGTH = 26
_matches_label = re.compile(r"\d{14}-[0-9a-f]{8}").fullmatch


class ExportStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ExportKey(NamedTuple):
    table: TableKey
    label: str

    @property
    def arn(self) -> str:
        return f"{table_arn(self.table)}/export/{self.label}"


@frozen
class Failure:
    code: str
    message: str


@frozen
class Export:
    key: ExportKey
    table_uuid: str
    holder_id: int
    """The id under which its items lie until they are written."""
    caller_arn: str
    access_key_id: str
    token: str
    request: Request
    export_ms: int
    """Whose state it has."""
    started_ms: int
    status: ExportStatus = ExportStatus.IN_PROGRESS
    ended_ms: int | None = None
    items: int = 0
    size_bytes: int = 0
    failure: Failure | None = None

    @property
    def bucket(self) -> str:
        name: str = self.request["S3Bucket"]
        return name

    @property
    def folder(self) -> str:
        """Of all its objects, with the slash behind it."""
        prefix = self.request.get("S3Prefix", "")
        return f"{prefix}{'/' if prefix and not prefix.endswith('/') else ''}AWSDynamoDB/{self.key.label}/"

    @property
    def manifest_key(self) -> str:
        return f"{self.folder}manifest-summary.json"


@frozen
class DataFile:
    """One that was written."""

    key: str
    items: int
    md5: bytes
    etag: str


def check_request(request: Request) -> None:
    """Raises ValidationException, also for the kinds of export that are not served."""
    if request.get("ExportType", "FULL_EXPORT") != "FULL_EXPORT":
        raise _invalid("Incremental exports are not supported by Lambent")
    if "IncrementalExportSpecification" in request:
        raise _invalid(
            "Export Type expected to be Incremental Export when incremental export specification is provided"
        )
    if request.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise _invalid("The export format ION is not supported by Lambent")
    if "FilterSpecification" in request:
        raise _invalid("Filters of exports are not supported by Lambent")
    if "S3SseKmsKeyId" in request and request.get("S3SseAlgorithm") != "KMS":
        raise _invalid("KMS Key Id is not supported for this encryption type")


def read_table_arn(text: str, *, account_id: str, region: str) -> TableKey:
    """Raises ValidationException, AccessDenied, TableNotFound (an ARN of another region)."""
    if not text.startswith("arn:"):
        raise invalid_values("tableArn is not a valid ARN")
    key = key_of_arn(text)
    if key is None or text != table_arn(key):
        raise _invalid("Table ARN is invalid.")
    if key.account_id != account_id:
        raise AccessDenied("Access is denied")
    if key.region != region:
        raise TableNotFound(f"Table not found: {text}")
    return key


def read_arn(text: str, *, account_id: str, region: str) -> ExportKey:
    """Raises ValidationException, AccessDenied, ExportNotFound (an ARN of another region)."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise _invalid_arn() from None
    table, label = key_of_arn(text), arn.resource.rpartition("/export/")[2]
    if table is None or not _matches_label(label):
        raise _invalid_arn()
    if table.account_id != account_id:
        raise AccessDenied("Access is denied")
    if table.region != region:
        raise ExportNotFound("Export not found: Invalid export arn")
    return ExportKey(table, label)


def not_found(arn: str) -> ExportNotFound:
    """It is AWS that says it twice."""
    return ExportNotFound(f"Export not found: Export not found: {arn}")


def describe(export: Export) -> Described:
    """ExportDescription."""
    request = export.request
    described: Described = {
        "ExportArn": export.key.arn,
        "ExportStatus": export.status.value,
        "StartTime": export.started_ms / 1000,
        "TableArn": table_arn(export.key.table),
        "TableId": export.table_uuid,
        "ExportTime": export.export_ms / 1000,
        "ClientToken": export.token,
        "S3Bucket": export.bucket,
        "S3SseAlgorithm": request.get("S3SseAlgorithm", "AES256"),
        "ExportFormat": "DYNAMODB_JSON",
        **{name: request[name] for name in ("S3BucketOwner", "S3Prefix", "S3SseKmsKeyId") if name in request},
    }
    if export.ended_ms is not None:
        described["EndTime"] = export.ended_ms / 1000
    if export.failure is not None:
        described |= {"FailureCode": export.failure.code, "FailureMessage": export.failure.message}
    if export.status is ExportStatus.COMPLETED:
        described |= {
            "ExportManifest": export.manifest_key,
            "BilledSizeBytes": export.size_bytes,
            "ItemCount": export.items,
        }
    return described


def describe_summary(export: Export) -> Described:
    """ExportSummary: an entry of ListExports."""
    return {"ExportArn": export.key.arn, "ExportStatus": export.status.value, "ExportType": "FULL_EXPORT"}


# Files


def line_of(encoded: bytes) -> bytes:
    """An item in a data file."""
    return b'{"Item":' + encoded + b"}\n"


def data_key(export: Export, number: int) -> str:
    """The same when the export is written again after a crash, so that no file is left over."""
    digest = hashlib.sha256(f"{export.key.arn}/{number}".encode()).digest()
    return f"{export.folder}data/{base64.b32encode(digest)[:_NAME_LENGTH].decode().lower()}.json.gz"


def manifests(export: Export, files: Sequence[DataFile], *, items: int, size_bytes: int, now_ms: int) -> Described:
    """Key -> content, in the order in which they are to be written."""
    files_key = f"{export.folder}manifest-files.json"
    described = describe(export)
    summary = {
        "version": _VERSION,
        "exportArn": export.key.arn,
        "startTime": _written(export.started_ms),
        "endTime": _written(now_ms),
        "tableArn": described["TableArn"],
        "tableId": export.table_uuid,
        "exportTime": _written(export.export_ms),
        "s3Bucket": export.bucket,
        "s3Prefix": described.get("S3Prefix"),
        "s3SseAlgorithm": described["S3SseAlgorithm"],
        "s3SseKmsKeyId": described.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": files_key,
        "billedSizeBytes": size_bytes,
        "itemCount": items,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    contents = {
        files_key: b"".join(orjson.dumps(_describe_file(one)) + b"\n" for one in files),
        export.manifest_key: orjson.dumps(summary),
    }
    return {
        key: content
        for name, written in contents.items()
        for key, content in ((name.removesuffix("json") + "md5", _checksum(written)), (name, written))
    }


def _describe_file(file: DataFile) -> Described:
    return {
        "itemCount": file.items,
        "md5Checksum": base64.b64encode(file.md5).decode(),
        "etag": file.etag,
        "dataFileS3Key": file.key,
    }


def _checksum(content: bytes) -> bytes:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())


def _written(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"


def _invalid(reason: str) -> ValidationException:
    return ValidationException(f"Invalid Request: {reason}")


def _invalid_arn() -> ValidationException:
    return ValidationException("Invalid Export ARN")
