"""One platform for all tests of the application that need one."""

from collections.abc import Iterator

import pytest

from platform_process import PlatformProcess


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    with PlatformProcess.started(tmp_path_factory.mktemp("platform") / "data") as platform:
        yield platform
