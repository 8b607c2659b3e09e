"""All SQL about schedules. Their groups: `group_store`."""

# ruff: noqa: S608 - the parts put together are constants of this module; values are always parameters

from collections.abc import Sequence

import orjson

from lambent.kit.frozen import frozen
from lambent.services.scheduler.schedules import Definition, Plan, Schedule, ScheduleKey, Timetable
from lambent.storage.transaction import Row, Transaction

#: Announced when something may be due earlier than it was, or is to be deleted.
TOPIC = "scheduler"

_KEY = "account_id = ? AND region = ? AND group_name = ? AND name = ?"
_COLUMNS = (
    "account_id, region, group_name, name, expression, zone, start_ms, end_ms, window_minutes, is_enabled,"
    " is_deleted_after, description, kms_key_arn, target, client_token, created_ms, modified_ms, anchor_ms,"
    " occurrence_ms, due_ms, planned_ms"
)


def put_schedule(tx: Transaction, schedule: Schedule) -> None:
    """Insert it, or replace the one of that name."""
    marks = ", ".join("?" * len(_COLUMNS.split(",")))
    tx.execute(f"DELETE FROM schedule WHERE {_KEY}", _key(schedule.key))
    tx.execute(f"INSERT INTO schedule ({_COLUMNS}) VALUES ({marks})", _row(schedule))
    tx.announce(TOPIC)


def find_schedule(tx: Transaction, key: ScheduleKey) -> Schedule | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM schedule WHERE {_KEY}", _key(key))
    return _schedule(row) if row else None


def delete_schedule(tx: Transaction, key: ScheduleKey) -> bool:
    """False if there was none."""
    return tx.row(f"DELETE FROM schedule WHERE {_KEY} RETURNING 1", _key(key)) is not None


@frozen
class Choice:
    """What ListSchedules asks for; "" for anything."""

    group: str = ""
    prefix: str = ""
    is_enabled: bool | None = None
    after: tuple[str, str] = ("", "")
    """Group and name."""


def list_schedules(tx: Transaction, account_id: str, region: str, choice: Choice, limit: int) -> list[Schedule]:
    """By group and name."""
    conditions, params = ["name >= ? AND name < ?"], [choice.prefix, choice.prefix + "\U0010ffff"]
    if choice.group:
        conditions.append("group_name = ?")
        params.append(choice.group)
    if choice.is_enabled is not None:
        conditions.append("is_enabled = 1" if choice.is_enabled else "is_enabled = 0")
    found = tx.rows(
        f"SELECT {_COLUMNS} FROM schedule WHERE account_id = ? AND region = ? AND (group_name, name) > (?, ?)"
        f" AND {' AND '.join(conditions)} ORDER BY group_name, name LIMIT ?",
        (account_id, region, *choice.after, *params, limit),
    )
    return [_schedule(row) for row in found]


# For delivery


def due_schedules(tx: Transaction, now_ms: int, limit: int) -> list[ScheduleKey]:
    """Those due by now, the longest due first."""
    found = tx.rows(
        "SELECT account_id, region, group_name, name FROM schedule WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
        (now_ms, limit),
    )
    return [ScheduleKey(*row) for row in found]


def next_due_ms(tx: Transaction) -> int | None:
    row = tx.row("SELECT min(due_ms) FROM schedule WHERE due_ms IS NOT NULL")
    return row[0] if row else None


def planned_after(tx: Transaction, time_ms: int) -> list[ScheduleKey]:
    """Those whose next time was decided later than that, which a clock that was set back can bring about."""
    found = tx.rows("SELECT account_id, region, group_name, name FROM schedule WHERE planned_ms > ?", (time_ms,))
    return [ScheduleKey(*row) for row in found]


def update_plan(tx: Transaction, key: ScheduleKey, plan: Plan) -> None:
    tx.execute(
        f"UPDATE schedule SET anchor_ms = ?, occurrence_ms = ?, due_ms = ?, planned_ms = ? WHERE {_KEY}",
        (*_plan(plan), *_key(key)),
    )


def postpone(tx: Transaction, keys: Sequence[ScheduleKey], due_ms: int) -> None:
    """What is planned stays; it is only sent later."""
    tx.execute_many(
        f"UPDATE schedule SET due_ms = ? WHERE {_KEY} AND due_ms IS NOT NULL", [(due_ms, *_key(key)) for key in keys]
    )


def _key(key: ScheduleKey) -> tuple[str, str, str, str]:
    return (key.account_id, key.region, key.group, key.name)


def _plan(plan: Plan) -> tuple[int | None, ...]:
    return (plan.anchor_ms, plan.occurrence_ms, plan.due_ms, plan.planned_ms)


def _row(schedule: Schedule) -> tuple[object, ...]:
    definition, times = schedule.definition, schedule.definition.timetable
    return (
        *_key(schedule.key),
        *(times.expression, times.zone, times.start_ms, times.end_ms, times.window_minutes, int(times.is_enabled)),
        *(int(definition.is_deleted_after), definition.description, definition.kms_key_arn),
        orjson.dumps(dict(definition.target)).decode(),
        *(schedule.client_token, schedule.created_ms, schedule.modified_ms),
        *_plan(schedule.plan),
    )


def _schedule(row: Row) -> Schedule:
    expression, zone, start_ms, end_ms, window_minutes, is_enabled = row[4:10]
    is_deleted_after, description, kms_key_arn, target, client_token, created_ms, modified_ms = row[10:17]
    timetable = Timetable(expression, zone, start_ms, end_ms, window_minutes, bool(is_enabled))
    return Schedule(
        key=ScheduleKey(*row[:4]),
        definition=Definition(timetable, bool(is_deleted_after), description, kms_key_arn, orjson.loads(target)),
        plan=Plan(*row[17:]),
        client_token=client_token,
        created_ms=created_ms,
        modified_ms=modified_ms,
    )
