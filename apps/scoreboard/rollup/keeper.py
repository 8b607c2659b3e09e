"""The board in its table: read, folded, written back if nobody else wrote meanwhile, or else all over again.

The condition is on the version, so of two functions that read the same board one has to look again. Nothing is lost by
that, and nothing counted twice, whatever the order (see `board`).
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rollup import board as rules_of_board
from rollup import documents
from rollup.board import Board, Changes, Rules
from rollup.games import MAX_LENGTH_SECONDS, Game, NotAGame, read_completed

#: Ten functions at once (the most that a shard can have, and shards are few) each lose to the nine others at the worst.
#: After all attempts the batch fails, and is delivered again.
ATTEMPTS = 40
MAX_PAUSE_SECONDS = 0.1


class TooMuchCompetition(Exception):
    """Others have written the board between our reading and our writing, every time."""


@dataclass(frozen=True, slots=True)
class Kept:
    board: Board
    changed: bool
    rebuilt: bool = False


class BoardKeeper:
    def __init__(self, dynamodb: Any, table: str, rules: Rules, *, now: Callable[[], float] = time.time) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._rules = rules
        self._now = now

    def apply(self, changes: Changes, *, rebuild: bool = False) -> Kept:
        """Writes only what differs; what is an hour old by now goes, even if nothing comes."""
        for attempt in range(ATTEMPTS):
            board = self._read()
            now = self._now()
            rebuilt = rebuild or rules_of_board.must_rebuild(board, changes, self._rules, now=now)
            if rebuilt:
                games = rules_of_board.standing(self._completed_games(now), self._rules, now=now)
            else:
                games = rules_of_board.fold(board, changes, self._rules, now=now)
            if games == board.games:
                return Kept(board, changed=False, rebuilt=rebuilt)
            written = Board(board.version + 1, games)
            if self._write(written, now):
                return Kept(written, changed=True, rebuilt=rebuilt)
            time.sleep(random.uniform(0, min(MAX_PAUSE_SECONDS, 0.002 * 2**attempt)))
        raise TooMuchCompetition(f"{ATTEMPTS} attempts to write the board")

    def _read(self) -> Board:
        answer = self._dynamodb.get_item(TableName=self._table, Key=documents.BOARD_KEY, ConsistentRead=True)
        return documents.from_item(answer.get("Item"))

    def _write(self, board: Board, now: float) -> bool:
        """Whether the board was still as it was read."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(event_key)"}
        if board.version > 1:
            condition = {
                "ConditionExpression": "#version = :read",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":read": {"N": str(board.version - 1)}},
            }
        item = documents.to_item(board, self._rules, now=now)
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _completed_games(self, now: float) -> Iterator[Game]:
        """All that may count, from the table itself: a look at every item, so only for what is rare."""
        earliest = int(now) - self._rules.window_seconds - MAX_LENGTH_SECONDS
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="completed = :true AND start_timestamp > :earliest",
            ExpressionAttributeValues={":true": {"BOOL": True}, ":earliest": {"N": str(earliest)}},
        )
        for item in (item for page in pages for item in page["Items"]):
            try:
                game = read_completed(item)
            except NotAGame:
                continue
            if game is not None:
                yield game
