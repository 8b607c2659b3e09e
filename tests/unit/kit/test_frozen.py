"""Values behave as frozen dataclasses do, but for the guard that mypy has instead."""

import dataclasses

import orjson
import pytest

from lambent.kit.frozen import frozen, mutable


@frozen
class Place:
    street: str
    number: int = 1
    tags: tuple[str, ...] = ()


@frozen
class Single:
    """With words of its own."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


@frozen
class Empty:
    pass


@frozen
class Other:
    street: str
    number: int = 1
    tags: tuple[str, ...] = ()


@mutable
class Counter:
    start: int
    steps: list[int] = dataclasses.field(default_factory=list)
    name: str = dataclasses.field(default="c", kw_only=True)
    current: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.current = self.start


def test_equal_content_is_equal_and_has_one_hash() -> None:
    assert Place("a", 2) == Place("a", number=2)
    assert Place("a") != Place("b")
    assert len({Place("a"), Place("a"), Place("b"), Single("a"), Single("a"), Empty(), Empty()}) == 4


def test_another_class_with_the_same_content_is_not_equal() -> None:
    others: tuple[object, ...] = (Other("a"), ("a", 1, ()), Single("a"), Empty())
    assert Place("a") not in others


def test_what_it_looks_like() -> None:
    assert repr(Place("a", 2, ("x",))) == "Place(street='a', number=2, tags=('x',))"
    assert repr(Empty()) == "Empty()"
    assert repr(Single("a")) == "<a>"


def test_it_is_a_dataclass_with_slots() -> None:
    assert dataclasses.replace(Place("a"), number=7) == Place("a", 7)
    assert dataclasses.asdict(Place("a")) == {"street": "a", "number": 1, "tags": ()}
    assert orjson.dumps(Place("a")) == b'{"street":"a","number":1,"tags":[]}'
    assert not hasattr(Place("a"), "__dict__")
    match Place("a", 3):
        case Place("a", number):
            assert number == 3
        case _:
            pytest.fail("no match")


def test_a_content_that_has_no_hash_has_none() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Place("a", 1, tags=["x"]))  # type: ignore[arg-type]  # on purpose


def test_fields_are_given_by_name_and_missed_by_name() -> None:
    with pytest.raises(TypeError, match="street"):
        Place()  # type: ignore[call-arg]  # on purpose


def test_what_changes_is_equal_to_itself_alone() -> None:
    counter = Counter(3, name="n")
    counter.current += 1
    counter.steps.append(1)
    assert repr(counter) == "Counter(start=3, steps=[1], name='n', current=4)"
    assert counter == counter and counter != dataclasses.replace(counter)  # noqa: PLR0124, PT018
    assert len({counter, Counter(3), Counter(3)}) == 3
    assert Counter(3).steps == []
    assert not hasattr(counter, "__dict__")


def test_a_subclass_is_constructed_like_its_base() -> None:
    class Shop(Place):
        pass

    assert (Shop("a").street, Shop("b", 2).number, Place("c").street) == ("a", 2, "c")
