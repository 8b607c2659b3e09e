"""Taking and giving back the turn to build (the rules are in `turns`)."""

from collections.abc import Callable
from typing import Any

from sitebuilder import turns
from sitebuilder.buckets import Bucket
from sitebuilder.events import Asked, Look
from sitebuilder.turns import Decision, Seen, Turn

#: Every loss of a race is somebody else's success; so many in a row mean that something is wrong.
MAX_ATTEMPTS = 10


class TurnLost(Exception):
    """Somebody else has taken the turn while we built. Whether our last uploads came before or after theirs is unknown;
    Lambda's retry of this invocation looks at everything again."""


class TurnKeeper:
    def __init__(
        self, bucket: Bucket, key: str, *, request_id: str, recipe: str, deadline: float, now: Callable[[], float]
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._request_id = request_id
        self._recipe = recipe
        self._deadline = deadline
        self._now = now
        self._held: tuple[Turn, str] | None = None
        self.seen_before: Seen | None = None
        """What the one who had the turn before us saw last."""

    def take(self, wake: Look | Asked) -> Decision:
        for _ in range(MAX_ATTEMPTS):
            found = self._bucket.read(self._key)
            turn, etag = (turns.decode(found[0]), found[1]) if found else (Turn(), None)
            decision = turns.decide(turn, wake, request_id=self._request_id, recipe=self._recipe, now=self._now())
            if decision is not Decision.TAKE:
                return decision
            mine = turns.taken(turn, request_id=self._request_id, deadline=self._deadline)
            new_etag = self._bucket.replace(self._key, turns.encode(mine), etag=etag)
            if new_etag is not None:
                self._held = (mine, new_etag)
                self.seen_before = turn.seen
                return decision
        raise TurnLost(f"lost {MAX_ATTEMPTS} races for {self._key} in a row")

    def check(self) -> None:
        """Raises TurnLost if the turn is no longer ours: the fence before every stage of a publication."""
        found = self._bucket.read(self._key)
        if self._held is None or found is None or found[1] != self._held[1]:
            raise TurnLost(f"the turn in {self._key} was taken over while this invocation built")

    def give_back(self, *, seen: Seen | None = None, last_build: dict[str, Any] | None = None) -> None:
        if self._held is None:
            raise AssertionError("the turn was not taken")
        turn, etag = self._held
        self._held = None
        free = turns.given_back(turn, seen=seen, last_build=last_build)
        if self._bucket.replace(self._key, turns.encode(free), etag=etag) is None:
            raise TurnLost(f"the turn in {self._key} was taken over while this invocation built")
