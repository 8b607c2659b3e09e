"""The npm packages of the function in JavaScript, installed once beside a copy of its lockfile."""

from pathlib import Path

import pytest

import pack
from clients import javascript_sdks


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    folder = Path(request.config.cache.mkdir("scoreboard-node"))
    return javascript_sdks.install(folder, described=pack.HERE / "node") / "node_modules"
