from typing import Any

import pytest

from lambent.cli import chains

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def happening(
    segment: str, parent: str, *, start: float, took: float, arn: str = "arn:aws:lambda:r:1:function:f", **more: Any
) -> chains.Happening:
    return {
        "traceRoot": ROOT,
        "segment": segment,
        "parent": parent,
        "timeMs": start + took,
        "durationMs": took,
        "targetArn": arn,
        "outcome": "ok",
        **more,
    }


FIRST = happening("a", "", start=1000, took=20)
WHILE_IT_RAN = happening("b", "a", start=1015, took=50)
AFTER_IT = happening("c", "a", start=1030, took=1)
LAST = happening("d", "b", start=1070, took=2)


def told(steps: list[chains.Step]) -> list[tuple[str, int, float, float | None]]:
    return [(step.happening["segment"], step.depth, step.at_ms, step.gap_ms) for step in steps]


def test_a_chain_is_a_tree_in_the_order_things_began() -> None:
    """They come in the order they ended."""
    assert told(chains.tree([FIRST, AFTER_IT, WHILE_IT_RAN, LAST])) == [
        ("a", 0, 0, None),
        ("b", 1, 15, None),
        ("d", 2, 70, 5),
        ("c", 1, 30, 10),
    ]


def test_what_another_attempt_set_off_stands_below_it() -> None:
    first, second = happening("a", "", start=1000, took=5), happening("a", "", start=2000, took=5)
    child = happening("b", "a", start=2010, took=1)
    assert told(chains.tree([first, second, child])) == [("a", 0, 0, None), ("a", 0, 1000, None), ("b", 1, 1010, 5)]


def test_a_chain_whose_beginning_is_forgotten() -> None:
    assert told(chains.tree([WHILE_IT_RAN, LAST])) == [("b", 0, 0, None), ("d", 1, 55, 5)]
    assert chains.tree([]) == []


def test_depths_while_following() -> None:
    depths = chains.Depths()
    depths.learn([WHILE_IT_RAN, FIRST])
    depths.learn([LAST])
    assert [depths.of(one) for one in (FIRST, WHILE_IT_RAN, LAST)] == [0, 1, 2]
    assert depths.of(happening("x", "unknown", start=0, took=0)) == 1
    depths.learn([happening("y", "z", start=0, took=0), happening("z", "y", start=0, took=0)])
    assert depths.of(happening("q", "y", start=0, took=0)) == 2, "whatever headers say, it ends"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:lambda:us-east-1:000000000000:function:f:prod", "f:prod"),
        ("arn:aws:sqs:us-east-1:000000000000:orders", "sqs:orders"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/shop", "events:shop"),
        ("https://example.org/hook", "https://example.org/hook"),
    ],
)
def test_targets_by_their_names(arn: str, name: str) -> None:
    assert chains.target_of(happening("", "", start=0, took=0, arn=arn)) == name


@pytest.mark.parametrize(
    ("outcome", "detail", "shown"),
    [
        ("error", '{"errorMessage": "say \\"no\\"", "errorType": "ValueError", "stack', 'ValueError: say "no"'),
        ("error", '{"errorMessage": "cut o', "cut o"),
        ("error", "out of memory", "out of memory"),
        ("refused", "no such queue", "no such queue"),
    ],
)
def test_details_for_people(outcome: str, detail: str, shown: str) -> None:
    assert chains.detail_of(happening("", "", start=0, took=0, outcome=outcome, detail=detail)) == shown


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, ""),
        ({"outcome": "throttled", "detail": "full", "prospect": "tried again in 1 s"}, "full; tried again in 1 s"),
        ({"outcome": "error", "detail": '{"errorMessage": "no"}', "prospect": "again"}, "no; again"),
    ],
)
def test_what_went_wrong_and_what_follows(more: dict[str, Any], text: str) -> None:
    assert chains.detail_of(happening("a", "", start=1, took=1, **more)) == text
