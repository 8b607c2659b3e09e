"""Where control groups are on this machine, from what /proc says (pure).

Hosts differ: version 2 alone, version 1 alone, or both (a version 1 hierarchy per controller, and a version 2 one
that still gives us kill and freeze). `cgroups.py` makes groups in what this finds.
"""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from lambent.kit.frozen import frozen

CONTROLLERS = ("memory", "pids", "cpu", "freezer")


@frozen
class Layout:
    v1: Mapping[str, Path] = field(default_factory=dict)
    """Controller -> our own process's directory in its version 1 hierarchy."""
    v2: Path | None = None
    """Our own process's directory in the version 2 hierarchy."""
    v2_root: Path | None = None


def find_layout(mountinfo: str, own_cgroups: str) -> Layout:
    """`mountinfo`: /proc/self/mountinfo; `own_cgroups`: /proc/self/cgroup."""
    own = _own_paths(own_cgroups)
    v1: dict[str, Path] = {}
    v2 = v2_root = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        mount_root, mount_point = left.split(" ")[3:5]
        kind, _, options = right.split(" ")[:3]
        if kind == "cgroup":
            for controller in set(options.split(",")) & set(CONTROLLERS):
                v1.setdefault(controller, _within(mount_point, mount_root, own.get(controller, "/")))
        elif kind == "cgroup2" and v2 is None:
            v2_root = Path(mount_point)
            v2 = _within(mount_point, mount_root, own.get("", "/"))
    return Layout(v1=v1, v2=v2, v2_root=v2_root)


def _own_paths(own_cgroups: str) -> dict[str, str]:
    paths: dict[str, str] = {}
    for line in own_cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _within(mount_point: str, mount_root: str, path: str) -> Path:
    """A container sees a part of the hierarchy: what lies outside its mount shows as the mount itself."""
    if mount_root not in ("/", path) and path.startswith(mount_root + "/"):
        path = path[len(mount_root) :]
    elif path == mount_root or path.startswith("/.."):
        path = "/"
    return Path(mount_point) / path.lstrip("/")
