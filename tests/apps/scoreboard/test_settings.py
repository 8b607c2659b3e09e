"""What the environment variables may say."""

import pytest

from rollup import settings
from rollup.board import Rules
from rollup.settings import Misconfigured, Settings

GOOD = {"SCOREBOARD_TABLE": "games"}


def test_read() -> None:
    assert settings.from_environment(GOOD) == Settings("games", None, Rules(size=10, window_seconds=3600))
    more = {"SCOREBOARD_BUCKET": "board", "SCOREBOARD_SIZE": "3", "SCOREBOARD_WINDOW_SECONDS": "60"}
    assert settings.from_environment({**GOOD, **more}) == Settings("games", "board", Rules(size=3, window_seconds=60))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SCOREBOARD_TABLE": " "}, "SCOREBOARD_TABLE is missing"),
        ({"SCOREBOARD_SIZE": "0"}, "SCOREBOARD_SIZE must be a whole number from 1 to 50, but is '0'"),
        ({"SCOREBOARD_SIZE": "51"}, "from 1 to 50"),
        ({"SCOREBOARD_SIZE": "ten"}, "from 1 to 50"),
        ({"SCOREBOARD_WINDOW_SECONDS": "-1"}, "from 1 to 86400"),
    ],
)
def test_refused(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        settings.from_environment({**GOOD, **change})
