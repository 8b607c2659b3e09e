"""One platform for all tests that only need some platform; tests that restart or kill one start their own.

With pytest-xdist (`make test`) a file's tests stay together in one of several processes, each with a platform of its
own. A test marked `alone` measures time or the processor: while it runs, the other processes wait.
"""

from collections.abc import Generator, Iterator

import hypothesis
import pytest

import taking_turns
from platform_process import PlatformProcess

# How long an example takes depends on who else is busy.
hypothesis.settings.register_profile("beside others", deadline=None)
hypothesis.settings.load_profile("beside others")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    with PlatformProcess.started(tmp_path_factory.mktemp("platform") / "data") as platform:
        yield platform


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    if not hasattr(item.config, "workerinput"):  # not one of several processes
        return (yield)
    assert item.config.cache is not None
    with taking_turns.turn(item.config.cache.mkdir("turns"), alone=item.get_closest_marker("alone") is not None):
        return (yield)
