"""All SQL about event buses. The default bus of every account and region is there without a row."""

# ruff: noqa: S608 - the columns put in are a constant of this module; values are always parameters

from dataclasses import replace
from datetime import datetime

import orjson

from lambent.services.events.buses import Bus
from lambent.services.events.names import DEFAULT_BUS, BusKey
from lambent.storage.transaction import Row, Transaction

_COLUMNS = "account_id, region, name, description, policy, options, tags, created_ms, modified_ms"


def find_bus(tx: Transaction, key: BusKey) -> Bus | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM event_bus WHERE account_id = ? AND region = ? AND name = ?", key)
    if row is not None:
        return _bus(row)
    return Bus(key) if key.name == DEFAULT_BUS else None


def save_bus(tx: Transaction, bus: Bus) -> None:
    tx.execute(
        f"INSERT INTO event_bus ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (account_id, region, name) DO UPDATE SET description = excluded.description, "
        "policy = excluded.policy, options = excluded.options, tags = excluded.tags, "
        "modified_ms = excluded.modified_ms",
        (
            *bus.key,
            *(bus.description, bus.policy, orjson.dumps(bus.options).decode(), orjson.dumps(bus.tags).decode()),
            *(bus.created_ms, bus.modified_ms),
        ),
    )


def delete_bus(tx: Transaction, key: BusKey) -> None:
    tx.execute("DELETE FROM event_bus WHERE account_id = ? AND region = ? AND name = ?", key)


def list_buses(tx: Transaction, start: BusKey, prefix: str, limit: int) -> list[Bus]:
    """An account's in a region with names from `start.name` on (included), the default bus among them."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM event_bus WHERE account_id = ? AND region = ? AND name >= ? AND name <= ? "
        "ORDER BY name LIMIT ?",
        (start.account_id, start.region, max(start.name, prefix), prefix + "\U0010ffff", limit),
    )
    found = [_bus(row) for row in rows]
    default = Bus(BusKey(start.account_id, start.region, DEFAULT_BUS))
    if DEFAULT_BUS.startswith(prefix) and start.name <= DEFAULT_BUS and default.key not in [bus.key for bus in found]:
        found = sorted([*found, default], key=lambda bus: bus.key.name)[:limit]
    return found


def installed_ms(tx: Transaction) -> int:
    """When the default buses came to be."""
    row = tx.row("SELECT created_at FROM event_default_bus")
    assert row is not None
    return int(datetime.fromisoformat(f"{row[0]}+00:00").timestamp()) * 1_000


def count_buses(tx: Transaction, account_id: str, region: str) -> int:
    """Custom ones."""
    row = tx.row(
        "SELECT count(*) FROM event_bus WHERE account_id = ? AND region = ? AND name <> ?",
        (account_id, region, DEFAULT_BUS),
    )
    assert row is not None
    count: int = row[0]
    return count


def _bus(row: Row) -> Bus:
    account_id, region, name, description, policy, options, tags, created_ms, modified_ms = row
    bus = Bus(BusKey(account_id, region, name), description, policy, created_ms=created_ms, modified_ms=modified_ms)
    return replace(bus, options=orjson.loads(options), tags=orjson.loads(tags))
