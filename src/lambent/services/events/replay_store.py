"""All SQL about replays."""

# ruff: noqa: S608 - the columns put in are constants of this module; values are always parameters

from dataclasses import replace

import orjson

from lambent.services.events.archives import Replay, ReplayState
from lambent.services.events.names import ResourceKey
from lambent.storage.transaction import Row, Transaction

#: Announced by every commit that gives replays something to do.
REPLAYS_TOPIC = "event-replays"

_REPLAY = (
    "account_id, region, name, archive_id, archive, bus, rules, description, state, first_ms, end_ms, time_ms, "
    "position, started_ms, ended_ms"
)
_KEY = "account_id = ? AND region = ? AND name = ?"


def find_replay(tx: Transaction, key: ResourceKey) -> Replay | None:
    row = tx.row(f"SELECT {_REPLAY} FROM event_replay WHERE {_KEY}", key)
    return _replay(row) if row else None


def insert_replay(tx: Transaction, replay: Replay) -> None:
    tx.execute(
        f"INSERT INTO event_replay ({_REPLAY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(*replay.key, replay.archive_id, replay.archive, replay.bus, orjson.dumps(list(replay.rules)).decode()),
            *(replay.description, replay.state.value, replay.first_ms, replay.end_ms, replay.time_ms),
            *(replay.position, replay.started_ms, replay.ended_ms),
        ),
    )
    tx.announce(REPLAYS_TOPIC)


def update_replay(tx: Transaction, replay: Replay) -> None:
    """State and how far it has come."""
    tx.execute(
        f"UPDATE event_replay SET state = ?, time_ms = ?, position = ?, ended_ms = ? WHERE {_KEY}",
        (replay.state.value, replay.time_ms, replay.position, replay.ended_ms, *replay.key),
    )
    tx.announce(REPLAYS_TOPIC)


def active_replays(tx: Transaction) -> list[Replay]:
    return [_replay(row) for row in tx.rows(f"SELECT {_REPLAY} FROM event_replay WHERE ended_ms IS NULL")]


def count_active(tx: Transaction, key: ResourceKey) -> int:
    row = tx.row("SELECT count(*) FROM event_replay WHERE account_id = ? AND region = ? AND ended_ms IS NULL", key[:2])
    assert row is not None
    count: int = row[0]
    return count


def list_replays(tx: Transaction, start: ResourceKey, prefix: str, limit: int) -> list[Replay]:
    """By name, from `start.name` on (included)."""
    rows = tx.rows(
        f"SELECT {_REPLAY} FROM event_replay WHERE account_id = ? AND region = ? AND name >= ? AND name <= ? "
        "ORDER BY name LIMIT ?",
        (start.account_id, start.region, max(start.name, prefix), prefix + "\U0010ffff", limit),
    )
    return [_replay(row) for row in rows]


def has_ended(tx: Transaction, before_ms: int) -> bool:
    return tx.row("SELECT 1 FROM event_replay WHERE ended_ms < ? LIMIT 1", (before_ms,)) is not None


def delete_ended(tx: Transaction, before_ms: int) -> None:
    tx.execute("DELETE FROM event_replay WHERE ended_ms < ?", (before_ms,))


def _replay(row: Row) -> Replay:
    account_id, region, name, archive_id, archive, bus, rules, description, state, *rest = row
    replay = Replay(
        ResourceKey(account_id, region, name), archive_id, archive, bus, (), description, ReplayState(state), *rest
    )
    return replace(replay, rules=tuple(orjson.loads(rules)))
