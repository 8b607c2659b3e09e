"""`@frozen`: an immutable value with named fields, a dataclass at a twentieth of its price; `@mutable`: its sibling.

The standard library's `@dataclass(frozen=True, slots=True)` compiles six functions for each class, 0.6 ms: with some
hundreds of classes that was a third of the platform's start. And it sets every field through a guard, 0.15 us each,
while requests are served. Here only `__init__` is compiled, and that when the first value is made; the rest is shared.
That nobody assigns to a field is held by mypy (PEP 681), which sees every line of ours, instead of at run time.

In all else it is a dataclass: `dataclasses.replace`, `fields` and `asdict` take it, orjson writes it.
See `docs/decisions/0013-frozen-values.md`.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, eq_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[Class]) -> type[Class]:
    """Equal, with the same hash, when of the same class with equal fields."""
    made, names = _slotted(cls)
    _add(made, cls, __eq__=_eq(names), __hash__=_hash(names), __repr__=_repr(names))
    return made


@dataclass_transform(eq_default=False, field_specifiers=(dataclasses.field,))
def mutable(cls: type[Class]) -> type[Class]:
    """Something that changes: equal to itself alone."""
    made, names = _slotted(cls)
    _add(made, cls, __repr__=_repr(names))
    return made


def _slotted(cls: type[Class]) -> tuple[type[Class], tuple[str, ...]]:
    """The class with slots and a constructor, and the names of its fields."""
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # a dataclass would inspect its signature for this, at half of its price
    made = dataclasses.dataclass(slots=True, init=False, eq=False, repr=False)(cls)
    _construct_later(made)
    return made, tuple([one.name for one in dataclasses.fields(made)])  # type: ignore[arg-type]  # it just became one


def _construct_later(cls: Any) -> None:
    """`__init__` compiles its successor: three quarters of what is left, and few classes make a value at start."""

    def init(self: Any, *values: Any, **named: Any) -> None:
        cls.__init__ = _constructor(cls)
        cls.__init__(self, *values, **named)

    cls.__init__ = init


def _constructor(cls: Any) -> Callable[..., None]:
    """As a dataclass has it. By way of a copy, since the fields' defaults are no longer in the class itself."""
    fields = [
        (
            one.name,
            one.type,
            dataclasses.field(
                default=one.default, default_factory=one.default_factory, init=one.init, kw_only=one.kw_only
            ),
        )
        for one in dataclasses.fields(cls)
    ]
    kept = {name: vars(cls)[name] for name in ("__doc__", "__post_init__") if name in vars(cls)}
    made: Any = dataclasses.make_dataclass(cls.__name__, fields, namespace=kept, eq=False, repr=False)
    constructor: Callable[..., None] = made.__init__
    return constructor


def _add(made: Any, written: type, **methods: Callable[..., Any]) -> None:
    """Those that the class has not written itself."""
    for name, method in methods.items():
        if name not in vars(written):
            setattr(made, name, method)


def _content(names: tuple[str, ...]) -> Callable[[Any], object]:
    return attrgetter(*names) if names else type


def _eq(names: tuple[str, ...]) -> Callable[..., Any]:
    content = _content(names)
    return lambda self, other: content(self) == content(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(names: tuple[str, ...]) -> Callable[..., Any]:
    content = _content(names)
    return lambda self: hash(content(self))


def _repr(names: tuple[str, ...]) -> Callable[..., Any]:
    def repr_(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    return repr_
