"""What a rule answers, error or not: tables of cases hold either a value or AWS's code."""

from collections.abc import Callable
from typing import TypeVar

from lambent.wire.errors import ServiceError

T = TypeVar("T")


def refusal(call: Callable[[], object]) -> ServiceError | None:
    try:
        call()
    except ServiceError as error:
        return error
    return None


def code(call: Callable[[], object]) -> str | None:
    """AWS's code of the refusal, None without one."""
    refused = refusal(call)
    return refused.code if refused else None


def value_or_code(call: Callable[[], T]) -> T | str:
    try:
        return call()
    except ServiceError as error:
        return error.code
