"""A game as its item in the table says it. Items are read in the wire's own form, `{"N": "12"}`, as streams carry them.

    event_key        HASH, text       start_timestamp  RANGE, seconds since 1970
    handle           text             score            whole number
    length_seconds   whole number     completed        true, if the game was played to its end
    achievements     list of {"name": text, "bonus_score": whole number}; may be missing

Anybody may write into the table, so an item may be anything at all: what cannot be a game is `NotAGame`, which is no
reason to fail, since running the function again would not help.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Attribute = Mapping[str, Any]
Item = Mapping[str, Attribute]

#: Readers of the board in JavaScript have no exact whole numbers beyond (Number.MAX_SAFE_INTEGER).
MAX_NUMBER = 2**53 - 1
#: The board is one item of at most 400 KB ("Quotas in Amazon DynamoDB"), so no game may take much of it.
MAX_KEY_BYTES = 128
MAX_HANDLE = 32
MAX_NAME = 24
MAX_NAMES = 4
#: What lasts longer was left running. It also bounds how far back a rebuild of the board has to look.
MAX_LENGTH_SECONDS = 24 * 3600


class NotAGame(Exception):
    """What is wrong with the item."""


@dataclass(frozen=True, slots=True)
class GameKey:
    event_key: str
    start_timestamp: int


@dataclass(frozen=True, slots=True)
class Game:
    key: GameKey
    handle: str
    score: int
    bonus: int
    length_seconds: int
    achievements: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        return self.score + self.bonus

    @property
    def ended_at(self) -> int:
        return self.key.start_timestamp + self.length_seconds


def read_completed(item: Item) -> Game | None:
    """None for a game that was not played to its end."""
    key = GameKey(_text(item, "event_key"), _number(item, "start_timestamp"))
    if item.get("completed") != {"BOOL": True}:
        return None
    if len(key.event_key.encode()) > MAX_KEY_BYTES:
        raise NotAGame(f"event_key has more than {MAX_KEY_BYTES} bytes")
    length_seconds = _number(item, "length_seconds")
    if not 0 <= length_seconds <= MAX_LENGTH_SECONDS:
        raise NotAGame(f"length_seconds is {length_seconds}")
    achievements = [_entry(entry) for entry in item.get("achievements", {}).get("L", ())]
    game = Game(
        key=key,
        handle=_text(item, "handle")[:MAX_HANDLE],
        score=_number(item, "score"),
        bonus=sum(_number(entry, "bonus_score") for entry in achievements),
        length_seconds=length_seconds,
        achievements=tuple(_text(entry, "name")[:MAX_NAME] for entry in achievements[:MAX_NAMES]),
    )
    if abs(game.points) > MAX_NUMBER:
        raise NotAGame(f"{game.points} points")
    return game


def _entry(entry: Attribute) -> Item:
    if not isinstance(entry.get("M"), Mapping):
        raise NotAGame("achievements holds something that is not a map")
    fields: Item = entry["M"]
    return fields


def _text(item: Item, name: str) -> str:
    text = item.get(name, {}).get("S")
    if not isinstance(text, str) or not text:
        raise NotAGame(f"{name} is no text")
    return text


def _number(item: Item, name: str) -> int:
    try:
        number = int(item[name]["N"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotAGame(f"{name} is no whole number") from error
    if abs(number) > MAX_NUMBER:
        raise NotAGame(f"{name} is {number}")
    return number
