"""Point in time recovery: the times that a table can be restored to, and AWS's refusals of others.

While it is enabled, every write keeps what the item was before (`past_store`). A table can be restored to any time
since then, as far as its recovery period reaches back. Times are shown in whole seconds, as many SDKs send them.
At AWS the latest restorable time lies some five minutes back; here it is the present.
"""

from datetime import UTC, datetime
from typing import Any

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.backups import DAY_MS
from lambent.services.dynamodb.errors import InvalidRestoreTime, ValidationException
from lambent.services.dynamodb.tables import Definition

Described = dict[str, Any]

#: API Reference, PointInTimeRecoverySpecification: "If no value is provided, the value will default to 35."
DEFAULT_DAYS = 35
#: What has just left the recovery period is kept for so long, for restores that are under way to the writer.
_GRACE_MS = 60_000


@frozen
class Window:
    """The times to which a table can be restored."""

    earliest_ms: int
    latest_ms: int


def window_of(definition: Definition, now_ms: int) -> Window:
    """Of a table with point in time recovery."""
    return Window(_whole_second(_start_ms(definition, now_ms)), _whole_second(now_ms))


def kept_from_ms(definition: Definition, now_ms: int) -> int:
    """Changes before then are forgotten."""
    return _start_ms(definition, now_ms - _GRACE_MS) // 1000 * 1000


def days_wanted(specification: dict[str, Any]) -> int:
    """0: disable it. Raises ValidationException."""
    if specification["PointInTimeRecoveryEnabled"]:
        return int(specification.get("RecoveryPeriodInDays", DEFAULT_DAYS))
    if "RecoveryPeriodInDays" in specification:
        raise ValidationException(
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."
        )
    return 0


def describe(definition: Definition, now_ms: int) -> Described:
    """ContinuousBackupsDescription. Continuous backups as such are always enabled, as the model says."""
    if not definition.recovery_days:
        return _described({"PointInTimeRecoveryStatus": "DISABLED"})
    window = window_of(definition, now_ms)
    return _described(
        {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": definition.recovery_days,
            "EarliestRestorableDateTime": window.earliest_ms / 1000,
            "LatestRestorableDateTime": window.latest_ms / 1000,
        }
    )


def read_restore_time(request: dict[str, Any]) -> int | None:
    """RestoreDateTime in milliseconds; None: the latest. Raises ValidationException."""
    wants_latest = request.get("UseLatestRestorableTime", False)
    if wants_latest and "RestoreDateTime" in request:
        raise ValidationException(
            "Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time "
            "restore request. Please specify either RestoreDateTime time or UseLatestRestorableTime"
        )
    if wants_latest:
        return None
    if "RestoreDateTime" not in request:
        raise ValidationException(
            "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
        )
    seconds: float = request["RestoreDateTime"]
    return round(seconds * 1_000_000) // 1000


def check_restore_time(definition: Definition, wanted_ms: int, now_ms: int) -> None:
    """Raises InvalidRestoreTime."""
    window = window_of(definition, now_ms)
    if not window.earliest_ms <= wanted_ms <= now_ms:
        raise InvalidRestoreTime(
            f"RestoreDateTime '{_written(wanted_ms)}' must be within EarliestRestorableDateTime "
            f"'{_written(window.earliest_ms)}' and LatestRestorableDateTime '{_written(window.latest_ms)}'"
        )


def _start_ms(definition: Definition, now_ms: int) -> int:
    return max(definition.recovery_since_ms, now_ms - definition.recovery_days * DAY_MS)


def _described(recovery: Described) -> Described:
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}


def _whole_second(time_ms: int) -> int:
    return time_ms // 1000 * 1000


def _written(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
