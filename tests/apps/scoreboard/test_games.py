"""What is a game, and what is none."""

from typing import Any

import pytest

from rollup import games
from rollup.games import Game, GameKey, NotAGame

ITEM: dict[str, Any] = {
    "event_key": {"S": "g1"},
    "start_timestamp": {"N": "1000"},
    "handle": {"S": "ann"},
    "score": {"N": "90"},
    "length_seconds": {"N": "60"},
    "completed": {"BOOL": True},
    "achievements": {
        "L": [
            {"M": {"name": {"S": "untouched"}, "bonus_score": {"N": "10"}}},
            {"M": {"name": {"S": "late"}, "bonus_score": {"N": "-3"}}},
        ]
    },
}


def test_a_completed_game() -> None:
    game = games.read_completed(ITEM)
    assert game == Game(
        GameKey("g1", 1000), "ann", score=90, bonus=7, length_seconds=60, achievements=("untouched", "late")
    )
    assert (game.points, game.ended_at) == (97, 1060)


@pytest.mark.parametrize("change", [{"completed": {"BOOL": False}}, {"completed": {"S": "yes"}}, {"completed": {}}])
def test_a_game_that_was_left_does_not_count(change: dict[str, Any]) -> None:
    assert games.read_completed({**ITEM, **change}) is None


def test_long_texts_are_cut() -> None:
    entry = {"M": {"name": {"S": "n" * 100}, "bonus_score": {"N": "1"}}}
    game = games.read_completed({**ITEM, "handle": {"S": "😀" * 100}, "achievements": {"L": [entry] * 9}})
    assert game is not None
    assert (game.handle, game.achievements, game.bonus) == ("😀" * 32, ("n" * 24,) * 4, 9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"event_key": {"S": "k" * 129}}, "event_key has more than 128 bytes"),
        ({"event_key": {"N": "1"}}, "event_key is no text"),
        ({"start_timestamp": {"N": "1.5"}}, "start_timestamp is no whole number"),
        ({"handle": {"S": ""}}, "handle is no text"),
        ({"handle": {"NULL": True}}, "handle is no text"),
        ({"score": {"S": "90"}}, "score is no whole number"),
        ({"score": {"N": "1e3"}}, "score is no whole number"),
        ({"score": {"N": "9007199254740992"}}, "score is 9007199254740992"),
        ({"score": {"N": "9007199254740991"}}, "9007199254740998 points"),
        ({"length_seconds": {"N": "-1"}}, "length_seconds is -1"),
        ({"length_seconds": {"N": "86401"}}, "length_seconds is 86401"),
        ({"achievements": {"L": [{"S": "x"}]}}, "achievements holds something that is not a map"),
        ({"achievements": {"L": [{"M": {"name": {"S": "x"}}}]}}, "bonus_score is no whole number"),
    ],
)
def test_no_game(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotAGame) as raised:
        games.read_completed({**ITEM, **change})
    assert str(raised.value) == sentence
