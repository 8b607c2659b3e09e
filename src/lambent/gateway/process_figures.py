"""Figures of the process: how late the event loop is, how commits go, what runs and what waits.

For Prometheus (`metrics_page`). Everything is read when somebody asks; only the loop's lag is measured on and on.
"""

import asyncio
import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lambent.gateway.prometheus import Family
from lambent.kit.frozen import frozen
from lambent.kit.histogram import Histogram
from lambent.sandbox.types import EnvironmentInfo
from lambent.storage.writer import Commits

LAG_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
LAG_SECONDS = 0.5

_OWN = Path("/proc/self")


@frozen
class Sources:
    """Whom to ask."""

    commits: Commits
    environments: Callable[[], Sequence[EnvironmentInfo]]
    connections: Callable[[], Counter[str]]
    """Open ones, by whom they come from."""
    backlog: Callable[[], Counter[str]]
    """Asynchronous invocations, by what they do: `running`, `waiting`."""


class ProcessFigures:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._lag = Histogram(LAG_BOUNDS)
        self._started = time.time()

    async def run(self) -> None:
        """Measures the loop's lag for ever: real time, for it is the machine that is late."""
        while True:
            due = time.perf_counter() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self._lag.add(max(0.0, time.perf_counter() - due))

    def families(self) -> Iterable[Family]:
        sources = self._sources
        commits = sources.commits
        lag = Family("lambent_event_loop_lag_seconds", "histogram", "How late the event loop wakes a sleeper.")
        yield lag.add_histogram(self._lag)
        commit = Family("lambent_commit_seconds", "histogram", "Time of a commit with the work in it, until on disk.")
        yield commit.add_histogram(commits.seconds)
        batch = Family("lambent_commit_works", "histogram", "Pieces of work that shared a commit.")
        yield batch.add_histogram(commits.works)
        states = Counter((one.state, one.runtime) for one in sources.environments())
        environments = Family("lambent_environments", "gauge", "Execution environments of functions.")
        for (state, runtime), count in sorted(states.items()):
            environments.add(count, {"state": state, "runtime": runtime})
        yield environments
        yield _by("lambent_connections", "from", "Open connections.", sources.connections())
        yield _by("lambent_async_invocations", "state", "Asynchronous invocations in memory.", sources.backlog())
        yield from self._process()

    def _process(self) -> Iterable[Family]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = Family("process_cpu_seconds_total", "counter", "User and system CPU time spent.")
        yield cpu.add(used.ru_utime + used.ru_stime)
        yield Family("process_start_time_seconds", "gauge", "Start, since the epoch.").add(self._started)
        if _OWN.exists():  # Linux
            pages = int((_OWN / "statm").read_text().split()[1])
            memory = Family("process_resident_memory_bytes", "gauge", "Resident memory.")
            yield memory.add(pages * os.sysconf("SC_PAGE_SIZE"))
            files = Family("process_open_fds", "gauge", "Open file descriptors.")
            yield files.add(len(list((_OWN / "fd").iterdir())))


def _by(name: str, label: str, description: str, counted: Counter[str]) -> Family:
    family = Family(name, "gauge", description)
    for value, count in sorted(counted.items()):
        family.add(count, {label: value})
    return family
