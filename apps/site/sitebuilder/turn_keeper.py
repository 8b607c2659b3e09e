"""Taking and giving back the turn to build (the rules are in `turns`)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sitebuilder import turns
from sitebuilder.events import Asked, Look
from sitebuilder.state import TURN, State
from sitebuilder.turns import Decision, Seen, Turn

#: Every loss of a race is somebody else's success; so many in a row mean that something is wrong.
MAX_ATTEMPTS = 10
#: The fence believes an answer of S3 for so long.
SURE_SECONDS = 1.0


class TurnLost(Exception):
    """Somebody else has taken the turn while we built. Whether our last uploads came before or after theirs is unknown;
    Lambda's retry of this invocation looks at everything again."""


class TurnKeeper:
    """Of one invocation."""

    def __init__(
        self, state: State, *, request_id: str, recipe: str, deadline: float, now: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._request_id = request_id
        self._recipe = recipe
        self._deadline = deadline
        self._now = now
        self._mine: Turn | None = None
        self._sure_at = 0.0
        self.seen_before: Mapping[str, str] = {}
        """ETags of what the one who had the turn before us saw last."""

    def take(self, wake: Look | Asked) -> Decision:
        """What this environment remembers of the turn serves to take it: that succeeds only if it is still so, and then
        nobody else has had the turn. It is no reason to leave."""
        is_fresh = not self._state.remembers(TURN)
        if is_fresh:
            self._state.renew(TURN)
        for _ in range(MAX_ATTEMPTS):
            turn, etag = self._read()
            decision = self._decide(turn, wake)
            if decision is Decision.TAKE:
                mine = turns.taken(turn, request_id=self._request_id, deadline=self._deadline)
                if self._write(mine, etag):
                    self._mine, self._sure_at = mine, self._now()
                    seen = turn.seen
                    self.seen_before = seen.etags(self._state.sources_named(seen.manifest)) if seen else {}
                    return decision
            elif is_fresh and (decision is Decision.NOTHING_NEW or self._has_called(turn, etag, wake)):
                return decision
            self._state.renew(TURN)
            is_fresh = True
        raise TurnLost(f"lost {MAX_ATTEMPTS} races for {self._state.key(TURN)} in a row")

    def check(self) -> None:
        """Raises TurnLost if the turn is no longer ours: the fence before every stage of a publication."""
        if abs(self._now() - self._sure_at) > SURE_SECONDS:
            self._state.forget(TURN)
            self._held()
            self._sure_at = self._now()

    def give_back(self, *, seen: Seen | None = None, last_build: dict[str, Any] | None = None) -> bool:
        """Did anybody call meanwhile?"""
        for _ in range(MAX_ATTEMPTS):
            turn, etag = self._held()
            if self._write(turns.given_back(turn, seen=seen, last_build=last_build), etag):
                self._mine = None
                return turn.called
        raise TurnLost(f"lost {MAX_ATTEMPTS} races for {self._state.key(TURN)} in a row")

    def _decide(self, turn: Turn, wake: Look | Asked) -> Decision:
        return turns.decide(
            turn,
            wake,
            self._state.sources_named,
            request_id=self._request_id,
            recipe=self._recipe,
            now=self._now(),
        )

    def _has_called(self, turn: Turn, etag: str | None, wake: Look | Asked) -> bool:
        """Who asked for a build waits for the turn, and need not call. False: the turn has changed meanwhile."""
        return turn.called or not isinstance(wake, Look) or self._write(replace(turn, called=True), etag)

    def _held(self) -> tuple[Turn, str | None]:
        """Our turn as it is now: somebody may have called."""
        turn, etag = self._read()
        if self._mine is None or replace(turn, called=False) != self._mine:
            raise TurnLost(f"the turn in {self._state.key(TURN)} was taken over while this invocation built")
        return turn, etag

    def _read(self) -> tuple[Turn, str | None]:
        found = self._state.read(TURN)
        return (turns.decode(found[0]), found[1]) if found else (Turn(), None)

    def _write(self, turn: Turn, etag: str | None) -> bool:
        return self._state.replace(TURN, turns.encode(turn), etag=etag) is not None
