"""Functions that read, fold and write at the same time, die at any step and begin again: the board ends up the same.

The steps are those of `keeper`, one at a time in an order of hypothesis' choice; the table is a variable.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from apps.scoreboard.test_board import NOW, RULES, game
from rollup import board
from rollup.board import Board, Changes
from rollup.games import Game


@dataclass
class Table:
    board: Board
    writes: int = 0


def work(table: Table, batches: list[list[Game]]) -> Iterator[None]:
    """Stops after each step; what was not finished is delivered again."""
    for batch in batches:
        while True:
            read = table.board
            yield
            games = board.fold(read, Changes(tuple(batch)), RULES, now=NOW)
            if games == read.games:
                break
            if table.board.version == read.version:
                table.board = Board(read.version + 1, games)
                table.writes += 1
                break
            yield


_games = st.lists(
    st.builds(game, st.integers(0, 30), st.integers(NOW - 99, NOW)),
    min_size=1,
    max_size=24,
    unique_by=lambda one: one.key,
)
_turns = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=80)


@given(_games, _turns, st.integers(1, 6))
def test_any_interleaving_ends_with_the_same_board(games: list[Game], turns: list[tuple[int, int]], size: int) -> None:
    table = Table(Board())
    shards = [_batches(games[number::3], size) for number in range(3)]
    shards.append(_batches(games[::-1], size))  # everything once more, in another order
    workers = [work(table, batches) for batches in shards]
    for number, chance in turns:
        if chance == 0:
            workers[number] = work(table, shards[number])  # it died, and its shard is read again
        next(workers[number], None)
    for worker in workers:
        list(worker)
    assert table.board.games == board.standing(games, RULES, now=NOW)
    assert table.board.version == table.writes, "every write was of a board that differed"


def _batches(games: list[Game], size: int) -> list[list[Game]]:
    return [games[start : start + size] for start in range(0, len(games), size)]
