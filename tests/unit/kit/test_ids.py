import re
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
