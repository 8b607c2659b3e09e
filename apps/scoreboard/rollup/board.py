"""The rule of the board: of all games that ended within the last hour, the best ten, at every moment from now on.

The best ten alone would not do. When the first of them is an hour old and leaves, the eleventh has to come up, and
nobody would know it any more. So the board also keeps the *waiting*: every game that will be among the best as soon as
enough of those above it have left. A game is of no further use exactly when ten others are ranked above it and leave
no earlier than it does. Of ten thousand games at random that keeps about eighty.

`standing` is that choice. Merging is choosing from the union, and it makes no difference in which order, in how many
portions or how often games come in: standing(A + B) = standing(standing(A) + B). Time only takes away, from the same
side for everybody. So duplicates, late records and shards that overtake each other need no rule of their own.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rollup.games import Game, GameKey

#: A clock may be ahead of ours by so much; a game that ends later than that has not been played.
CLOCK_SLACK_SECONDS = 60
#: Scores that fall for an hour would all be kept waiting (each worse, each leaving later). So many games of 810 bytes,
#: the very most, are within an item's 400 KB; past it the lowest in rank are forgotten, the best of the moment never.
MAX_STANDING = 400


@dataclass(frozen=True, slots=True)
class Rules:
    size: int = 10
    window_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Board:
    """`games` in order of rank; the first of them, as many as the board is long, are the best."""

    version: int = 0
    games: tuple[Game, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch of records comes to: games as they are now, and games that are no longer what they were."""

    finished: tuple[Game, ...] = ()
    withdrawn: frozenset[GameKey] = frozenset()
    refused: tuple[str, ...] = ()
    """What was wrong with items that are no games."""


def rank(game: Game) -> tuple[int, int, bytes, int]:
    """Smaller is better. Of equal points the later game stands above; the key decides the rest, so all agree."""
    return (-game.points, -game.ended_at, game.key.event_key.encode(), game.key.start_timestamp)


def is_current(game: Game, rules: Rules, *, now: float) -> bool:
    return now - rules.window_seconds < game.ended_at <= now + CLOCK_SLACK_SECONDS


def standing(games: Iterable[Game], rules: Rules, *, now: float) -> tuple[Game, ...]:
    """The best and the waiting, in order of rank."""
    chosen: list[Game] = []
    seen: set[GameKey] = set()
    leave_last: list[int] = []
    """When the last `size` of those above leave; a heap, the earliest of them first."""
    for game in sorted((game for game in games if is_current(game, rules, now=now)), key=rank):
        if game.key in seen or len(chosen) == MAX_STANDING:
            continue
        if len(leave_last) < rules.size:
            heapq.heappush(leave_last, game.ended_at)
        elif game.ended_at > leave_last[0]:
            heapq.heapreplace(leave_last, game.ended_at)
        else:
            continue
        seen.add(game.key)
        chosen.append(game)
    return tuple(chosen)


def fold(board: Board, changes: Changes, rules: Rules, *, now: float) -> tuple[Game, ...]:
    """What stands after the changes, unless `must_rebuild`."""
    kept = [game for game in board.games if game.key not in changes.withdrawn]
    return standing((*kept, *changes.finished), rules, now=now)


def must_rebuild(board: Board, changes: Changes, rules: Rules, *, now: float) -> bool:
    """Whether a game that stands was taken back or made worse, so that those it kept off the board are to be found."""
    finished = {game.key: game for game in changes.finished}
    return any(
        is_current(game, rules, now=now) and not _is_as_good(finished.get(game.key), game)
        for game in board.games
        if game.key in changes.withdrawn
    )


def best(games: Sequence[Game], rules: Rules, *, now: float) -> tuple[Game, ...]:
    """What a reader shows of what stands: he may come long after the last change."""
    return tuple(game for game in games if is_current(game, rules, now=now))[: rules.size]


def _is_as_good(replacement: Game | None, game: Game) -> bool:
    return replacement is not None and rank(replacement) <= rank(game) and replacement.ended_at >= game.ended_at
