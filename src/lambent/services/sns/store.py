"""All SQL about topics, and the platform's signing key."""

import functools
from collections.abc import Mapping

import orjson

from lambent.kit.frozen import frozen
from lambent.services.sns.names import TopicKey
from lambent.services.sns.topics import Topic
from lambent.storage.transaction import Row, Transaction

_COLUMNS = "topic_arn, account_id, region, name, created_ms, attributes, tags, data_protection_policy"

#: Texts of attributes kept parsed: most publishes are to few topics.
_PARSED = 4_096


def insert_topic(tx: Transaction, topic: Topic) -> None:
    tx.execute(
        f"INSERT INTO sns_topic ({_COLUMNS}, sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",  # noqa: S608 - constants
        (
            *(topic.arn, topic.account_id, topic.region, topic.name, topic.created_ms),
            *(_text(topic.attributes), _text(topic.tags), topic.data_protection_policy),
        ),
    )


def find_topic(tx: Transaction, topic_arn: str) -> Topic | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM sns_topic WHERE topic_arn = ?", (topic_arn,))  # noqa: S608 - constants
    return _topic(row) if row is not None else None


def list_topics(tx: Transaction, key: TopicKey, limit: int) -> list[str]:
    """ARNs of an account's topics in a region, whose names come after `key.name`."""
    rows = tx.rows(
        "SELECT topic_arn FROM sns_topic WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        (key.account_id, key.region, key.name, limit),
    )
    return [row[0] for row in rows]


def update_attributes(tx: Transaction, topic_arn: str, attributes: Mapping[str, str]) -> None:
    tx.execute("UPDATE sns_topic SET attributes = ? WHERE topic_arn = ?", (_text(attributes), topic_arn))


def update_tags(tx: Transaction, topic_arn: str, tags: Mapping[str, str]) -> None:
    tx.execute("UPDATE sns_topic SET tags = ? WHERE topic_arn = ?", (_text(tags), topic_arn))


def update_data_protection_policy(tx: Transaction, topic_arn: str, policy: str) -> None:
    tx.execute("UPDATE sns_topic SET data_protection_policy = ? WHERE topic_arn = ?", (policy, topic_arn))


def delete_topic(tx: Transaction, topic_arn: str) -> None:
    """With its subscriptions; what was published and is not delivered yet finds no topic any more."""
    tx.execute("DELETE FROM sns_subscription WHERE topic_arn = ?", (topic_arn,))
    tx.execute("DELETE FROM sns_deduplication WHERE topic_arn = ?", (topic_arn,))
    tx.execute("DELETE FROM sns_topic WHERE topic_arn = ?", (topic_arn,))


@frozen
class StoredKey:
    """Both in PEM."""

    private_key: str
    certificate: str


def find_signing_key(tx: Transaction) -> StoredKey | None:
    row = tx.row("SELECT private_key, certificate FROM sns_signing_key WHERE key_id = 1")
    return StoredKey(*row) if row is not None else None


def keep_signing_key(tx: Transaction, key: StoredKey) -> StoredKey:
    """The one that is there already, if somebody was first."""
    tx.execute(
        "INSERT INTO sns_signing_key (key_id, private_key, certificate) VALUES (1, ?, ?) "
        "ON CONFLICT (key_id) DO NOTHING",
        (key.private_key, key.certificate),
    )
    found = find_signing_key(tx)
    assert found is not None
    return found


def _topic(row: Row) -> Topic:
    arn, account_id, region, name, created_ms, attributes, tags, policy = row
    return Topic(arn, account_id, region, name, created_ms, _mapping(attributes), _mapping(tags), policy)


@functools.lru_cache(_PARSED)
def _mapping(text: str) -> Mapping[str, str]:
    """Shared by all who read the same text: nobody changes it."""
    parsed: dict[str, str] = orjson.loads(text)
    return parsed


def _text(mapping: Mapping[str, str]) -> str:
    return orjson.dumps(dict(mapping)).decode()
