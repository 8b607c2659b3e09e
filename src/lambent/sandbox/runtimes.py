"""Runtimes: what a function's `Runtime` setting means on this machine (values and look-up).

A Runtime says how its process comes to be:

- FORK: the environment is forked from a zygote, a warm interpreter `program` that runs `bootstrap/zygote.py`; the
  forked child is the runtime (Python).
- EXEC: the forked child executes `argv` while it waits in the pool; that program reads frames on descriptor 3, says
  READY, and is then assigned (Node).
- LAUNCH: the forked child waits, and executes what the LAUNCH frame tells it when the function is known (custom
  runtimes; also any function with settings that only a fresh process can honour, such as NODE_OPTIONS).

EXEC and LAUNCH children are forked from a small zygote of the interpreter this platform runs on. `binds` are host
paths shown read-only inside, beside /usr. `dialect` says how the runtime is spoken to once it runs: frames on
descriptor 3, or the HTTP Runtime API on 127.0.0.1:9001 inside the sandbox (`runtime_api.py`).

`python_runtimes.py`, `node_runtimes.py` and `custom_runtimes.py` each find theirs with `discover()`; finding starts
no process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Start(Enum):
    #: The forked child is the runtime.
    FORK = "fork"
    #: The forked child executes `argv` at once and waits to be assigned.
    EXEC = "exec"
    #: The forked child executes what it is told at assignment.
    LAUNCH = "launch"


class Dialect(Enum):
    #: `frames.py` on descriptor 3.
    FRAMES = "frames"
    #: HTTP on 127.0.0.1:9001 inside the sandbox.
    RUNTIME_API = "runtime-api"


@dataclass(frozen=True, slots=True)
class Bind:
    """A host file or directory, shown read-only inside the sandbox."""

    host: Path
    inside: str


@dataclass(frozen=True, slots=True)
class Runtime:
    name: str
    """As CreateFunction spells it: `python3.11`, `nodejs20.x`, `provided.al2023`."""
    start: Start
    dialect: Dialect
    program: Path
    """Host path of the program that defines this runtime (shown to people; "." for custom runtimes)."""
    argv: tuple[str, ...] = ()
    """What a fresh process executes; paths as seen inside. Empty: /var/task/bootstrap or /opt/bootstrap."""
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    """For `argv` while it waits in the pool; replaced by the function's at assignment."""
    execution_environment: str = ""
    """AWS_EXECUTION_ENV, e.g. `AWS_Lambda_python3.11`; custom runtimes have none."""
