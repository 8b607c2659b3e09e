"""Migrations: numbered SQL files, applied in order, the number of the last one kept in the database.

A data directory of a newer program is refused, never guessed at.
"""

from pathlib import Path

import apsw

from lambent.storage.errors import SchemaTooNew


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the database to this program's schema, in one transaction. Raises SchemaTooNew."""
    scripts = _scripts()
    newest = max(scripts)
    current = connection.pragma("user_version")
    if current > newest:
        raise SchemaTooNew(
            f"{path.parent} was written by a newer Lambent (schema {current}, this one knows {newest}); "
            "upgrade Lambent or choose another directory with --data"
        )
    if current == newest:
        return
    with connection:
        for number in sorted(scripts):
            if number > current:
                connection.execute(scripts[number])
        connection.execute(f"PRAGMA user_version={newest}")


def _scripts() -> dict[int, str]:
    """`001_log.sql` -> {1: "CREATE TABLE ..."}"""
    files = (Path(__file__).parent / "migrations").glob("*.sql")
    return {int(file.name.partition("_")[0]): file.read_text(encoding="utf-8") for file in files}
