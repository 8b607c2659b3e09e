"""Memory of a process tree by /proc, for machines where no control group counts it."""

import contextlib
from pathlib import Path


def private_bytes(pid: int) -> int:
    """What a process and its descendants would give back to the machine if they ended."""
    return sum(_private_bytes(member) for member in members(pid)) if pid > 0 else 0


def pid_of(pidfd: int) -> int:
    """-1 once the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
            if line.startswith("Pid:"):
                return int(line.split()[1])
    return -1


def members(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for member in found:  # grows while we walk it
        with contextlib.suppress(OSError):
            found += [int(child) for child in Path(f"/proc/{member}/task/{member}/children").read_text().split()]
    return found


def _private_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) << 10
    return 0
