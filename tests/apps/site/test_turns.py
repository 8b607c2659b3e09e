"""Whose turn it is to build."""

import pytest

from sitebuilder import turns
from sitebuilder.events import Build, Change, Look
from sitebuilder.sources import Source
from sitebuilder.turns import CLOCK_SLACK_SECONDS, Decision, Seen, Turn

SEEN = Seen("recipe", {"a": "1", "b": "1"})
ANYTHING = Look(changes=None)


def told(*changes: tuple[str, str | None]) -> Look:
    return Look(tuple(Change(key, etag) for key, etag in changes))


@pytest.mark.parametrize(
    ("case", "turn", "expected"),
    [
        ("nobody's", Turn(), Decision.TAKE),
        ("somebody else's", Turn(holder="other", until=101), Decision.LEAVE),
        ("somebody's who must be dead", Turn(holder="other", until=100), Decision.TAKE),
        ("mine: I died holding it, and was retried", Turn(holder="me", until=101), Decision.TAKE),
    ],
)
def test_whose_turn(case: str, turn: Turn, expected: Decision) -> None:
    assert turns.decide(turn, ANYTHING, request_id="me", recipe="recipe", now=100) is expected, case


@pytest.mark.parametrize(
    ("case", "turn", "wake", "expected"),
    [
        ("seen as it is", Turn(seen=SEEN), told(("a", "1")), Decision.NOTHING_NEW),
        ("both seen", Turn(seen=SEEN), told(("a", "1"), ("b", "1")), Decision.NOTHING_NEW),
        ("seen to be gone", Turn(seen=SEEN), told(("c", None)), Decision.NOTHING_NEW),
        ("another content", Turn(seen=SEEN), told(("a", "2")), Decision.TAKE),
        ("one of two is another", Turn(seen=SEEN), told(("a", "1"), ("b", "2")), Decision.TAKE),
        ("a new object", Turn(seen=SEEN), told(("c", "1")), Decision.TAKE),
        ("gone since", Turn(seen=SEEN), told(("a", None)), Decision.TAKE),
        ("an event without an ETag", Turn(seen=SEEN), told(("a", "")), Decision.TAKE),
        ("a second look", Turn(seen=SEEN), ANYTHING, Decision.TAKE),
        ("asked for", Turn(seen=SEEN), Build(), Decision.TAKE),
        ("another way to build", Turn(seen=Seen("other", SEEN.etags)), told(("a", "1")), Decision.TAKE),
        ("no look came to an end", Turn(), told(("a", "1")), Decision.TAKE),
        ("held: who has it will look again", Turn(holder="x", until=101), told(("a", "2")), Decision.LEAVE),
    ],
)
def test_what_is_news(case: str, turn: Turn, wake: Look | Build, expected: Decision) -> None:
    assert turns.decide(turn, wake, request_id="me", recipe="recipe", now=100) is expected, case


def test_a_turn_ends_with_the_invocation_that_holds_it_and_carries_no_note() -> None:
    turn = turns.taken(Turn(seen=SEEN, last_build={"outcome": "published"}), request_id="me", deadline=60)
    assert turn == Turn(holder="me", until=60 + CLOCK_SLACK_SECONDS, last_build={"outcome": "published"})


def test_the_last_build_is_remembered() -> None:
    turn = Turn(holder="me", until=1, last_build={"outcome": "published"})
    failed = turns.given_back(turn, seen=SEEN, last_build={"outcome": "failed"})
    assert failed == Turn(seen=SEEN, last_build={"outcome": "failed"})
    assert turns.given_back(turn, seen=None, last_build=None) == Turn(last_build={"outcome": "published"})


@pytest.mark.parametrize(
    "turn",
    [Turn(), Turn(holder="me", until=1.5), Turn(seen=turns.see({"ü": Source("1", 1)}, "r"), last_build={"a": 1})],
)
def test_encoding_has_an_inverse(turn: Turn) -> None:
    assert turns.decode(turns.encode(turn)) == turn


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"holder": "x"}', b"\xff"])
def test_what_cannot_be_read_is_nobodys_turn(content: bytes) -> None:
    assert turns.decode(content) == Turn()
