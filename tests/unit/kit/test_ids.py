import re
import sys
import threading
import uuid

from lambent.kit.ids import RandomIds


def test_uuids_are_of_version_4_and_never_the_same() -> None:
    ids = RandomIds()
    made = [ids.uuid() for _ in range(5_000)]
    assert len(set(made)) == len(made)
    for text in made[:500]:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_tokens_are_of_the_length_asked_for() -> None:
    ids = RandomIds()
    for length in (1, 16, 20, 10_000):
        assert re.fullmatch(rf"[A-Z2-7]{{{length}}}", ids.token(length))
    assert len({ids.token(16) for _ in range(5_000)}) == 5_000


def test_threads_get_ids_of_their_own() -> None:
    """The event loop and the writer's thread ask the same object; long ones, so that it often runs out of bytes."""
    ids = RandomIds()
    made: list[list[str]] = [[], []]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda into=into: into.extend(ids.token(1_500) for _ in range(15_000)))
            for into in made
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert {len(one) for one in made[0] + made[1]} == {1_500}
    assert len({*made[0], *made[1]}) == 30_000
