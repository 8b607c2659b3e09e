"""Tests that measure have the machine's test processes to themselves."""

import threading
import time
from pathlib import Path

from taking_turns import turn


def test_who_wants_to_be_alone_waits_for_those_inside_only(tmp_path: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def take(name: str, *, alone: bool) -> None:
        with turn(tmp_path, alone=alone):
            order.append(name)
            inside.wait(0 if alone else 10)

    def begin(name: str, *, alone: bool) -> threading.Thread:
        thread = threading.Thread(target=take, args=(name,), kwargs={"alone": alone})
        thread.start()
        return thread

    together = [begin("first", alone=False), begin("second", alone=False)]
    while len(order) < 2:
        time.sleep(0.001)
    waiting = begin("alone", alone=True)
    time.sleep(0.05)
    later = begin("later", alone=False)
    time.sleep(0.05)
    assert sorted(order) == ["first", "second"]
    inside.set()
    for thread in (*together, waiting, later):
        thread.join()
    assert order[2:] == ["alone", "later"]
