"""All SQL about parcels, which wait for another attempt at their target (`parcels`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from lambent.delivery.targets import Attribute, Message, Sender
from lambent.kit.frozen import frozen
from lambent.storage.transaction import Transaction

#: Announced by every commit that keeps a parcel.
TOPIC = "parcel"


@frozen
class Parcel:
    """A message on its way, and what its owner goes by."""

    owner: str
    message: Message
    accepted_ms: int
    terms: Mapping[str, Any]
    """JSON."""
    attempts: int = 0
    """Made so far."""
    parcel_id: int = 0
    """0 until it is kept."""


@frozen
class Unreadable:
    """A parcel whose row this version makes nothing of: another one may have kept it."""

    parcel_id: int
    error: Exception


def insert_parcel(tx: Transaction, parcel: Parcel, due_ms: int, *, lane: str = "") -> None:
    """`lane`: in which it waits to be carried (`lane_of`); "" if a target of ours may take it."""
    row = tx.row(
        "INSERT INTO parcel_head (queue, position) VALUES ('', 1) "
        "ON CONFLICT (queue) DO UPDATE SET position = parcel_head.position + 1 RETURNING position"
    )
    assert row is not None
    tx.execute(
        "INSERT INTO parcel (parcel_id, owner, lane, body, message, terms, accepted_ms, due_ms, attempts) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(row[0], parcel.owner, lane, parcel.message.body, _dump(parcel.message)),
            *(orjson.dumps(dict(parcel.terms)).decode(), parcel.accepted_ms, due_ms, parcel.attempts),
        ),
    )
    tx.announce(TOPIC)


def due_parcels(tx: Transaction, now_ms: int, *, owners: Sequence[str], limit: int, lane: str = "") -> list[int]:
    """Ids of one lane, the longest due first; without a lane, those that targets of ours may take."""
    rows = tx.rows(
        "SELECT parcel_id FROM parcel "  # noqa: S608 - marks only
        f"WHERE lane = ? AND due_ms <= ? AND owner IN ({_marks(owners)}) ORDER BY due_ms, parcel_id LIMIT ?",
        (lane, now_ms, *owners, limit),
    )
    return [row[0] for row in rows]


def lanes_after(tx: Transaction, lane: str) -> Iterator[str]:
    """In which anything waits to be carried; each costs one look into the index, however much waits in it."""
    while (row := tx.row("SELECT lane FROM parcel WHERE lane > ? ORDER BY lane LIMIT 1", (lane,))) is not None:
        lane = row[0]
        yield lane


def next_due_ms(tx: Transaction, after_ms: int) -> int | None:
    row = tx.row("SELECT due_ms FROM parcel WHERE due_ms > ? ORDER BY due_ms LIMIT 1", (after_ms,))
    return row[0] if row else None


def find_parcel(tx: Transaction, parcel_id: int) -> Parcel | Unreadable | None:
    row = tx.row(
        "SELECT owner, body, message, terms, accepted_ms, attempts FROM parcel WHERE parcel_id = ?", (parcel_id,)
    )
    if row is None:
        return None
    owner, body, message, terms, accepted_ms, attempts = row
    try:
        return Parcel(owner, _load(message, body), accepted_ms, orjson.loads(terms), attempts, parcel_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this one and no other
        return Unreadable(parcel_id, error)


def delay_parcel(tx: Transaction, parcel_id: int, due_ms: int) -> None:
    """Without an attempt."""
    tx.execute("UPDATE parcel SET due_ms = ? WHERE parcel_id = ?", (due_ms, parcel_id))


def postpone_parcel(tx: Transaction, parcel_id: int, *, due_ms: int, attempts: int) -> None:
    tx.execute("UPDATE parcel SET due_ms = ?, attempts = ? WHERE parcel_id = ?", (due_ms, attempts, parcel_id))


def delete_parcel(tx: Transaction, parcel_id: int) -> None:
    tx.execute("DELETE FROM parcel WHERE parcel_id = ?", (parcel_id,))


def count_parcels(tx: Transaction) -> int:
    row = tx.row("SELECT count(*) FROM parcel")
    assert row is not None
    count: int = row[0]
    return count


def lane_of(target: str) -> str:
    """An ARN is a lane of its own, and so is what is no URL; all URLs of a host share one, whoever they log in as."""
    return target if target.startswith("arn:") else _host_of(target) or target


def _host_of(url: str) -> str:
    """Empty if there is none; nobody has looked yet whether it is a URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _dump(message: Message) -> str:
    return orjson.dumps(replace(message, body=b""), default=_no_bytes).decode()


def _no_bytes(value: object) -> str:
    """The body has a column of its own."""
    assert value == b""
    return ""


def _load(text: str, body: bytes) -> Message:
    document = orjson.loads(text)
    sender = Sender(**document.pop("sender"))
    attributes = {name: Attribute(**one) for name, one in document.pop("attributes").items()}
    resources = tuple(document.pop("resources"))
    return Message(**{**document, "body": body, "sender": sender, "attributes": attributes, "resources": resources})
