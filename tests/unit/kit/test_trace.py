"""Trace headers: what is believed, and what a chain has in common."""

import pytest

from lambent.kit import trace

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "root"),
    [
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", ROOT),
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT}", ROOT),
        (f"Parent=53995c3f42cd8ad8; Root={ROOT} ", ""),
        (f"Root={ROOT}", ROOT),
        ("", ""),
        ("Root=1-5759e988-short;Sampled=1", ""),
        (f"Root={ROOT}\nRoot=2", ""),
        (f"Root={ROOT};{'x' * 512}", ""),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;a=b\r\nX-Injected: 1", ""),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;x=\u00fc", ""),
    ],
)
def test_accepted(header: str, root: str) -> None:
    assert trace.root(trace.accepted(header)) == root
    assert trace.accepted(header) in ("", header)


def test_begun_header_is_one() -> None:
    begun = trace.begin("12345678-1234-4234-8234-123456789abc", 1_750_000_000.5)
    assert trace.accepted(begun) == begun
    assert trace.root(begun) == "1-684ee180-123456781234423482341234"


@pytest.mark.parametrize(
    "identifier", ["12345678-1234-4234-8234-123456789abc", "0123456789abcdef0123456789abcdef", "TX4Z2Q7PLMNBVC3A", "x"]
)
def test_whatever_begins_a_chain_names_it(identifier: str) -> None:
    assert trace.root(trace.begin(identifier, 1_750_000_000))


REQUEST = "12345678-1234-4234-8234-123456789abc"


def test_an_invocation_is_the_parent_of_what_it_sets_off() -> None:
    header, count = trace.enter(f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", REQUEST, "a87bd80c")
    assert (header, count) == (f"Root={ROOT};Parent=8234123456789abc;Sampled=1;Lineage=a87bd80c:1", 1)
    assert trace.parent(header) == trace.segment_of(REQUEST)
    assert trace.accepted(header)


def test_the_first_of_a_chain() -> None:
    entered, count = trace.enter(trace.begin(REQUEST, 1_750_000_000), REQUEST, "a87bd80c")
    assert (entered, count) == (trace.enter_first(REQUEST, 1_750_000_000, "a87bd80c"), 1)


@pytest.mark.parametrize(
    ("lineage", "expected", "count"),
    [
        ("a87bd80c:1|68fd508a:5", "68fd508a:5|a87bd80c:2", 2),
        ("68fd508a:5", "68fd508a:5|a87bd80c:1", 1),
        ("a87bd80c:16", "a87bd80c:17", 17),
        ("a87bd80c:999999999999|:|a", "a87bd80c:1", 1),
    ],
)
def test_lineage_counts_each_function(lineage: str, expected: str, count: int) -> None:
    header, counted = trace.enter(f"Root={ROOT};Lineage={lineage}", REQUEST, "a87bd80c")
    assert header.endswith(f";Lineage={expected}")
    assert counted == count
    anew, first = trace.enter(f"Root={ROOT};Lineage={lineage}", REQUEST, "a87bd80c", keeps_lineage=False)
    assert anew.endswith(";Lineage=a87bd80c:1")
    assert first == 1


def test_a_header_never_outgrows_what_is_believed() -> None:
    header = trace.begin(REQUEST, 1_750_000_000)
    for number in range(100):
        header, _ = trace.enter(header, REQUEST, trace.function_key(f"arn:aws:lambda:us-east-1:0:function:{number}"))
    assert trace.accepted(header) == header
