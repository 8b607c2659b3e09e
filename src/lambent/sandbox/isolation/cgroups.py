"""Control groups: one per sandbox, for limits on memory and processes, a share of the CPU, freezing and killing.

`Cgroups.open` finds out once what this machine lets us do and makes one parent group for this platform; groups that a
killed platform left behind are swept then. Where nothing can be had, there are no limits but those a process has by
itself, and `describe` says so.

A function's files in /tmp are memory too as far as the kernel is concerned. A group's limit is therefore memory plus
/tmp, and `memory_watch.py` ends functions whose own memory exceeds what they were granted.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path

from lambent.kit.frozen import frozen
from lambent.sandbox.isolation.cgroup_layout import CONTROLLERS, Layout, find_layout

_PREFIX = "lambent."
#: One vCPU per 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY_MB_PER_CPU = 1769
#: Waiting children are made with the least share there is, so that they never slow a function down.
_IDLE_MEMORY_MB = 1
_WAITING_MEMORY_MB = 256
_PIDS = 1024
_CPU_PERIOD_US = 20_000
_REMOVE_TRIES = 100
_REMOVE_PAUSE_SECONDS = 0.01


@frozen
class Grant:
    """What a group may use. Memory without /tmp."""

    memory_mb: int
    tmp_mb: int
    cpu_quota: bool
    """Hold the CPU to its share even when nobody else wants it, as AWS does."""


class Cgroups:
    """The parent groups of one platform."""

    def __init__(self, v1: dict[str, Path], v2: Path | None, v2_controllers: frozenset[str]) -> None:
        self._v1 = v1
        self._v2 = v2
        self._v2_controllers = v2_controllers

    @classmethod
    def open(cls) -> "Cgroups":
        layout = find_layout(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())
        name = f"{_PREFIX}{os.getpid()}-{time.monotonic_ns() % 10**9}"
        v2, v2_controllers = _open_v2(layout, name)
        v1: dict[str, Path] = {}
        for controller, own in layout.v1.items():
            if controller in v2_controllers or (controller == "freezer" and v2 is not None):
                continue
            _sweep(own)
            if _make(own / name):
                v1[controller] = own / name
        return cls(v1, v2, v2_controllers)

    def describe(self) -> str:
        """What is enforced, for people: "memory, pids, cpu (cgroup v1)"."""
        v1 = [name for name in CONTROLLERS if name in self._v1]
        v2 = [name for name in CONTROLLERS if name in self._v2_controllers]
        parts = [f"{', '.join(names)} ({label})" for names, label in ((v2, "cgroup v2"), (v1, "cgroup v1")) if names]
        return "; ".join(parts) or "no cgroup limits"

    def create(self, name: str, *, waiting: bool) -> "Cgroup":
        v1 = {controller: parent / name for controller, parent in self._v1.items()}
        v2 = self._v2 / name if self._v2 else None
        group = Cgroup(v1, v2, self._v2_controllers)
        for directory in group.directories():
            directory.mkdir()
        group.prepare(share_mb=_IDLE_MEMORY_MB if waiting else _WAITING_MEMORY_MB)
        return group

    def close(self) -> None:
        for directory in [*self._v1.values(), *([self._v2] if self._v2 else [])]:
            _remove_tree(directory)


class Cgroup:
    """One sandbox's group: a directory in each hierarchy. File descriptors of what is read often stay open."""

    def __init__(self, v1: dict[str, Path], v2: Path | None, v2_controllers: frozenset[str]) -> None:
        self._v1 = v1
        self._v2 = v2
        self._v2_controllers = v2_controllers
        self._usage_fd = self._peak_fd = -1  # opened by `prepare`, before anybody waits
        self._memory_limit = 0

    def directories(self) -> list[Path]:
        return [*self._v1.values(), *([self._v2] if self._v2 else [])]

    def open_entrances(self) -> list[int]:
        """Descriptors to which a process writes "0" to enter; the caller closes them."""
        return [os.open(directory / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for directory in self.directories()]

    def prepare(self, *, share_mb: int) -> None:
        """Limits for whoever waits: memory enough to wait in, and the CPU share that `share_mb` of memory gives."""
        self._usage_fd = self._open_counter("memory.usage_in_bytes", "memory.current")
        self._peak_fd = self._open_counter("memory.max_usage_in_bytes", "memory.peak")
        self._limit_memory(_WAITING_MEMORY_MB << 20)
        self._limit_cpu(share_mb / MEMORY_MB_PER_CPU, quota=False)
        if "pids" in self._v1:
            _write(self._v1["pids"] / "pids.max", _PIDS)
        elif self._v2 and "pids" in self._v2_controllers:
            _write(self._v2 / "pids.max", _PIDS)

    def grant(self, grant: Grant) -> None:
        """From here on it belongs to a function. On the path of every cold start: few writes."""
        self._limit_memory((grant.memory_mb + grant.tmp_mb) << 20)
        self._limit_cpu(grant.memory_mb / MEMORY_MB_PER_CPU, quota=grant.cpu_quota)

    def usage_bytes(self) -> int | None:
        """All charged memory, files in /tmp included; None where nobody counts."""
        return _read_number(self._usage_fd)

    def peak_bytes(self) -> int | None:
        return _read_number(self._peak_fd)

    def anonymous_bytes(self) -> int | None:
        """What processes hold themselves: no file caches, nothing in /tmp."""
        return self._statistic("total_rss", "anon")

    def file_bytes(self) -> int:
        """Files in /tmp and /dev/shm."""
        return self._statistic("total_shmem", "shmem") or 0

    def oom_kills(self) -> int:
        path = self._memory_file("memory.oom_control", "memory.events")
        return _field(path, "oom_kill") or 0 if path else 0

    def freeze(self, *, frozen: bool) -> bool:
        """False if this machine cannot."""
        with contextlib.suppress(OSError):
            if self._v2:
                _write(self._v2 / "cgroup.freeze", int(frozen))
                return True
            if "freezer" in self._v1:
                _write(self._v1["freezer"] / "freezer.state", "FROZEN" if frozen else "THAWED")
                return True
        return False

    def kill(self) -> None:
        """Everything in it at once; harmless where the kernel cannot (before 5.14)."""
        if self._v2:
            with contextlib.suppress(OSError):
                _write(self._v2 / "cgroup.kill", 1)

    def remove(self) -> None:
        """Blocks while the kernel still counts dying processes; for a thread."""
        for fd in (self._usage_fd, self._peak_fd):
            if fd >= 0:
                os.close(fd)
        self._usage_fd = self._peak_fd = -1
        for directory in self.directories():
            _remove(directory)

    def _limit_memory(self, limit: int) -> None:
        if "memory" in self._v1:
            directory = self._v1["memory"]
            swap = directory / "memory.memsw.limit_in_bytes"
            names = ["memory.limit_in_bytes", swap.name]
            for name in reversed(names) if limit > self._memory_limit > 0 else names:  # with swap is never less
                with contextlib.suppress(FileNotFoundError):
                    _write(directory / name, limit)
            self._memory_limit = limit
        elif self._v2 and "memory" in self._v2_controllers:
            _write(self._v2 / "memory.max", limit)
            for name, value in (("memory.swap.max", 0), ("memory.oom.group", 0)):
                with contextlib.suppress(FileNotFoundError):
                    _write(self._v2 / name, value)

    def _limit_cpu(self, cpus: float, *, quota: bool) -> None:
        quota_us = max(1000, int(cpus * _CPU_PERIOD_US))
        if "cpu" in self._v1:
            _write(self._v1["cpu"] / "cpu.shares", max(2, int(1024 * cpus)))
            if quota:
                _write(self._v1["cpu"] / "cpu.cfs_period_us", _CPU_PERIOD_US)
                _write(self._v1["cpu"] / "cpu.cfs_quota_us", quota_us)
        elif self._v2 and "cpu" in self._v2_controllers:
            _write(self._v2 / "cpu.weight", min(10_000, max(1, int(100 * cpus))))
            if quota:
                _write(self._v2 / "cpu.max", f"{quota_us} {_CPU_PERIOD_US}")

    def _memory_file(self, v1_name: str, v2_name: str) -> Path | None:
        if "memory" in self._v1:
            return self._v1["memory"] / v1_name
        return self._v2 / v2_name if self._v2 and "memory" in self._v2_controllers else None

    def _open_counter(self, v1_name: str, v2_name: str) -> int:
        path = self._memory_file(v1_name, v2_name)
        with contextlib.suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else -1
        return -1

    def _statistic(self, v1_name: str, v2_name: str) -> int | None:
        path = self._memory_file("memory.stat", "memory.stat")
        return _field(path, v1_name if "memory" in self._v1 else v2_name) if path else None


def _open_v2(layout: Layout, name: str) -> tuple[Path | None, frozenset[str]]:
    """A parent group below our own or, where processes in it are in the way, below the root."""
    best: tuple[Path | None, frozenset[str]] = (None, frozenset())
    for own in dict.fromkeys(path for path in (layout.v2, layout.v2_root) if path is not None):
        _sweep(own)
        _enable(own)
        if not _make(own / name):
            continue
        _enable(own / name)
        controllers = _enabled(own / name)
        if best[0] is not None and len(controllers) <= len(best[1]):
            _remove(own / name)
            continue
        if best[0] is not None:
            _remove(best[0])
        best = (own / name, controllers)
        if controllers >= {"memory", "pids", "cpu"}:
            break
    return best


def _enable(directory: Path) -> None:
    with contextlib.suppress(OSError):
        available = set((directory / "cgroup.controllers").read_text().split())
        for controller in sorted(available & set(CONTROLLERS)):
            with contextlib.suppress(OSError):  # EBUSY: processes live in it; EACCES: not ours
                _write(directory / "cgroup.subtree_control", f"+{controller}")


def _enabled(directory: Path) -> frozenset[str]:
    with contextlib.suppress(OSError):
        return frozenset((directory / "cgroup.subtree_control").read_text().split())
    return frozenset()


def _make(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        directory.mkdir()
        return os.access(directory / "cgroup.procs", os.W_OK)
    return False


def _sweep(own: Path) -> None:
    """Removes the groups of platforms that are no more; their sandboxes died with them."""
    for directory in own.glob(f"{_PREFIX}*-*"):
        pid = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            _remove_tree(directory)


def _remove_tree(directory: Path) -> None:
    for child in _subdirectories(directory):
        _remove(child)
    _remove(directory)


def _subdirectories(directory: Path) -> Iterable[Path]:
    with contextlib.suppress(OSError):
        return [entry for entry in directory.iterdir() if entry.is_dir()]
    return []


def _remove(directory: Path) -> None:
    for _ in range(_REMOVE_TRIES):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                return
            time.sleep(_REMOVE_PAUSE_SECONDS)
        else:
            return


def _write(path: Path, value: int | str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _read_number(fd: int) -> int | None:
    if fd < 0:
        return None
    try:
        return int(os.pread(fd, 64, 0))
    except OSError:
        return None


def _field(path: Path, name: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return None
