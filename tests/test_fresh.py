"""A name is given once, whoever asks."""

from pathlib import Path

import fresh

SERVICES = Path(__file__).parent / "services"


def test_no_name_is_given_twice() -> None:
    given = [fresh.name(kind) for kind in ("topic", "queue", "topic")]
    assert len({name.rpartition("-")[2] for name in given}) == len(given)


def test_nobody_on_the_shared_platform_counts_alone() -> None:
    """A topic of SNS's tests was one of EventBridge's, with a subscription that nobody expected there."""
    alone = [path.name for path in SERVICES.rglob("*.py") if "itertools.count" in path.read_text()]
    assert alone == []
