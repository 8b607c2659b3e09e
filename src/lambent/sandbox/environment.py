"""The life of an execution environment, as a table: what may follow what (pure).

`execution_environment.py` lives this life; what is not in the table is a bug and raises.
"""

from enum import Enum


class State(Enum):
    #: Made, confined, no function yet.
    WAITING = "waiting"
    #: Given to a function, whose code is being loaded.
    INITIALISING = "initialising"
    #: Warm, nothing to do.
    IDLE = "idle"
    #: Running an invocation.
    BUSY = "busy"
    #: Warm and stopped: uses memory, no CPU.
    FROZEN = "frozen"
    #: Killed or dying; never used again.
    ENDING = "ending"
    #: Gone.
    ENDED = "ended"

    __hash__ = object.__hash__  # Enum's own runs Python code, on the path of every invocation


class Event(Enum):
    #: A function was chosen.
    ASSIGN = "assign"
    #: Its handler is loaded.
    READY = "ready"
    #: An event was handed over.
    INVOKE = "invoke"
    #: The handler answered, with a result or an error.
    ANSWER = "answer"
    #: Idle for a while.
    FREEZE = "freeze"
    #: Time-out, memory, retirement, reaping, shutdown, or a fault in loading.
    KILL = "kill"
    #: The process is gone.
    EXIT = "exit"

    __hash__ = object.__hash__


class ImpossibleTransition(Exception):
    """An event met a state that cannot take it."""


_TABLE: dict[tuple[State, Event], State] = {
    (State.WAITING, Event.ASSIGN): State.INITIALISING,
    (State.INITIALISING, Event.READY): State.IDLE,
    (State.IDLE, Event.INVOKE): State.BUSY,
    (State.IDLE, Event.FREEZE): State.FROZEN,
    (State.FROZEN, Event.INVOKE): State.BUSY,
    (State.BUSY, Event.ANSWER): State.IDLE,
    **{(state, Event.KILL): State.ENDING for state in State if state is not State.ENDED},
    **{(state, Event.EXIT): State.ENDED for state in State if state is not State.ENDED},
}


def after(state: State, event: Event) -> State:
    """Raises ImpossibleTransition."""
    following = _TABLE.get((state, event))
    if following is None:
        raise ImpossibleTransition(f"{event.value} while {state.value}")
    return following
