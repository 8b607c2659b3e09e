from typing import Any

import pytest

from lambent.cli import logs
from lambent.cli.failure import Failure


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000)]
)
def test_durations(text: str, expected: int) -> None:
    assert logs._duration_ms(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "1w", "1.5h", "9" * 12 + "s"])
def test_what_is_no_duration_is_refused_as_usage(text: str) -> None:
    with pytest.raises(Failure, match="not a duration") as refused:
        logs._duration_ms(text)
    assert refused.value.exit_code == 2


def test_a_message_cannot_rewrite_the_terminal_but_keeps_its_colours() -> None:
    assert (
        logs._harmless("a\x1b]0;title\x07b\x1b[2Jc\x1b[31mred\x1b[0m\td\re") == "a]0;titleb[2Jc\x1b[31mred\x1b[0m\tde"
    )


@pytest.mark.parametrize(
    ("message", "colour"),
    [
        ("START RequestId: 1", "2"),
        ("[ERROR] it broke", "31"),
        ("KeyError: 'x'", "31"),
        ("2026 Task timed out after 3.00 seconds", "31"),
        ("[WARNING] careful", "33"),
        ("hello", ""),
    ],
)
def test_colours_follow_the_kind_of_line(message: str, colour: str) -> None:
    shown = logs._highlighted(message)
    assert shown == (f"\x1b[{colour}m{message}\x1b[0m" if colour else message)


def test_the_environment_is_the_head_of_its_id() -> None:
    assert logs._environment("2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef") == "01234567"
    assert logs._environment("custom") == "custom"


def test_a_plain_line_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    event: dict[str, Any] = {
        "timestamp": 1_764_000_000_123,
        "stream": "2026/11/23/[$LATEST]01234567ff",
        "message": "hi\n",
    }
    logs._Printer().show(event)
    logs._Printer().show({"lost": 3})
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].endswith(".123 01234567 hi")
    assert shown[1] == "(3 lines were too fast to be shown here)"
