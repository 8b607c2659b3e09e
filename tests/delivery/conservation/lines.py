"""The lines: every way that records of a source go, where it ends, and where what is given up on it lies.

A line ends in a function, or in something that the test looks into: a queue, a URL, a log group, an archive. What it
gives up lies in its queue `<line>-dead`, or was told to a destination of its function: the bucket `given-up`, the queue
`last-words` (by a topic or a bus), the function `undertaker`.
"""

from dataclasses import dataclass
from enum import Enum

from delivery.conservation.edge import RELIEF
from delivery.conservation.life import ACCOUNT, REGION

#: Streams: one that clients write to, one that rules and schedules do, and one that a log subscription does.
STREAM, RELAY, LOGGED = "clicks", "relay", "logged"

GIVEN_UP = "given-up"
LAST_WORDS = "last-words"
UNDERTAKER = "undertaker"


class End(Enum):
    FUNCTION = "function"
    #: The test receives from it.
    QUEUE = "queue"
    #: The test's own, on this machine.
    URL = "url"
    LOG_GROUP = "log group"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Line:
    """One way that records of a source go."""

    name: str
    source: str
    end: End = End.FUNCTION
    ends_as: str = ""
    """The name of its end; "" if that is the line's. Lines of different sources may share one."""
    keeps_order: bool = False
    """Per key."""
    is_exact: bool = False
    """Whatever happens, each record comes once: what it ends in takes it in the transaction that moves on."""
    follows: str = ""
    """The line whose successes it gets: what that gives up never comes."""
    stream: str = ""
    """Through which it goes: with that, records are destroyed."""

    @property
    def end_name(self) -> str:
        return self.ends_as or self.name

    @property
    def gives_up_as(self) -> str:
        return self.follows or self.name


LINES = (
    Line("clicks", "clicks", keeps_order=True),
    Line("clicks-reporting", "clicks", keeps_order=True),
    Line("clicks-fanned", "clicks", keeps_order=True),
    Line("items", "items", keeps_order=True),
    Line("items-windowed", "items", keeps_order=True),
    Line("jobs", "jobs"),
    Line("orders", "orders", keeps_order=True),
    Line("objects", "objects"),
    Line("objects-inbox", "objects", End.QUEUE, is_exact=True),
    Line("objects-told", "objects", End.QUEUE, "told", is_exact=True),
    Line("objects-bus", "objects", End.QUEUE, is_exact=True),
    Line("notices", "notices"),
    Line("notices-inbox", "notices", End.QUEUE, is_exact=True),
    Line("notices-posted", "notices", End.URL),
    Line("notices-sealed", "notices", End.URL),
    Line("invitations", "invitations", End.URL),
    Line("bulletins", "bulletins", keeps_order=True),
    Line("events", "events"),
    Line("events-inbox", "events", End.QUEUE, is_exact=True),
    Line("events-told", "events", End.QUEUE, "told", is_exact=True),
    Line("events-aside", "events", End.QUEUE, "aside", is_exact=True),
    Line("events-logged", "events", End.LOG_GROUP, is_exact=True),
    Line("events-archived", "events", End.ARCHIVE, is_exact=True),
    Line("events-streamed", "events", keeps_order=True, stream=RELAY),
    Line("replayed", "replays"),
    Line("replayed-inbox", "replays", End.QUEUE, is_exact=True),
    Line("replayed-streamed", "replays", ends_as="events-streamed", keeps_order=True, stream=RELAY),
    Line("alarms", "alarms"),
    Line("alarms-inbox", "alarms", End.QUEUE, is_exact=True),
    Line("alarms-told", "alarms", End.QUEUE, "told", is_exact=True),
    Line("alarms-aside", "alarms", End.QUEUE, "aside", is_exact=True),
    Line("alarms-streamed", "alarms", ends_as="events-streamed", stream=RELAY),
    Line("alarms-called", "alarms", End.QUEUE),
    Line("logged", "logged"),
    Line("logged-streamed", "logged", keeps_order=True, stream=LOGGED),
    Line("asked", "asked"),
    Line("asked-done", "asked", End.QUEUE, is_exact=True, follows="asked"),
)

FUNCTIONS = tuple(dict.fromkeys(line.end_name for line in LINES if line.end is End.FUNCTION))
#: Its mapping tells a queue or a topic of the batches that were discarded, but not what is in them.
TELLING = "clicks-reporting"
#: Their mappings may be led to another function, `<name>-relief`, and back; the line is the same.
RELIEVED = ("clicks", "items", "jobs", "orders")
RELIEFS = tuple(f"{name}{RELIEF}" for name in RELIEVED)
#: Those that run asynchronously, and have destinations of their own.
ASYNCHRONOUS = ("objects", "notices", "events", "replayed", "alarms", "logged", "asked")
INBOXES = tuple(dict.fromkeys(line.end_name for line in LINES if line.end is End.QUEUE))
#: Queues that mappings read, with the line; the test looks that nothing is left there.
MAPPED_QUEUES = {"jobs": "jobs", "orders.fifo": "orders", "bulletins.fifo": "bulletins"}
#: Dead-letter queue -> the line that gave up.
DEAD = {
    **{f"{line.name}-dead": line.name for line in LINES if line.name not in ("orders", "bulletins", "asked-done")},
    "orders-dead.fifo": "orders",
    "bulletins-dead.fifo": "bulletins",
}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def function_arn(name: str) -> str:
    return arn("lambda", f"function:{name}")


def queue_url(name: str) -> str:
    return f"http://127.0.0.1:4566/{ACCOUNT}/{name}"
