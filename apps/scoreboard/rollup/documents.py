"""The board as an item of the table and as the JSON that the page reads. Both are for everybody: all is spelt out.

The item has the well-known key `scoreboard`, 0. A reader takes `best`, leaves out what ended more than `window_seconds`
ago, and fills up from `waiting`; both are in order of rank.
"""

import json
from typing import Any

from rollup.board import Board, Rules
from rollup.games import Game, GameKey, Item

BOARD_KEY: Item = {"event_key": {"S": "scoreboard"}, "start_timestamp": {"N": "0"}}


def to_item(board: Board, rules: Rules, *, now: float) -> dict[str, Any]:
    return {
        **BOARD_KEY,
        "version": {"N": str(board.version)},
        "updated_at": {"N": str(int(now))},
        "size": {"N": str(rules.size)},
        "window_seconds": {"N": str(rules.window_seconds)},
        "best": {"L": [_to_attribute(game) for game in board.games[: rules.size]]},
        "waiting": {"L": [_to_attribute(game) for game in board.games[rules.size :]]},
    }


def from_item(item: Item | None) -> Board:
    if item is None:
        return Board()
    entries = (*item["best"]["L"], *item["waiting"]["L"])
    return Board(int(item["version"]["N"]), tuple(_from_attribute(entry["M"]) for entry in entries))


def to_json(board: Board, rules: Rules, *, now: float) -> bytes:
    document = {
        "version": board.version,
        "updated_at": int(now),
        "size": rules.size,
        "window_seconds": rules.window_seconds,
        "best": [_to_document(game) for game in board.games[: rules.size]],
        "waiting": [_to_document(game) for game in board.games[rules.size :]],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _to_document(game: Game) -> dict[str, Any]:
    return {
        "event_key": game.key.event_key,
        "start_timestamp": game.key.start_timestamp,
        "handle": game.handle,
        "score": game.score,
        "bonus": game.bonus,
        "points": game.points,
        "length_seconds": game.length_seconds,
        "ended_at": game.ended_at,
        "achievements": list(game.achievements),
    }


def _to_attribute(game: Game) -> dict[str, Any]:
    fields = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in _to_document(game).items()
        if name != "achievements"
    }
    return {"M": {**fields, "achievements": {"L": [{"S": name} for name in game.achievements]}}}


def _from_attribute(fields: Item) -> Game:
    return Game(
        key=GameKey(fields["event_key"]["S"], int(fields["start_timestamp"]["N"])),
        handle=fields["handle"]["S"],
        score=int(fields["score"]["N"]),
        bonus=int(fields["bonus"]["N"]),
        length_seconds=int(fields["length_seconds"]["N"]),
        achievements=tuple(name["S"] for name in fields["achievements"]["L"]),
    )
