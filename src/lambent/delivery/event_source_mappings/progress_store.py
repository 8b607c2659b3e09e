"""All SQL on how far mappings have got: the shards they know, and the progress of every lane."""

from collections.abc import Sequence

from lambent.delivery.checkpoints import CheckpointMoved
from lambent.delivery.event_source_mappings import progress as values
from lambent.delivery.event_source_mappings.progress import Progress
from lambent.storage.transaction import Transaction

_LANE = "uuid = ? AND shard_id = ? AND lane = ?"


def insert_shard(tx: Transaction, uuid: str, shard_id: str, lanes: Sequence[Progress], *, is_finished: bool) -> None:
    tx.execute(
        "INSERT INTO event_source_shard (uuid, shard_id, is_finished) VALUES (?, ?, ?)", (uuid, shard_id, is_finished)
    )
    _insert_lanes(tx, uuid, shard_id, lanes)


def known_shards(tx: Transaction, uuid: str) -> dict[str, bool]:
    """Shard id -> whether it is finished."""
    rows = tx.rows("SELECT shard_id, is_finished FROM event_source_shard WHERE uuid = ?", (uuid,))
    return {shard_id: bool(is_finished) for shard_id, is_finished in rows}


def finish_shard(tx: Transaction, uuid: str, shard_id: str) -> None:
    tx.execute("UPDATE event_source_shard SET is_finished = 1 WHERE uuid = ? AND shard_id = ?", (uuid, shard_id))


def forget_shard(tx: Transaction, uuid: str, shard_id: str) -> None:
    tx.execute("DELETE FROM event_source_lane WHERE uuid = ? AND shard_id = ?", (uuid, shard_id))
    tx.execute("DELETE FROM event_source_shard WHERE uuid = ? AND shard_id = ?", (uuid, shard_id))


def forget_mapping(tx: Transaction, uuid: str) -> None:
    tx.execute("DELETE FROM event_source_lane WHERE uuid = ?", (uuid,))
    tx.execute("DELETE FROM event_source_shard WHERE uuid = ?", (uuid,))


def load_lanes(tx: Transaction, uuid: str, shard_id: str) -> list[Progress]:
    rows = tx.rows(
        "SELECT position, progress FROM event_source_lane WHERE uuid = ? AND shard_id = ? ORDER BY lane",
        (uuid, shard_id),
    )
    return [values.load(*row) for row in rows]


def replace_lanes(tx: Transaction, uuid: str, shard_id: str, lanes: Sequence[Progress]) -> None:
    tx.execute("DELETE FROM event_source_lane WHERE uuid = ? AND shard_id = ?", (uuid, shard_id))
    _insert_lanes(tx, uuid, shard_id, lanes)


def load_lane(tx: Transaction, uuid: str, shard_id: str, lane: int) -> tuple[int, Progress]:
    """(revision, progress). Raises CheckpointMoved if there is no such lane any more."""
    row = tx.row(f"SELECT revision, position, progress FROM event_source_lane WHERE {_LANE}", (uuid, shard_id, lane))  # noqa: S608 - constants
    if row is None:
        raise CheckpointMoved(f"{uuid} has no lane {lane} of {shard_id} any more")
    return row[0], values.load(row[1], row[2])


def commit_lane(tx: Transaction, uuid: str, shard_id: str, lane: int, *, revision: int, progress: Progress) -> None:
    """`revision` is the one decided on; the row gets the next. Raises CheckpointMoved."""
    row = tx.row(
        f"UPDATE event_source_lane SET revision = revision + 1, position = ?, progress = ? "  # noqa: S608 - constants
        f"WHERE {_LANE} AND revision = ? RETURNING revision",
        (progress.position, values.dump(progress), uuid, shard_id, lane, revision),
    )
    if row is None:
        raise CheckpointMoved(f"lane {lane} of {shard_id} of {uuid} is not at revision {revision} any more")


def _insert_lanes(tx: Transaction, uuid: str, shard_id: str, lanes: Sequence[Progress]) -> None:
    tx.execute_many(
        "INSERT INTO event_source_lane (uuid, shard_id, lane, revision, position, progress) VALUES (?, ?, ?, 0, ?, ?)",
        [(uuid, shard_id, lane, one.position, values.dump(one)) for lane, one in enumerate(lanes)],
    )
