"""What stands on the board. The measure is a plain one: at any moment, sort all games that count and take the first."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollup import board, documents
from rollup.board import MAX_STANDING, Board, Changes, Rules
from rollup.games import Game, GameKey

NOW = 10_000
RULES = Rules(size=3, window_seconds=100)


def game(points: int, ended_at: int, key: str = "") -> Game:
    return Game(
        GameKey(key or f"{points}@{ended_at}", ended_at), f"by {points}", score=points, bonus=0, length_seconds=0
    )


def best_of_all(games: list[Game], rules: Rules, now: float) -> list[Game]:
    """The definition, without any economy."""
    current = {one for one in games if now - rules.window_seconds < one.ended_at <= now + board.CLOCK_SLACK_SECONDS}
    return sorted(current, key=board.rank)[: rules.size]


_games = st.lists(
    st.builds(game, st.integers(0, 30), st.integers(NOW - 130, NOW + 60), st.sampled_from(["", "a", "b"])),
    max_size=60,
    unique_by=lambda one: one.key,
)


@pytest.mark.parametrize(
    ("case", "games", "stands"),
    [
        ("nobody played", [], []),
        ("better ones first", [game(1, NOW), game(3, NOW), game(2, NOW)], [(3, 0), (2, 0), (1, 0)]),
        ("of equal points the later first", [game(1, NOW - 9), game(1, NOW)], [(1, 0), (1, -9)]),
        ("exactly the window old", [game(9, NOW - 100), game(1, NOW - 99)], [(1, -99)]),
        ("not played yet", [game(9, NOW + 61), game(1, NOW + 60)], [(1, 60)]),
        (
            "waits until a better one leaves",
            [game(9, NOW - 5), game(8, NOW), game(7, NOW), game(1, NOW - 4)],
            [(9, -5), (8, 0), (7, 0), (1, -4)],
        ),
        (
            "leaves before all the better ones",
            [game(9, NOW - 5), game(8, NOW), game(7, NOW), game(1, NOW - 6)],
            [(9, -5), (8, 0), (7, 0)],
        ),
        ("twice the same", [game(5, NOW), game(5, NOW)], [(5, 0)]),
    ],
)
def test_standing(case: str, games: list[Game], stands: list[tuple[int, int]]) -> None:
    found = board.standing(games, RULES, now=NOW)
    assert [(one.points, one.ended_at - NOW) for one in found] == stands, case


@given(_games, st.integers(0, 250))
def test_what_stands_shows_the_best_of_all_at_every_later_moment(games: list[Game], later: int) -> None:
    stands = board.standing(games, RULES, now=NOW)
    not_before = [one for one in games if board.is_current(one, RULES, now=NOW)]
    assert list(board.best(stands, RULES, now=NOW + later)) == best_of_all(not_before, RULES, NOW + later)


@given(_games, st.data())
def test_order_portions_and_duplicates_make_no_difference(games: list[Game], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(games))) if games else []
    delivered = data.draw(st.permutations([*games, *again]))
    times = sorted(data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=8)))
    kept: tuple[Game, ...] = ()
    for number, time in enumerate(times):
        portion = delivered[number :: len(times)]
        kept = board.fold(Board(games=kept), Changes(tuple(portion)), RULES, now=NOW + time)
    assert kept == board.standing(games, RULES, now=NOW + times[-1])


@given(_games, _games)
def test_standing_of_a_union(some: list[Game], others: list[Game]) -> None:
    distinct = {one.key: one for one in (*others, *some)}
    some, others = ([one for one in part if distinct[one.key] == one] for part in (some, others))
    separately = board.standing((*board.standing(some, RULES, now=NOW), *others), RULES, now=NOW)
    assert separately == board.standing((*some, *others), RULES, now=NOW)


def test_ten_thousand_games_at_random_keep_about_eighty() -> None:
    dice = random.Random(1)
    games = [game(dice.randrange(10**9), NOW - dice.randrange(3600)) for _ in range(10_000)]
    assert 50 < len(board.standing(games, Rules(), now=NOW)) < 120


def test_falling_scores_cannot_fill_the_item() -> None:
    longest = Game(
        GameKey("k" * 128, NOW),
        "\U0001f600" * 32,
        score=-(2**53),
        bonus=-(2**53),
        length_seconds=86_400,
        achievements=("\U0001f600" * 24,) * 4,
    )
    games = [
        Game(GameKey(f"{n:0128}", NOW - 1500 + n), longest.handle, -n, 0, 0, longest.achievements) for n in range(1000)
    ]
    stands = board.standing(games, Rules(), now=NOW)
    assert len(stands) == MAX_STANDING
    assert stands[:10] == tuple(best_of_all(games, Rules(), NOW))
    item = documents.to_item(Board(1, (longest,) * MAX_STANDING), Rules(), now=NOW)
    assert _size(item) < 400 * 1024


def _size(attributes: dict[str, dict[str, object]]) -> int:
    """By "DynamoDB item sizes and formats", numbers at their largest."""
    return sum(len(name.encode()) + _value_size(value) for name, value in attributes.items())


def _value_size(value: dict[str, object]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        assert isinstance(content, dict)
        return 3 + len(content) + _size(content)
    if kind == "L":
        assert isinstance(content, list)
        return 3 + sum(1 + _value_size(one) for one in content)
    return 21 if kind == "N" else len(str(content).encode())


@pytest.mark.parametrize(
    ("case", "replacement", "expected"),
    [
        ("taken back", None, True),
        ("made worse", game(4, NOW, "k"), True),
        ("leaves earlier", Game(GameKey("k", NOW), "", 5, 0, -1), True),
        ("made better", game(6, NOW, "k"), False),
        ("another handle", Game(GameKey("k", NOW), "anew", 5, 0, 0), False),
    ],
)
def test_a_game_taken_back_lets_others_come_up(case: str, replacement: Game | None, expected: bool) -> None:
    stands = Board(1, (game(5, NOW, "k"), game(1, NOW)))
    changes = Changes((replacement,) if replacement else (), frozenset({GameKey("k", NOW)}))
    assert board.must_rebuild(stands, changes, RULES, now=NOW) is expected, case
    if replacement and not expected:
        assert board.fold(stands, changes, RULES, now=NOW)[0] == replacement


def test_what_does_not_stand_may_be_taken_back_for_nothing() -> None:
    stands = Board(1, (game(5, NOW, "k"), game(1, NOW)))
    elsewhere = Changes((), frozenset({GameKey("other", NOW)}))
    assert not board.must_rebuild(stands, elsewhere, RULES, now=NOW)
    long_ago = Changes((), frozenset({GameKey("k", NOW)}))
    assert not board.must_rebuild(stands, long_ago, RULES, now=NOW + 100)


@given(_games)
def test_documents_have_an_inverse(games: list[Game]) -> None:
    stands = Board(7, board.standing(games, RULES, now=NOW))
    assert documents.from_item(documents.to_item(stands, RULES, now=NOW)) == stands
