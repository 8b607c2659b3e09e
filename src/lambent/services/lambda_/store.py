"""All SQL about functions, their policies and their event invoke configurations."""

from collections.abc import Mapping, Sequence

import orjson

from lambent.services.lambda_.configuration import Function, FunctionConfiguration
from lambent.services.lambda_.event_invoke import EventInvokeConfig
from lambent.services.lambda_.names import FunctionKey
from lambent.services.lambda_.policies import Statement
from lambent.storage.transaction import Row, Transaction

_COLUMNS = (
    "account_id, region, name, configuration, package_sha256, package_bytes, revision_id, modified_ms, "
    "reserved_concurrency, tags, recursive_loop"
)


def insert_function(tx: Transaction, function: Function) -> bool:
    """False if the name is taken."""
    key = function.key
    inserted = tx.row(
        f"INSERT INTO lambda_function ({_COLUMNS}, policy, policy_revision_id) "  # noqa: S608 - constants
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', '') ON CONFLICT DO NOTHING RETURNING name",
        (
            *(key.account_id, key.region, key.name, _dump(function.configuration), function.package_sha256),
            *(function.package_bytes, function.revision_id, function.modified_ms),
            *(function.reserved_concurrency, orjson.dumps(dict(function.tags)).decode(), function.recursive_loop),
        ),
    )
    return inserted is not None


def find_function(tx: Transaction, key: FunctionKey) -> Function | None:
    row = tx.row(
        f"SELECT {_COLUMNS} FROM lambda_function "  # noqa: S608 - constants
        "WHERE account_id = ? AND region = ? AND name = ?",
        (key.account_id, key.region, key.name),
    )
    return _function(row) if row else None


def functions_after(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[Function]:
    """In the order of their names, from the first behind `after`."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM lambda_function "  # noqa: S608 - constants
        "WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        (account_id, region, after, limit),
    )
    return [_function(row) for row in rows]


def runtimes_in_use(tx: Transaction) -> list[str]:
    """Of all functions, each once."""
    return sorted({_function(row).configuration.runtime for row in tx.rows(f"SELECT {_COLUMNS} FROM lambda_function")})  # noqa: S608 - constants


def update_function(tx: Transaction, function: Function) -> None:
    """Code and configuration, with revision and time; reserve, tags and policy stay."""
    key = function.key
    tx.execute(
        "UPDATE lambda_function SET configuration = ?, package_sha256 = ?, package_bytes = ?, revision_id = ?, "
        "modified_ms = ? WHERE account_id = ? AND region = ? AND name = ?",
        (
            *(_dump(function.configuration), function.package_sha256, function.package_bytes),
            *(function.revision_id, function.modified_ms, key.account_id, key.region, key.name),
        ),
    )


def delete_function(tx: Transaction, key: FunctionKey) -> bool:
    """With its event invoke configurations. False if there was none."""
    place = (key.account_id, key.region, key.name)
    tx.execute("DELETE FROM lambda_event_invoke_config WHERE account_id = ? AND region = ? AND name = ?", place)
    deleted = tx.row(
        "DELETE FROM lambda_function WHERE account_id = ? AND region = ? AND name = ? RETURNING name", place
    )
    return deleted is not None


def package_is_used(tx: Transaction, sha256: str) -> bool:
    return tx.row("SELECT 1 FROM lambda_function WHERE package_sha256 = ? LIMIT 1", (sha256,)) is not None


def account_usage(tx: Transaction, account_id: str, region: str) -> tuple[int, int]:
    """(functions, bytes of their packages)."""
    row = tx.row(
        "SELECT count(*), coalesce(sum(package_bytes), 0) FROM lambda_function WHERE account_id = ? AND region = ?",
        (account_id, region),
    )
    assert row is not None
    return row[0], row[1]


def reserved_in_account(tx: Transaction, account_id: str, region: str) -> int:
    """Concurrency that all functions together have set aside."""
    row = tx.row(
        "SELECT coalesce(sum(reserved_concurrency), 0) FROM lambda_function WHERE account_id = ? AND region = ?",
        (account_id, region),
    )
    assert row is not None
    reserved: int = row[0]
    return reserved


def set_reserved_concurrency(tx: Transaction, key: FunctionKey, reserved: int | None) -> None:
    tx.execute(
        "UPDATE lambda_function SET reserved_concurrency = ? WHERE account_id = ? AND region = ? AND name = ?",
        (reserved, key.account_id, key.region, key.name),
    )


def set_recursive_loop(tx: Transaction, key: FunctionKey, recursive_loop: str) -> None:
    tx.execute(
        "UPDATE lambda_function SET recursive_loop = ? WHERE account_id = ? AND region = ? AND name = ?",
        (recursive_loop, key.account_id, key.region, key.name),
    )


def set_tags(tx: Transaction, key: FunctionKey, tags: Mapping[str, str]) -> None:
    tx.execute(
        "UPDATE lambda_function SET tags = ? WHERE account_id = ? AND region = ? AND name = ?",
        (orjson.dumps(dict(tags)).decode(), key.account_id, key.region, key.name),
    )


def find_policy(tx: Transaction, key: FunctionKey) -> tuple[list[Statement], str] | None:
    """(statements, revision id); None if there is no such function."""
    row = tx.row(
        "SELECT policy, policy_revision_id FROM lambda_function WHERE account_id = ? AND region = ? AND name = ?",
        (key.account_id, key.region, key.name),
    )
    return (orjson.loads(row[0]), row[1]) if row else None


def set_policy(tx: Transaction, key: FunctionKey, *, statements: Sequence[Statement], revision_id: str) -> None:
    tx.execute(
        "UPDATE lambda_function SET policy = ?, policy_revision_id = ? "
        "WHERE account_id = ? AND region = ? AND name = ?",
        (orjson.dumps(list(statements)).decode(), revision_id, key.account_id, key.region, key.name),
    )


def put_event_invoke_config(tx: Transaction, key: FunctionKey, qualifier: str, config: EventInvokeConfig) -> None:
    tx.execute(
        "INSERT INTO lambda_event_invoke_config (account_id, region, name, qualifier, modified_ms, "
        "maximum_retry_attempts, maximum_age_seconds, on_success, on_failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (account_id, region, name, qualifier) DO UPDATE SET modified_ms = excluded.modified_ms, "
        "maximum_retry_attempts = excluded.maximum_retry_attempts, "
        "maximum_age_seconds = excluded.maximum_age_seconds, "
        "on_success = excluded.on_success, on_failure = excluded.on_failure",
        (
            *(key.account_id, key.region, key.name, qualifier, config.modified_ms),
            *(config.maximum_retry_attempts, config.maximum_age_seconds),
            *(config.on_success, config.on_failure),
        ),
    )


def find_event_invoke_config(tx: Transaction, key: FunctionKey, qualifier: str) -> EventInvokeConfig | None:
    row = tx.row(
        "SELECT modified_ms, maximum_retry_attempts, maximum_age_seconds, on_success, on_failure "
        "FROM lambda_event_invoke_config WHERE account_id = ? AND region = ? AND name = ? AND qualifier = ?",
        (key.account_id, key.region, key.name, qualifier),
    )
    return EventInvokeConfig(*row) if row else None


def delete_event_invoke_config(tx: Transaction, key: FunctionKey, qualifier: str) -> bool:
    """False if there was none."""
    deleted = tx.row(
        "DELETE FROM lambda_event_invoke_config "
        "WHERE account_id = ? AND region = ? AND name = ? AND qualifier = ? RETURNING name",
        (key.account_id, key.region, key.name, qualifier),
    )
    return deleted is not None


def _dump(configuration: FunctionConfiguration) -> str:
    return orjson.dumps(configuration).decode()


def _function(row: Row) -> Function:
    account_id, region, name, configuration, sha256, size, revision_id, modified_ms, *settings = row
    reserved, tags, recursive_loop = settings
    return Function(
        key=FunctionKey(account_id, region, name),
        configuration=FunctionConfiguration(**orjson.loads(configuration)),
        package_sha256=sha256,
        package_bytes=size,
        revision_id=revision_id,
        modified_ms=modified_ms,
        reserved_concurrency=reserved,
        tags=orjson.loads(tags),
        recursive_loop=recursive_loop,
    )
