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
    ],
)
def test_accepted(header: str, root: str) -> None:
    assert trace.root(trace.accepted(header)) == root
    assert trace.accepted(header) in ("", header)


def test_begun_header_is_one() -> None:
    begun = trace.begin("12345678-1234-4234-8234-123456789abc", 1_750_000_000.5)
    assert trace.accepted(begun) == begun
    assert trace.root(begun) == "1-684ee180-123456781234423482341234"
