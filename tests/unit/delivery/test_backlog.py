"""The backlog against its limits, whatever the order of arrivals and endings."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lambent.delivery.backlog import MAX_ROWS_KEPT, Backlog
from lambent.services.lambda_.queue_store import QueuedInvocation


def row(position: int, arn: str = "f") -> QueuedInvocation:
    return QueuedInvocation(position, str(position), arn, b"{}", None, "", "invoke", 0, 0, 0, 0)


def backlog(max_running: int = 4, per_function: int = 2, max_waiting: int = 100) -> Backlog:
    return Backlog(max_running=max_running, max_waiting=max_waiting, limit_of=lambda _: per_function)


def test_a_function_waits_for_its_own_places() -> None:
    places = backlog()
    assert [places.offer(row(position)) for position in range(3)] == [True, True, False]
    assert places.offer(row(3, "g"))
    assert places.next_to_start() is None
    places.finish("f")
    waiting = places.next_to_start()
    assert waiting is not None
    assert waiting.position == 2
    assert (places.running, places.waiting) == (3, 0)


def test_functions_take_turns_for_the_last_place() -> None:
    places = backlog(max_running=1)
    assert places.offer(row(0, "f"))
    for position in range(1, 7):
        assert not places.offer(row(position, "fg"[position % 2]))
    order: list[int] = []
    for _ in range(6):
        places.finish("fg"[order[-1] % 2] if order else "f")
        waiting = places.next_to_start()
        assert waiting is not None
        order.append(waiting.position)
    assert order == [1, 2, 3, 4, 5, 6]


def test_nobody_overtakes_within_a_function() -> None:
    places = backlog(per_function=1)
    places.offer(row(0))
    places.offer(row(1))
    places.finish("f")
    assert not places.offer(row(2))
    waiting = places.next_to_start()
    assert waiting is not None
    assert waiting.position == 1


def test_room_ends_with_either_limit() -> None:
    full = backlog(max_running=1)
    full.offer(row(0))
    assert not full.has_room
    waiting = backlog(per_function=1, max_waiting=1)
    waiting.offer(row(0))
    assert waiting.has_room
    waiting.offer(row(1))
    assert not waiting.has_room


def test_of_many_only_the_positions_are_kept() -> None:
    places = backlog(per_function=1, max_waiting=10_000)
    for position in range(MAX_ROWS_KEPT + 3):
        places.offer(row(position))
    kept = []
    for _ in range(MAX_ROWS_KEPT + 2):
        places.finish("f")
        waiting = places.next_to_start()
        assert waiting is not None
        kept.append(waiting.row is not None)
    assert kept == [True] * MAX_ROWS_KEPT + [False] * 2


@given(st.lists(st.tuples(st.sampled_from("fgh"), st.booleans())), st.integers(1, 4), st.integers(1, 3))
def test_everything_runs_once_and_limits_hold(steps: list[tuple[str, bool]], total: int, each: int) -> None:
    places = backlog(max_running=total, per_function=each)
    running: Counter[str] = Counter()
    arn_of: dict[int, str] = {}
    started: list[int] = []

    def start(position: int) -> None:
        started.append(position)
        running[arn_of[position]] += 1
        assert running.total() <= total
        assert running[arn_of[position]] <= each

    def finish_one(arn: str) -> None:
        running[arn] -= 1
        places.finish(arn)
        while (waiting := places.next_to_start()) is not None:
            start(waiting.position)

    for position, (arn, ends_one) in enumerate(steps):
        arn_of[position] = arn
        if places.offer(row(position, arn)):
            start(position)
        if ends_one and running[arn]:
            finish_one(arn)
    while running.total():
        finish_one(next(arn for arn in running if running[arn]))
    assert sorted(started) == list(range(len(steps)))
    for arn in "fgh":
        own = [position for position in started if arn_of[position] == arn]
        assert own == sorted(own)
