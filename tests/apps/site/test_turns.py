"""Whose turn it is to build."""

from dataclasses import replace

import pytest

from sitebuilder import turns
from sitebuilder.events import Build, Change, Look
from sitebuilder.sources import Source
from sitebuilder.turns import CLOCK_SLACK_SECONDS, Decision, Seen, Turn

MANIFEST = {"a": Source("1", 1), "b": Source("0", 1), "d": Source("1", 1)}
SEEN = Seen("recipe", "manifest", {"b": "1", "d": None})
ANYTHING = Look(changes=None)


def told(*changes: tuple[str, str | None]) -> Look:
    return Look(tuple(Change(key, etag) for key, etag in changes))


def decide(turn: Turn, wake: Look | Build) -> Decision:
    def manifest(name: str) -> dict[str, Source]:
        return MANIFEST if name == "manifest" else {}

    return turns.decide(turn, wake, manifest, request_id="me", recipe="recipe", now=100)


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
    assert decide(turn, ANYTHING) is expected, case


@pytest.mark.parametrize(
    ("case", "turn", "wake", "expected"),
    [
        ("seen as it is", Turn(seen=SEEN), told(("a", "1")), Decision.NOTHING_NEW),
        ("both seen", Turn(seen=SEEN), told(("a", "1"), ("b", "1")), Decision.NOTHING_NEW),
        ("seen to be gone", Turn(seen=SEEN), told(("c", None)), Decision.NOTHING_NEW),
        ("another content", Turn(seen=SEEN), told(("a", "2")), Decision.TAKE),
        ("one of two is another", Turn(seen=SEEN), told(("a", "1"), ("b", "2")), Decision.TAKE),
        ("a new object", Turn(seen=SEEN), told(("c", "1")), Decision.TAKE),
        ("seen to be gone, in spite of the manifest", Turn(seen=SEEN), told(("d", None)), Decision.NOTHING_NEW),
        ("there again", Turn(seen=SEEN), told(("d", "1")), Decision.TAKE),
        ("the manifest is gone", Turn(seen=replace(SEEN, manifest="gone")), told(("a", "1")), Decision.TAKE),
        ("gone since", Turn(seen=SEEN), told(("a", None)), Decision.TAKE),
        ("an event without an ETag", Turn(seen=SEEN), told(("a", "")), Decision.TAKE),
        ("a second look", Turn(seen=SEEN), ANYTHING, Decision.TAKE),
        ("asked for", Turn(seen=SEEN), Build(), Decision.TAKE),
        ("another way to build", Turn(seen=replace(SEEN, recipe="other")), told(("a", "1")), Decision.TAKE),
        ("no look came to an end", Turn(), told(("a", "1")), Decision.TAKE),
        ("held: who has it will look again", Turn(holder="x", until=101), told(("a", "2")), Decision.LEAVE),
    ],
)
def test_what_is_news(case: str, turn: Turn, wake: Look | Build, expected: Decision) -> None:
    assert decide(turn, wake) is expected, case


def test_a_turn_ends_with_the_invocation_that_holds_it_and_carries_no_note() -> None:
    turn = turns.taken(Turn(seen=SEEN, last_build={"outcome": "published"}), request_id="me", deadline=60)
    assert turn == Turn(holder="me", until=60 + CLOCK_SLACK_SECONDS, last_build={"outcome": "published"})


def test_a_note_is_what_differs_from_a_manifest() -> None:
    wanted = {"a": Source("1", 2), "b": Source("2", 2), "c": Source("1", 1)}
    seen = turns.see(wanted, "r", "manifest", MANIFEST)
    assert seen == Seen("r", "manifest", {"b": "2", "c": "1", "d": None})
    assert seen.etags(MANIFEST) == {"a": "1", "b": "2", "c": "1"}
    assert turns.see(wanted, "r", "", {}) == Seen("r", "", {"a": "1", "b": "2", "c": "1"})


def test_the_last_build_is_remembered() -> None:
    turn = Turn(holder="me", until=1, last_build={"outcome": "published"})
    failed = turns.given_back(turn, seen=SEEN, last_build={"outcome": "failed"})
    assert failed == Turn(seen=SEEN, last_build={"outcome": "failed"})
    assert turns.given_back(turn, seen=None, last_build=None) == Turn(last_build={"outcome": "published"})


@pytest.mark.parametrize(
    "turn",
    [Turn(), Turn(holder="me", until=1.5, called=True), Turn(seen=Seen("r", "m", {"ü": None}), last_build={"a": 1})],
)
def test_encoding_has_an_inverse(turn: Turn) -> None:
    assert turns.decode(turns.encode(turn)) == turn


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"holder": "x"}', b"\xff"])
def test_what_cannot_be_read_is_nobodys_turn(content: bytes) -> None:
    assert turns.decode(content) == Turn()
