"""All SQL about event source mappings themselves; how far they have got is `delivery`'s business."""

from collections.abc import Mapping, Sequence

import orjson

from lambent.services.lambda_.event_source_mappings import TOPIC, EventSourceMapping, Options, StartingPosition, State
from lambent.storage.transaction import Row, Transaction

_COLUMNS = (
    "uuid, account_id, region, source_arn, function_arn, generation, state, last_result, modified_ms, options, tags, "
    "role_arn"
)


def insert_mapping(tx: Transaction, mapping: EventSourceMapping) -> None:
    """Source and function must not be mapped yet."""
    tx.execute(
        f"INSERT INTO event_source_mapping ({_COLUMNS}) "  # noqa: S608 - constants
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(mapping.uuid, mapping.account_id, mapping.region, mapping.source_arn, mapping.function_arn),
            *(mapping.generation, mapping.state.value, mapping.last_result, mapping.modified_ms),
            *(_dump(mapping.options), orjson.dumps(dict(mapping.tags)).decode(), mapping.role_arn),
        ),
    )
    tx.announce(TOPIC)


def find_mapping(tx: Transaction, uuid: str) -> EventSourceMapping | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM event_source_mapping WHERE uuid = ?", (uuid,))  # noqa: S608 - constants
    return _mapping(row) if row else None


def find_mapping_of(
    tx: Transaction, account_id: str, region: str, *, source_arn: str, function_arn: str
) -> EventSourceMapping | None:
    row = tx.row(
        f"SELECT {_COLUMNS} FROM event_source_mapping "  # noqa: S608 - constants
        "WHERE account_id = ? AND region = ? AND source_arn = ? AND function_arn = ?",
        (account_id, region, source_arn, function_arn),
    )
    return _mapping(row) if row else None


def find_mapping_of_2014(tx: Transaction, account_id: str, region: str, source_arn: str) -> EventSourceMapping | None:
    """The one that AddEventSource made for a source."""
    row = tx.row(
        f"SELECT {_COLUMNS} FROM event_source_mapping "  # noqa: S608 - constants
        "WHERE account_id = ? AND region = ? AND source_arn = ? AND role_arn <> '' ORDER BY uuid LIMIT 1",
        (account_id, region, source_arn),
    )
    return _mapping(row) if row else None


def list_mappings(
    tx: Transaction, account_id: str, region: str, *, source_arn: str, function_arn: str, after: str, limit: int
) -> list[EventSourceMapping]:
    """By uuid, from the first behind `after`; "" for a source or function means any."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM event_source_mapping "  # noqa: S608 - constants
        "WHERE account_id = ? AND region = ? AND uuid > ? AND (? = '' OR source_arn = ?) "
        "AND (? = '' OR function_arn = ?) ORDER BY uuid LIMIT ?",
        (account_id, region, after, source_arn, source_arn, function_arn, function_arn, limit),
    )
    return [_mapping(row) for row in rows]


def all_mappings(tx: Transaction) -> Sequence[EventSourceMapping]:
    rows = tx.rows(f"SELECT {_COLUMNS} FROM event_source_mapping ORDER BY uuid")  # noqa: S608 - constants
    return [_mapping(row) for row in rows]


def update_mapping(tx: Transaction, mapping: EventSourceMapping) -> None:
    """What somebody asked for: `mapping` is of the next generation."""
    tx.execute(
        "UPDATE event_source_mapping SET function_arn = ?, generation = ?, state = ?, modified_ms = ?, options = ?, "
        "role_arn = ? WHERE uuid = ?",
        (
            *(mapping.function_arn, mapping.generation, mapping.state.value, mapping.modified_ms),
            *(_dump(mapping.options), mapping.role_arn, mapping.uuid),
        ),
    )
    tx.announce(TOPIC)


def settle_mapping(tx: Transaction, mapping: EventSourceMapping, state: State, now_ms: int) -> None:
    """The pollers have caught up with this generation; nothing happens if there is a newer one by now."""
    tx.execute(
        "UPDATE event_source_mapping SET state = ?, modified_ms = ? WHERE uuid = ? AND generation = ?",
        (state.value, now_ms, mapping.uuid, mapping.generation),
    )


def set_last_result(tx: Transaction, uuid: str, result: str) -> None:
    tx.execute(
        "UPDATE event_source_mapping SET last_result = ? WHERE uuid = ? AND last_result <> ?", (result, uuid, result)
    )


def set_tags(tx: Transaction, uuid: str, tags: Mapping[str, str]) -> None:
    tx.execute("UPDATE event_source_mapping SET tags = ? WHERE uuid = ?", (orjson.dumps(dict(tags)).decode(), uuid))


def delete_mapping(tx: Transaction, uuid: str) -> None:
    tx.execute("DELETE FROM event_source_mapping WHERE uuid = ?", (uuid,))


def _dump(options: Options) -> str:
    return orjson.dumps(options).decode()


def _mapping(row: Row) -> EventSourceMapping:
    uuid, account_id, region, source_arn, function_arn, generation, state, last_result, modified_ms, *rest = row
    options, tags, role_arn = rest
    return EventSourceMapping(
        uuid=uuid,
        account_id=account_id,
        region=region,
        source_arn=source_arn,
        function_arn=function_arn,
        generation=generation,
        state=State(state),
        last_result=last_result,
        modified_ms=modified_ms,
        options=_options(orjson.loads(options)),
        tags=orjson.loads(tags),
        role_arn=role_arn,
    )


def _options(document: dict[str, object]) -> Options:
    position = StartingPosition(document.pop("starting_position"))
    filters = document.pop("filters")
    assert isinstance(filters, list)
    return Options(starting_position=position, filters=tuple(filters), **document)  # type: ignore[arg-type]  # our own JSON
