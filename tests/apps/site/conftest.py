"""A browser for the tests that look at the website as its visitors do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import browser as browsers
from browser import Browser
from clients import chromium


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert request.config.cache is not None
    try:
        program = chromium.program(Path(request.config.cache.mkdir("chromium")))
    except chromium.NoChromium as missing:
        pytest.skip(str(missing))
    with browsers.started(program, tmp_path_factory.mktemp("browser")) as browser:
        yield browser
