"""Imports: how they are named, what they accept, and what is said of them.

The sentences and what a failed import leaves behind are from the ACK project's DynamoDB notes (findings DDB-IMPORT-001
to -020). Next: `importer`.
"""

import re
from enum import StrEnum
from typing import Any, NamedTuple

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import AccessDenied, ImportNotFound, ValidationException
from lambent.services.dynamodb.names import TableKey, key_of_arn, table_arn

Described = dict[str, Any]
Request = dict[str, Any]

#: API Reference, ImportTable: "A client token is valid for 8 hours".
TOKEN_VALID_MS = 8 * 3_600_000

#: The model: a NextToken is groups of 16 hexadecimal digits, at least seven.
_TOKEN_GROUP = 16
_TOKEN_LENGTH = 112
_matches_label = re.compile(r"\d{14}-[0-9a-f]{8}").fullmatch


class ImportStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ImportKey(NamedTuple):
    table: TableKey
    label: str

    @property
    def arn(self) -> str:
        return f"{table_arn(self.table)}/import/{self.label}"


@frozen
class Progress:
    """How far an import has come."""

    after_key: str = ""
    """The last object that was read to its end."""
    reading_key: str = ""
    """The next one, once it was begun."""
    records: int = 0
    """What was read of it."""
    processed: int = 0
    imported: int = 0
    size_bytes: int = 0
    first_error: str = ""

    @property
    def errors(self) -> int:
        return self.processed - self.imported


@frozen
class Failure:
    code: str
    message: str


@frozen
class Import:
    key: ImportKey
    table_id: int
    table_uuid: str
    caller_arn: str
    access_key_id: str
    token: str
    request: Request
    started_ms: int
    status: ImportStatus = ImportStatus.IN_PROGRESS
    ended_ms: int | None = None
    progress: Progress = Progress()
    failure: Failure | None = None

    @property
    def bucket(self) -> str:
        name: str = self.request["S3BucketSource"]["S3Bucket"]
        return name

    @property
    def prefix(self) -> str:
        prefix: str = self.request["S3BucketSource"].get("S3KeyPrefix", "")
        return prefix


def check_request(request: Request) -> None:
    """Raises ValidationException, also for the kinds of import that are not served."""
    input_format = request["InputFormat"]
    if "Csv" in request.get("InputFormatOptions", {}) and input_format != "CSV":
        raise _invalid(f"Unsupported InputFormatOptions for the given input format: {input_format}.")
    if input_format == "ION":
        raise _invalid("The import format ION is not supported by Lambent")
    if request.get("InputCompressionType") == "ZSTD":
        raise _invalid("The compression ZSTD is not supported by Lambent")


def failure_of(progress: Progress) -> Failure | None:
    """Of an import that has read everything: all records must have become items."""
    if not progress.errors:
        return None
    return Failure(
        "ItemValidationError",
        "Some of the items failed validation checks and were not imported. The first was "
        f"{progress.first_error or 'not told'}",
    )


def read_arn(text: str, *, account_id: str, region: str) -> ImportKey:
    """Raises ValidationException, AccessDenied, ImportNotFound (an ARN of another region)."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise _invalid_arn() from None
    table, label = key_of_arn(text), arn.resource.rpartition("/import/")[2]
    if table is None or not _matches_label(label):
        raise _invalid_arn()
    if table.account_id != account_id:
        raise AccessDenied("Access is denied")
    if table.region != region:
        raise not_found(text)
    return ImportKey(table, label)


def not_found(arn: str) -> ImportNotFound:
    return ImportNotFound(f"Import not found: {arn}")


def write_token(key: ImportKey) -> str:
    """Where the next page of ListImports begins."""
    digits = key.arn.encode().hex()
    length = max(_TOKEN_LENGTH, -(-len(digits) // _TOKEN_GROUP) * _TOKEN_GROUP)
    return digits.ljust(length, "0")


def read_token(token: str, *, account_id: str, region: str) -> ImportKey:
    """Raises ValidationException."""
    try:
        text = bytes.fromhex(token).rstrip(b"\0").decode()
        return read_arn(text, account_id=account_id, region=region)
    except (ValueError, ValidationException, AccessDenied, ImportNotFound) as error:
        raise _invalid(f"Provided nextToken is invalid: {token}") from error


def describe(one: Import) -> Described:
    """ImportTableDescription."""
    request, progress = one.request, one.progress
    described: Described = {
        **_describe_source(one),
        "TableId": one.table_uuid,
        "ClientToken": one.token,
        "ErrorCount": progress.errors,
        "InputCompressionType": request.get("InputCompressionType", "NONE"),
        "TableCreationParameters": request["TableCreationParameters"],
        "ProcessedSizeBytes": progress.size_bytes,
        "ProcessedItemCount": progress.processed,
        "ImportedItemCount": progress.imported,
    }
    if "InputFormatOptions" in request:
        described["InputFormatOptions"] = request["InputFormatOptions"]
    if one.failure is not None:
        described |= {"FailureCode": one.failure.code, "FailureMessage": one.failure.message}
    return described


def describe_summary(one: Import) -> Described:
    """ImportSummary: an entry of ListImports."""
    return _describe_source(one)


def _describe_source(one: Import) -> Described:
    described: Described = {
        "ImportArn": one.key.arn,
        "ImportStatus": one.status.value,
        "TableArn": table_arn(one.key.table),
        "S3BucketSource": {"S3BucketOwner": one.key.table.account_id, **one.request["S3BucketSource"]},
        "InputFormat": one.request["InputFormat"],
        "StartTime": one.started_ms / 1000,
    }
    if one.ended_ms is not None:
        described["EndTime"] = one.ended_ms / 1000
    return described


def _invalid(reason: str) -> ValidationException:
    return ValidationException(f"Invalid Request: {reason}")


def _invalid_arn() -> ValidationException:
    return ValidationException("Invalid Import ARN")
