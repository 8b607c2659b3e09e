"""How complex wildcards are: the measures are those that AWS publishes with its own matcher, the refusals are known.

https://github.com/aws/event-ruler, MachineComplexityEvaluatorTest; there wildcards stand without quotes around them.
"""

import json
import string
import time
from typing import Any

import pytest

from lambent.services.event_pattern_values import InvalidPattern
from lambent.services.events.wildcard_complexity import check_complexity, complexity

MEASURES = [
    (["*"], 1),
    (["abc"], 1),
    (["*", "ab*c"], 3),
    (["*ab"], 2),
    (["*aa"], 3),
    (["aa*"], 2),
    (["a*bcb"], 3),
    (["a*bbb"], 4),
    (["*ab*ad"], 4),
    (["*aba*"], 4),
    (["a*b*bb"], 5),
    (["a*b*cd"], 3),
    (["ab*c", "x*xx"], 3),
    (["*abc", "*abcde"], 4),
    (["a*aaa", "aa*aa"], 7),
    (["a*aax", "aaa*x"], 5),
    (["abc*", "abcde*"], 3),
    (["ab*cd", "ab*wx", "ab*yz"], 6),
    (["*ab*b*b*"], 7),
    (["F*eatureFeature", "Fe*atureFeature", "Fea*tureFeature"], 10),
]


@pytest.mark.parametrize(("wildcards", "measure"), MEASURES, ids=str)
def test_measures(wildcards: list[str], measure: int) -> None:
    assert complexity([[one.encode()] for one in wildcards]) == measure


def test_the_texts_of_an_anything_but_begin_together() -> None:
    """Up to the first star and with it: `*` twice is one beginning, `*a` and `*b` are two."""
    assert complexity([[b"*a", b"*b"]]) == 2
    assert complexity([[b"*a"], [b"*b"]]) == 3


def stacks(*names: str) -> list[dict[str, str]]:
    return [{"wildcard": f"*:stack/{name}/*"} for name in names]


def of_images(*endings: str) -> list[dict[str, str]]:
    return [{"wildcard": f"*/datasync/*.{ending}"} for ending in endings]


TAKEN: list[Any] = [
    {"detail": {"stack-id": stacks("Web", "Data", "Shared")}},
    {"detail": {"object": {"key": of_images("bif", "tif")}}},
    {"key": [{"wildcard": f"*.{ending}"} for ending in ("bif", "tiff", "tif", "svs")]},
    {"key": [*stacks("Web"), *stacks("Web"), *stacks("Web"), *stacks("Web")]},
    {"arn": ["*:*:*:*:*:event-bus/*", {"anything-but": ["*:*:*:*:*:event-bus/*"]}, {"prefix": "*:*:*:*:*:*:*"}]},
    {"arn": [{"wildcard": r"\*:\*:\*:\*:\*:event-bus/*"}]},
    {"$or": [{"wildcard": ["*:*:*:*:*:event-bus/*"]}, {"a": ["x"]}]},
]

REFUSED: list[Any] = [
    # the user guide, "Wildcards and event pattern complexity"
    {"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]},
    # rules that people had refused (vals-ai/Valkyrie, pull request 278; the two above are what they were cut to)
    {"detail": {"stack-id": stacks("Web", "Data", "Shared", "Monitoring")}},
    {"detail": {"object": {"key": of_images("bif", "tiff", "tif", "svs")}}},
    {"$or": [{"a": ["x"]}, {"arn": [{"anything-but": {"wildcard": ["*:*:*:*:*:event-bus/*"]}}]}]},
]


@pytest.mark.parametrize("pattern", TAKEN, ids=str)
def test_taken(pattern: Any) -> None:
    check_complexity(pattern)


@pytest.mark.parametrize("pattern", REFUSED, ids=str)
def test_refused(pattern: Any) -> None:
    with pytest.raises(InvalidPattern, match=r"^Rule is too complex - try using fewer wildcard characters or fewer "):
        check_complexity(pattern)


def test_nothing_takes_long() -> None:
    """Measured in milliseconds, whatever fits into a pattern."""
    letters = string.ascii_letters
    long = [{"wildcard": "*".join(letters[at:] + letters[:at] for at in range(n, n + 6))} for n in range(10)]
    begun = time.monotonic()
    for pattern in ({"a": long[:1]}, {"a": long[:2]}, {"a": [{"wildcard": "*" + letters * 70}]}):
        assert len(json.dumps(pattern)) < 4_096
        try:
            check_complexity(pattern)
        except InvalidPattern:
            continue
    assert time.monotonic() - begun < 1
