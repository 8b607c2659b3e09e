"""Running the real hugo on the workspace. It gets no credentials: of our environment it sees HUGO_* variables only."""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sitebuilder import diagnostics
from sitebuilder.settings import Settings

#: Kept back of the invocation's time, to report and to hand over the turn.
RESERVE_SECONDS = 2.0


class HugoDied(Exception):
    """Killed, or out of time: no fault of the sources, so another attempt may succeed. Lambda retries on it."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The sources are wrong: the same sources will fail again."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def build(
    settings: Settings, *, source: Path, destination: Path, cache: Path, seconds: float, extra: Sequence[str] = ()
) -> Succeeded | Failed:
    """A build into `destination`, which must be fresh: hugo never removes what it no longer makes. A whole one, unless
    `extra` arguments say otherwise."""
    command = [
        str(settings.hugo),
        "build",
        *("--source", str(source)),
        *("--destination", str(destination)),
        *("--cacheDir", str(cache)),
        "--noBuildLock",
        *(("--baseURL", settings.base_url) if settings.base_url else ()),
        *extra,
    ]
    exit_status, printed = _run(command, environment=_environment(settings, cache.parent), seconds=seconds)
    found = diagnostics.read(printed, source)
    if exit_status < 0:
        raise HugoDied(
            f"hugo was ended by {signal.Signals(-exit_status).name}: a large site may need a function with more memory."
        )
    if exit_status:
        return Failed(found.errors or (printed.strip() or f"hugo exited with status {exit_status}",), found.warnings)
    return Succeeded(found.warnings)


def _run(command: list[str], *, environment: dict[str, str], seconds: float) -> tuple[int, str]:
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=max(seconds - RESERVE_SECONDS, 0.1))
        except subprocess.TimeoutExpired as late:
            os.killpg(process.pid, signal.SIGKILL)
            raise HugoDied(
                f"hugo was still building after {late.timeout:.0f} s: give the function more time or more memory."
            ) from late
    return process.returncode, printed


def _environment(settings: Settings, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **dict(settings.hugo_variables),
    }
