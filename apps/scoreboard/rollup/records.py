"""What a batch of change records comes to. Of one key's records the last counts, since they are in order."""

from collections.abc import Iterable
from typing import Any

from rollup.board import Changes
from rollup.documents import BOARD_KEY
from rollup.games import Game, GameKey, Item, NotAGame, read_completed

#: Reasons printed for one batch, at most.
MAX_REFUSED = 5


def read_changes(records: Iterable[dict[str, Any]]) -> Changes:
    """Records need both images (NEW_AND_OLD_IMAGES); with new images alone, removed games stay on the board."""
    finished: dict[GameKey, Game] = {}
    withdrawn: set[GameKey] = set()
    refused: list[str] = []
    for record in records:
        change = record.get("dynamodb", {})
        if change.get("Keys", {}).get("event_key") == BOARD_KEY["event_key"]:  # our own writing, were it not filtered
            continue
        old = _read(change.get("OldImage"), [])
        new = _read(change.get("NewImage"), refused)
        if old is not None:
            finished.pop(old.key, None)
            if new != old:
                withdrawn.add(old.key)
        if new is not None:
            finished[new.key] = new
    return Changes(tuple(finished.values()), frozenset(withdrawn), tuple(refused[:MAX_REFUSED]))


def _read(image: Item | None, refused: list[str]) -> Game | None:
    try:
        return read_completed(image) if image else None
    except NotAGame as error:
        refused.append(str(error))
        return None
