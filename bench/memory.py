"""Proportional set size of a process and all its descendants (Linux): pages shared by forks are counted once."""

from pathlib import Path


def pss_mib(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, and below the zygotes it started, which detach themselves from it."""
    started = _start_time(pid)
    zygotes = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_zygote(entry) and _start_time(int(entry.name)) >= started
    ]
    found = [zygote for zygote in zygotes if _parent(zygote) == 1]
    waiting = [pid, *found]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text(encoding="ascii").split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += children
            waiting += children
    return found


def _is_zygote(entry: Path) -> bool:
    try:
        return b"lambent/sandbox/bootstrap/launch.py" in (entry / "cmdline").read_bytes()
    except OSError:
        return False


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, ... start time is the twentieth (proc(5), 22)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return ["X", *["0"] * 30]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _start_time(pid: int) -> int:
    return int(_stat(pid)[19])


def tree_pss_mib(pid: int) -> float:
    return sum(pss_mib(each) for each in [pid, *descendants(pid)])
