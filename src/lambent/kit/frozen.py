"""`@frozen`: an immutable value with named fields, a dataclass at a twentieth of its price.

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

_SHARED = ("__eq__", "__hash__", "__repr__")


@dataclass_transform(frozen_default=True, eq_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[Class]) -> type[Class]:
    """Equal, with the same hash, when of the same class with equal fields."""
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # a dataclass would inspect its signature for this, at half of its price
    own = cls.__dict__
    made = dataclasses.dataclass(slots=True, init=False, eq=False, repr=False)(cls)
    _construct_later(made)
    names = tuple(made.__slots__)  # type: ignore[attr-defined]  # `slots=True` has just made them
    for name, method in zip(_SHARED, _methods(names), strict=True):
        if name not in own:
            setattr(made, name, method)
    return made


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
    made: Any = dataclasses.make_dataclass(cls.__name__, fields, eq=False, repr=False)
    constructor: Callable[..., None] = made.__init__
    return constructor


def _methods(names: tuple[str, ...]) -> tuple[Callable[..., Any], ...]:
    """Those of `_SHARED`."""
    content: Callable[[Any], object] = attrgetter(*names) if names else type

    def eq(self: Any, other: object) -> bool:
        return content(self) == content(other) if other.__class__ is self.__class__ else NotImplemented

    def hash_(self: Any) -> int:
        return hash(content(self))

    def repr_(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    return eq, hash_, repr_
