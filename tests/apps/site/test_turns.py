"""Whose turn it is to build."""

import pytest

from sitebuilder import turns
from sitebuilder.turns import CLOCK_SLACK_SECONDS, Turn


@pytest.mark.parametrize(
    ("case", "turn", "expected"),
    [
        ("nobody's", Turn(), True),
        ("somebody else's", Turn(holder="other", until=101), False),
        ("somebody's who must be dead", Turn(holder="other", until=100), True),
        ("mine: I died holding it, and was retried", Turn(holder="me", until=101), True),
    ],
)
def test_may_take(case: str, turn: Turn, expected: bool) -> None:
    assert turns.may_take(turn, request_id="me", now=100) is expected, case


def test_a_turn_ends_with_the_invocation_that_holds_it() -> None:
    turn = turns.taken(Turn(last_build={"outcome": "published"}), request_id="me", deadline=60)
    assert turn == Turn(holder="me", until=60 + CLOCK_SLACK_SECONDS, last_build={"outcome": "published"})


def test_the_last_build_is_remembered() -> None:
    turn = Turn(holder="me", until=1, last_build={"outcome": "published"})
    assert turns.given_back(turn, {"outcome": "failed"}) == Turn(last_build={"outcome": "failed"})
    assert turns.given_back(turn, None) == Turn(last_build={"outcome": "published"})


def test_encoding_has_an_inverse() -> None:
    turn = Turn(holder="me", until=1.5, last_build={"outcome": "published"})
    assert turns.decode(turns.encode(turn)) == turn
