"""What the function's environment variables say, checked once, when the execution environment starts.

SCOREBOARD_TABLE            the table of games, which also holds the board
SCOREBOARD_BUCKET           optional: the website that shows the board, and gets board.json
SCOREBOARD_SIZE             optional: how many games are on the board (10)
SCOREBOARD_WINDOW_SECONDS   optional: for how long a game counts (3600)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rollup.board import Rules

#: Of a hundred thousand games at random, so long a board keeps as many as `board.MAX_STANDING`.
MAX_SIZE = 50


class Misconfigured(Exception):
    """The environment variables cannot work; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    table: str
    bucket: str | None
    rules: Rules


def from_environment(variables: Mapping[str, str]) -> Settings:
    table = variables.get("SCOREBOARD_TABLE", "").strip()
    if not table:
        raise Misconfigured(
            "The environment variable SCOREBOARD_TABLE is missing: set it in the function's configuration."
        )
    return Settings(
        table=table,
        bucket=variables.get("SCOREBOARD_BUCKET", "").strip() or None,
        rules=Rules(
            size=_number(variables, "SCOREBOARD_SIZE", default=10, most=MAX_SIZE),
            window_seconds=_number(variables, "SCOREBOARD_WINDOW_SECONDS", default=3600, most=24 * 3600),
        ),
    )


def _number(variables: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = variables.get(name, "").strip() or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Misconfigured(
            f"The environment variable {name} must be a whole number from 1 to {most}, but is {text!r}."
        )
    return int(text)
