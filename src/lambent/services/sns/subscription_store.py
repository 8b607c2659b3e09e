"""All SQL about subscriptions."""

import functools
from collections.abc import Mapping
from dataclasses import replace

import orjson

from lambent.services.sns.subscriptions import MAX_SUBSCRIPTIONS_OF_LARGE, State, Subscription
from lambent.services.sns.topics import Counts
from lambent.storage.transaction import Row, Transaction

_COLUMNS = (
    "subscription_arn, topic_arn, account_id, region, principal, protocol, endpoint, attributes, state, token, "
    "token_expires_ms, confirmation_authenticated, authenticate_on_unsubscribe, platform_url"
)

#: Texts of attributes kept parsed: many subscriptions have the same.
_PARSED = 4_096


def save_subscription(tx: Transaction, subscription: Subscription) -> None:
    """New, or as it is now."""
    tx.execute(
        f"INSERT INTO sns_subscription ({_COLUMNS}) "  # noqa: S608 - constants
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subscription_arn) DO UPDATE SET "
        "account_id = excluded.account_id, principal = excluded.principal, attributes = excluded.attributes, "
        "state = excluded.state, token = excluded.token, token_expires_ms = excluded.token_expires_ms, "
        "confirmation_authenticated = excluded.confirmation_authenticated, "
        "authenticate_on_unsubscribe = excluded.authenticate_on_unsubscribe, platform_url = excluded.platform_url",
        _row(subscription),
    )


def find_subscription(tx: Transaction, subscription_arn: str) -> Subscription | None:
    return _one(tx, "subscription_arn = ?", (subscription_arn,))


def find_by_endpoint(tx: Transaction, topic_arn: str, protocol: str, endpoint: str) -> Subscription | None:
    return _one(tx, "topic_arn = ? AND protocol = ? AND endpoint = ?", (topic_arn, protocol, endpoint))


def find_by_token(tx: Transaction, topic_arn: str, token: str) -> Subscription | None:
    return _one(tx, "topic_arn = ? AND token = ?", (topic_arn, token))


def list_by_topic(tx: Transaction, topic_arn: str, after: str, limit: int) -> list[Subscription]:
    """In the order of their ARNs; what is deleted is not there."""
    return _several(
        tx,
        "topic_arn = ? AND subscription_arn > ? AND state <> ? ORDER BY subscription_arn LIMIT ?",
        (topic_arn, after, State.DELETED.value, limit),
    )


def list_by_owner(tx: Transaction, account_id: str, region: str, after: str, limit: int) -> list[Subscription]:
    """In the order of their ARNs; what is deleted is not there."""
    return _several(
        tx,
        "account_id = ? AND region = ? AND subscription_arn > ? AND state <> ? ORDER BY subscription_arn LIMIT ?",
        (account_id, region, after, State.DELETED.value, limit),
    )


def confirmed_subscriptions(tx: Transaction, topic_arn: str) -> list[Subscription]:
    return _several(tx, "topic_arn = ? AND state = ? ORDER BY subscription_arn", (topic_arn, State.CONFIRMED.value))


def count_subscriptions(tx: Transaction, topic_arn: str) -> Counts:
    rows = tx.rows("SELECT state, count(*) FROM sns_subscription WHERE topic_arn = ? GROUP BY state", (topic_arn,))
    counts = {State(state): count for state, count in rows}
    return Counts(
        confirmed=counts.get(State.CONFIRMED, 0),
        pending=counts.get(State.PENDING, 0),
        deleted=counts.get(State.DELETED, 0),
    )


def count_filter_policies(tx: Transaction, topic_arn: str) -> int:
    rows = tx.rows("SELECT attributes FROM sns_subscription WHERE topic_arn = ?", (topic_arn,))
    return sum("FilterPolicy" in _attributes(row[0]) for row in rows)


def takes_large_messages(tx: Transaction, topic_arn: str) -> bool:
    """Few subscriptions, and none that goes out by HTTP or mail."""
    rows = tx.rows("SELECT protocol FROM sns_subscription WHERE topic_arn = ?", (topic_arn,))
    return len(rows) <= MAX_SUBSCRIPTIONS_OF_LARGE and all(row[0] in ("sqs", "lambda") for row in rows)


def mark_deleted(tx: Transaction, subscription: Subscription, token: str, expires_ms: int) -> None:
    """So that `token` brings it back until `expires_ms`."""
    save_subscription(tx, replace(subscription, state=State.DELETED, token=token, token_expires_ms=expires_ms))


def delete_subscription(tx: Transaction, subscription_arn: str) -> None:
    tx.execute("DELETE FROM sns_subscription WHERE subscription_arn = ?", (subscription_arn,))


def forget_deleted(tx: Transaction, topic_arn: str, now_ms: int) -> None:
    """Those that nothing can bring back any more."""
    tx.execute(
        "DELETE FROM sns_subscription WHERE topic_arn = ? AND state = ? AND token_expires_ms < ?",
        (topic_arn, State.DELETED.value, now_ms),
    )


def _one(tx: Transaction, condition: str, params: tuple[object, ...]) -> Subscription | None:
    found = _several(tx, condition, params)
    return found[0] if found else None


def _several(tx: Transaction, condition: str, params: tuple[object, ...]) -> list[Subscription]:
    rows = tx.rows(f"SELECT {_COLUMNS} FROM sns_subscription WHERE {condition}", params)  # noqa: S608 - constants
    return [_subscription(row) for row in rows]


def _row(subscription: Subscription) -> tuple[object, ...]:
    return (
        subscription.arn,
        subscription.topic_arn,
        subscription.account_id,
        subscription.region,
        subscription.principal,
        subscription.protocol,
        subscription.endpoint,
        orjson.dumps(dict(subscription.attributes)).decode(),
        subscription.state.value,
        subscription.token,
        subscription.token_expires_ms,
        int(subscription.confirmation_was_authenticated),
        int(subscription.authenticates_unsubscribe),
        subscription.platform_url,
    )


def _subscription(row: Row) -> Subscription:
    arn, topic_arn, account_id, region, principal, protocol, endpoint, attributes, state, token, *rest = row
    expires_ms, was_authenticated, authenticates, platform_url = rest
    return Subscription(
        *(arn, topic_arn, account_id, region, principal, protocol, endpoint, _attributes(attributes)),
        *(State(state), token, expires_ms, bool(was_authenticated), bool(authenticates), platform_url),
    )


@functools.lru_cache(_PARSED)
def _attributes(text: str) -> Mapping[str, str]:
    """Shared by all who read the same text: nobody changes it."""
    parsed: dict[str, str] = orjson.loads(text)
    return parsed
