"""All SQL about schedule groups. A group that is deleted goes at once if it is small, else a portion at a time."""

# ruff: noqa: S608 - the parts put together are constants of this module; values are always parameters

from collections.abc import Mapping

import orjson

from lambent.services.scheduler.schedules import ScheduleGroup
from lambent.services.scheduler.store import TOPIC
from lambent.storage.transaction import Row, Transaction

#: Schedules that one transaction deletes, so that nobody waits for it.
DELETED_PER_TRANSACTION = 500

_KEY = "account_id = ? AND region = ? AND name = ?"
_COLUMNS = "account_id, region, name, state, created_ms, modified_ms, client_token, tags"
_SCHEDULES = "account_id = ? AND region = ? AND group_name = ?"


def insert_group(tx: Transaction, group: ScheduleGroup) -> None:
    """There must be none of that name."""
    tx.execute(
        f"INSERT INTO schedule_group ({_COLUMNS}) VALUES (?, ?, ?, 'ACTIVE', ?, ?, ?, ?)",
        (
            *(group.account_id, group.region, group.name, group.created_ms, group.modified_ms, group.client_token),
            _dump(group.tags),
        ),
    )


def find_group(tx: Transaction, account_id: str, region: str, name: str) -> ScheduleGroup | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM schedule_group WHERE {_KEY}", (account_id, region, name))
    return _group(row) if row else None


def list_groups(
    tx: Transaction, account_id: str, region: str, *, prefix: str, after: str, limit: int
) -> list[ScheduleGroup]:
    found = tx.rows(
        f"SELECT {_COLUMNS} FROM schedule_group WHERE account_id = ? AND region = ? AND name >= ? AND name < ?"
        " AND name > ? ORDER BY name LIMIT ?",
        (account_id, region, prefix, prefix + "\U0010ffff", after, limit),
    )
    return [_group(row) for row in found]


def update_tags(tx: Transaction, group: ScheduleGroup, tags: Mapping[str, str], now_ms: int) -> None:
    tx.execute(
        f"UPDATE schedule_group SET tags = ?, modified_ms = ? WHERE {_KEY}",
        (_dump(tags), now_ms, group.account_id, group.region, group.name),
    )


def begin_deletion(tx: Transaction, group: ScheduleGroup, now_ms: int) -> None:
    """And do as much of it as one transaction may."""
    tx.execute(
        f"UPDATE schedule_group SET state = 'DELETING', modified_ms = ? WHERE {_KEY}",
        (now_ms, group.account_id, group.region, group.name),
    )
    _delete_portion(tx, group)
    tx.announce(TOPIC)


def is_deleting(tx: Transaction) -> bool:
    """Whether there is a group that is being deleted. Groups are few."""
    return tx.row("SELECT 1 FROM schedule_group WHERE state = 'DELETING' LIMIT 1") is not None


def continue_deletions(tx: Transaction) -> bool:
    """One portion of a group that is being deleted; False if there is none."""
    row = tx.row(f"SELECT {_COLUMNS} FROM schedule_group WHERE state = 'DELETING' LIMIT 1")
    if row is None:
        return False
    _delete_portion(tx, _group(row))
    return True


def _delete_portion(tx: Transaction, group: ScheduleGroup) -> None:
    place = (group.account_id, group.region, group.name)
    found = tx.rows(
        f"DELETE FROM schedule WHERE {_SCHEDULES} AND name IN"
        f" (SELECT name FROM schedule WHERE {_SCHEDULES} ORDER BY name LIMIT ?) RETURNING 1",
        (*place, *place, DELETED_PER_TRANSACTION),
    )
    if len(found) < DELETED_PER_TRANSACTION:
        tx.execute(f"DELETE FROM schedule_group WHERE {_KEY}", place)


def _group(row: Row) -> ScheduleGroup:
    account_id, region, name, state, created_ms, modified_ms, client_token, tags = row
    return ScheduleGroup(
        *(account_id, region, name, state == "DELETING", created_ms, modified_ms, client_token),
        tags=orjson.loads(tags),
    )


def _dump(tags: Mapping[str, str]) -> str:
    return orjson.dumps(dict(tags)).decode()
