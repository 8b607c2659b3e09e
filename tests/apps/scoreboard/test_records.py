"""What a batch of change records comes to."""

from typing import Any

import pytest

from apps.scoreboard.test_games import ITEM
from rollup import documents, games, records
from rollup.board import Board, Changes, Rules
from rollup.games import GameKey

G1 = games.read_completed(ITEM)
KEY = GameKey("g1", 1000)
WORSE = {**ITEM, "score": {"N": "1"}}
UNFINISHED = {**ITEM, "completed": {"BOOL": False}}


def record(new: dict[str, Any] | None = None, old: dict[str, Any] | None = None) -> dict[str, Any]:
    image = new or old or {}
    change = {"Keys": {name: image[name] for name in ("event_key", "start_timestamp")}}
    return {"dynamodb": {**change, **({"NewImage": new} if new else {}), **({"OldImage": old} if old else {})}}


def worse() -> Any:
    return games.read_completed(WORSE)


@pytest.mark.parametrize(
    ("case", "batch", "expected"),
    [
        ("nothing", [], Changes()),
        ("played", [record(ITEM)], Changes((G1,))),  # type: ignore[arg-type]  # a game, see test_games
        ("played, delivered twice", [record(ITEM), record(ITEM)], Changes((G1,))),  # type: ignore[arg-type]  # the same
        ("begun", [record(UNFINISHED)], Changes()),
        ("begun and ended", [record(UNFINISHED), record(ITEM, UNFINISHED)], Changes((G1,))),  # type: ignore[arg-type]  # the same
        ("corrected", [record(WORSE, ITEM)], Changes((worse(),), frozenset({KEY}))),
        ("played and corrected", [record(ITEM), record(WORSE, ITEM)], Changes((worse(),), frozenset({KEY}))),
        ("removed", [record(None, ITEM)], Changes((), frozenset({KEY}))),
        ("played and removed", [record(ITEM), record(None, ITEM)], Changes((), frozenset({KEY}))),
        ("declared unfinished", [record(UNFINISHED, ITEM)], Changes((), frozenset({KEY}))),
        ("something else changed", [record({**ITEM, "note": {"S": "x"}}, ITEM)], Changes((G1,))),  # type: ignore[arg-type]  # the same
        ("no game", [record({**ITEM, "score": {"S": "x"}})], Changes(refused=("score is no whole number",))),
        ("no game any more", [record({**ITEM, "score": {"S": "x"}}, ITEM)],
         Changes((), frozenset({KEY}), ("score is no whole number",))),
        ("the board itself", [record(documents.to_item(Board(3, ()), Rules(), now=0))], Changes()),
    ],
)  # fmt: skip
def test_read_changes(case: str, batch: list[dict[str, Any]], expected: Changes) -> None:
    assert records.read_changes(batch) == expected, case


def test_few_of_many_complaints_are_printed() -> None:
    batch = [record({**ITEM, "event_key": {"S": str(n)}, "score": {"S": "x"}}) for n in range(100)]
    assert len(records.read_changes(batch).refused) == records.MAX_REFUSED
