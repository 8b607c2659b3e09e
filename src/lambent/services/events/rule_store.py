"""All SQL about rules and their targets."""

# ruff: noqa: S608 - the columns put in are constants of this module; values are always parameters

from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson

from lambent.services.events.names import BusKey, RuleKey
from lambent.services.events.rules import Rule, State
from lambent.services.events.targets import Target
from lambent.storage.transaction import Row, Transaction

#: Announced by every commit that changes a rule, its targets, or an archive.
RULES_TOPIC = "event-rules"
#: Announced by every commit after which a schedule may be due earlier than before.
SCHEDULES_TOPIC = "event-schedules"

_RULE = "account_id, region, bus, name, pattern, schedule, state, description, role_arn, tags, started_ms, next_ms"
_KEY = "account_id = ? AND region = ? AND bus = ? AND name = ?"
_OF_RULE = "account_id = ? AND region = ? AND bus = ? AND rule = ?"


def find_rule(tx: Transaction, key: RuleKey) -> Rule | None:
    row = tx.row(f"SELECT {_RULE} FROM event_rule WHERE {_KEY}", key)
    return _rule(row) if row else None


def save_rule(tx: Transaction, rule: Rule) -> None:
    tx.execute(f"DELETE FROM event_rule WHERE {_KEY}", rule.key)
    tx.execute(
        f"INSERT INTO event_rule ({_RULE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *rule.key,
            *(rule.pattern, rule.schedule, rule.state.value, rule.description, rule.role_arn),
            *(orjson.dumps(rule.tags).decode(), rule.started_ms, rule.next_ms),
        ),
    )
    tx.announce(RULES_TOPIC)
    if rule.next_ms is not None:
        tx.announce(SCHEDULES_TOPIC)


def update_tags(tx: Transaction, key: RuleKey, tags: Mapping[str, str]) -> None:
    tx.execute(f"UPDATE event_rule SET tags = ? WHERE {_KEY}", (orjson.dumps(tags).decode(), *key))


def delete_rule(tx: Transaction, key: RuleKey) -> None:
    tx.execute(f"DELETE FROM event_rule WHERE {_KEY}", key)
    tx.announce(RULES_TOPIC)


def list_rules(tx: Transaction, bus: BusKey, *, start: str, prefix: str, limit: int) -> list[Rule]:
    """By name, from `start` on (included)."""
    rows = tx.rows(
        f"SELECT {_RULE} FROM event_rule WHERE account_id = ? AND region = ? AND bus = ? AND name >= ? AND name <= ? "
        "ORDER BY name LIMIT ?",
        (*bus, max(start, prefix), prefix + "\U0010ffff", limit),
    )
    return [_rule(row) for row in rows]


def rules_with_patterns(tx: Transaction, bus: BusKey) -> list[Rule]:
    """Enabled ones."""
    rows = tx.rows(
        f"SELECT {_RULE} FROM event_rule WHERE account_id = ? AND region = ? AND bus = ? AND pattern <> '' "
        "AND state <> 'DISABLED' ORDER BY name",
        bus,
    )
    return [_rule(row) for row in rows]


def count_rules(tx: Transaction, bus: BusKey) -> int:
    row = tx.row("SELECT count(*) FROM event_rule WHERE account_id = ? AND region = ? AND bus = ?", bus)
    assert row is not None
    count: int = row[0]
    return count


# Schedules


def due_rules(tx: Transaction, now_ms: int, limit: int) -> list[Rule]:
    """The longest due first."""
    rows = tx.rows(f"SELECT {_RULE} FROM event_rule WHERE next_ms <= ? ORDER BY next_ms LIMIT ?", (now_ms, limit))
    return [_rule(row) for row in rows]


def rules_due_after(tx: Transaction, time_ms: int) -> list[Rule]:
    return [_rule(row) for row in tx.rows(f"SELECT {_RULE} FROM event_rule WHERE next_ms > ?", (time_ms,))]


def next_due_ms(tx: Transaction) -> int | None:
    row = tx.row("SELECT next_ms FROM event_rule WHERE next_ms IS NOT NULL ORDER BY next_ms LIMIT 1")
    return row[0] if row else None


def update_next_time(tx: Transaction, key: RuleKey, next_ms: int | None) -> None:
    tx.execute(f"UPDATE event_rule SET next_ms = ? WHERE {_KEY}", (next_ms, *key))


# Targets


def save_target(tx: Transaction, key: RuleKey, target: Target) -> None:
    tx.execute(
        "INSERT INTO event_target (account_id, region, bus, rule, target_id, arn, document) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (account_id, region, bus, rule, target_id) DO UPDATE SET arn = excluded.arn, "
        "document = excluded.document",
        (*key, target.target_id, target.arn, orjson.dumps(target.document).decode()),
    )
    tx.announce(RULES_TOPIC)


def delete_target(tx: Transaction, key: RuleKey, target_id: str) -> bool:
    """False if there was none."""
    tx.announce(RULES_TOPIC)
    return bool(tx.rows(f"DELETE FROM event_target WHERE {_OF_RULE} AND target_id = ? RETURNING 1", (*key, target_id)))


def list_targets(tx: Transaction, key: RuleKey, *, start: str = "", limit: int) -> list[Target]:
    """By id, from `start` on (included)."""
    rows = tx.rows(
        f"SELECT document FROM event_target WHERE {_OF_RULE} AND target_id >= ? ORDER BY target_id LIMIT ?",
        (*key, start, limit),
    )
    return [Target.of(orjson.loads(row[0])) for row in rows]


def targets_of_bus(tx: Transaction, bus: BusKey) -> Mapping[str, Sequence[Target]]:
    """By the rule's name."""
    found: defaultdict[str, list[Target]] = defaultdict(list)
    rows = tx.rows(
        "SELECT rule, document FROM event_target WHERE account_id = ? AND region = ? AND bus = ? "
        "ORDER BY rule, target_id",
        bus,
    )
    for rule, document in rows:
        found[rule].append(Target.of(orjson.loads(document)))
    return found


def count_targets(tx: Transaction, key: RuleKey) -> int:
    row = tx.row(f"SELECT count(*) FROM event_target WHERE {_OF_RULE}", key)
    assert row is not None
    count: int = row[0]
    return count


def list_rule_names_by_target(tx: Transaction, bus: BusKey, arn: str, *, start: str, limit: int) -> Sequence[str]:
    rows = tx.rows(
        "SELECT DISTINCT rule FROM event_target WHERE account_id = ? AND region = ? AND arn = ? AND bus = ? "
        "AND rule >= ? ORDER BY rule LIMIT ?",
        (bus.account_id, bus.region, arn, bus.name, start, limit),
    )
    return [row[0] for row in rows]


def _rule(row: Row) -> Rule:
    account_id, region, bus, name, pattern, schedule, state, description, role_arn, tags, started_ms, next_ms = row
    return Rule(
        RuleKey(account_id, region, bus, name),
        pattern=pattern,
        schedule=schedule,
        state=State(state),
        description=description,
        role_arn=role_arn,
        tags=orjson.loads(tags),
        started_ms=started_ms,
        next_ms=next_ms,
    )
