"""DynamoDB's error codes (Developer Guide, "Error handling with DynamoDB"; API Reference, errors of each action)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.wire.errors import ServiceError


class ValidationException(ServiceError):
    """A parameter or an item breaks a rule; nothing was done."""

    code = "ValidationException"
    status = 400


class ConditionalCheckFailed(ServiceError):
    """The condition did not hold. `item` is set with ReturnValuesOnConditionCheckFailure=ALL_OLD."""

    code = "ConditionalCheckFailedException"
    status = 400

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        members = {"Item": item} if item else None
        super().__init__("The conditional request failed", members=members)


class ResourceNotFound(ServiceError):
    """The table, index, backup or stream does not exist, or is not ACTIVE yet."""

    code = "ResourceNotFoundException"
    status = 400


class TableNotFound(ServiceError):
    """Backups and table restores: the source table does not exist."""

    code = "TableNotFoundException"
    status = 400


class ResourceInUse(ServiceError):
    """CreateTable of a name that is taken; a change to a table that is being created, changed or deleted."""

    code = "ResourceInUseException"
    status = 400


class TransactionCanceled(ServiceError):
    """A transaction was cancelled as a whole. One reason per item, in order; `{"Code": "None"}` for the innocent."""

    code = "TransactionCanceledException"
    status = 400

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        super().__init__(
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            members={"CancellationReasons": list(reasons)},
        )


class TransactionConflict(ServiceError):
    """A write outside transactions met an item that a transaction is writing."""

    code = "TransactionConflictException"
    status = 400


class TransactionInProgress(ServiceError):
    """The same client request token is being worked on right now."""

    code = "TransactionInProgressException"
    status = 400


class IdempotentParameterMismatch(ServiceError):
    """The client request token was used in the last ten minutes with another payload."""

    code = "IdempotentParameterMismatchException"
    status = 400


class ItemCollectionSizeLimitExceeded(ServiceError):
    """Tables with local secondary indexes: the items of one partition key value exceed 10 GB."""

    code = "ItemCollectionSizeLimitExceededException"
    status = 400


class ProvisionedThroughputExceeded(ServiceError):
    """More capacity units a second than provisioned; the SDK retries."""

    code = "ProvisionedThroughputExceededException"
    status = 400


class RequestLimitExceeded(ServiceError):
    """More requests than the account's quota allows."""

    code = "RequestLimitExceeded"
    status = 400


class Throttling(ServiceError):
    """Table operations (CreateTable and the like) requested faster than allowed."""

    code = "ThrottlingException"
    status = 400


class LimitExceeded(ServiceError):
    """Too many tables or indexes in a changing state at once, or a quota of the account."""

    code = "LimitExceededException"
    status = 400


class DuplicateItem(ServiceError):
    """PartiQL INSERT of a primary key that exists."""

    code = "DuplicateItemException"
    status = 400


class IndexNotFound(ServiceError):
    """The table has no index of this name, where the API has a code of its own for it."""

    code = "IndexNotFoundException"
    status = 400


class AccessDenied(ServiceError):
    """The ARN of a backup, an export or an import of another account."""

    code = "AccessDeniedException"
    status = 400


class BackupNotFound(ServiceError):
    """No backup has this ARN."""

    code = "BackupNotFoundException"
    status = 400


class BackupInUse(ServiceError):
    """The backup is being restored or deleted."""

    code = "BackupInUseException"
    status = 400


class TableAlreadyExists(ServiceError):
    """Restore into a table that exists."""

    code = "TableAlreadyExistsException"
    status = 400


class TableInUse(ServiceError):
    """Restore from or into a table that is being created or deleted."""

    code = "TableInUseException"
    status = 400


class PointInTimeRecoveryUnavailable(ServiceError):
    """Point in time recovery is not enabled for the source table."""

    code = "PointInTimeRecoveryUnavailableException"
    status = 400


class InvalidRestoreTime(ServiceError):
    """The restore time is outside EarliestRestorableDateTime and LatestRestorableDateTime."""

    code = "InvalidRestoreTimeException"
    status = 400


class ExportNotFound(ServiceError):
    """No export has this ARN."""

    code = "ExportNotFoundException"
    status = 400


class ExportConflict(ServiceError):
    """The client token was used in the last eight hours with other parameters."""

    code = "ExportConflictException"
    status = 400


class ImportNotFound(ServiceError):
    """No import has this ARN."""

    code = "ImportNotFoundException"
    status = 400


class ImportConflict(ServiceError):
    """The client token was used in the last eight hours for another table."""

    code = "ImportConflictException"
    status = 400


class InvalidExportTime(ServiceError):
    """The export time is outside EarliestRestorableDateTime and LatestRestorableDateTime."""

    code = "InvalidExportTimeException"
    status = 400


class TrimmedDataAccess(ServiceError):
    """Streams: the sequence number is older than the 24 hours kept."""

    code = "TrimmedDataAccessException"
    status = 400


class ExpiredIterator(ServiceError):
    """Streams: the shard iterator is older than 15 minutes."""

    code = "ExpiredIteratorException"
    status = 400


def invalid_values(reason: str) -> ValidationException:
    """AWS's opening words for a parameter value that breaks a rule."""
    return ValidationException(f"One or more parameter values were invalid: {reason}")


def key_mismatch() -> ValidationException:
    return ValidationException("The provided key element does not match the schema")
