"""The values that cross the sandbox's edge: what to run, one run of it, and what came of it.

`services/lambda_/invoker.py` makes a FunctionSpec and an Invocation and hands them to the pool, which answers
with an Outcome. What the sandbox needs from the rest of the platform (a place for log lines, credentials, an
endpoint) comes as the callables below: it imports no service.
"""

import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from lambent.kit.frozen import frozen


@frozen
class FunctionSpec:
    """One function version, ready to run.

    `(arn, revision)` identifies code and configuration together: a new revision retires the old one's
    environments.
    """

    arn: str
    name: str
    version: str
    """`$LATEST` or a number."""
    revision: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_seconds: int
    tmp_mb: int
    environment: Mapping[str, str]
    code_dir: Path
    """The unpacked package; read-only."""
    layer_dirs: tuple[Path, ...]
    role_arn: str
    region: str
    account_id: str
    log_group: str
    network: bool = False
    """Whether the function may reach more than the platform's own endpoint."""


@frozen
class Invocation:
    """One event for one function. The pool adds the deadline when it hands the event over."""

    request_id: str
    payload: bytes
    """The event, JSON as the caller sent it; passed through unparsed."""
    client_context: str | None
    """JSON text (already base64-decoded)."""
    invoked_arn: str
    trace_id: str


@frozen
class Outcome:
    """What an invocation came to. Faults of the function (errors, timeouts, crashes) are outcomes too."""

    payload: bytes
    """The response, or AWS's error document."""
    function_error: str | None
    """None, `Handled` or `Unhandled`."""
    log_tail: bytes
    """The last 4 KB of what this invocation logged."""
    init_ms: float | None
    """None after a warm start."""
    duration_ms: float
    max_memory_mb: int


@frozen
class EnvironmentInfo:
    """One execution environment, for people who look."""

    environment_id: str
    arn: str
    """Empty while it waits unassigned in the pool."""
    revision: str
    runtime: str
    state: str
    """The lifecycle's state, as `environment.py` names it."""
    invocations: int
    started_at_ms: int
    last_used_at_ms: int
    memory_mb: int


@frozen
class RoleCredentials:
    """Temporary credentials of a function's role, for one environment."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class Closeable(Protocol):
    async def close(self) -> None: ...


LogSink = Callable[[FunctionSpec, str, int, bytes], None]
"""(spec, log stream name, time_ms, line without newline): called on the loop for START, END, REPORT and every
line the function writes; must not block."""

Credentials = Callable[[FunctionSpec, str], RoleCredentials]
"""(spec, environment id)."""

ServePlatform = Callable[[socket.socket, FunctionSpec, str], Awaitable[Closeable]]
"""(listening socket made inside the environment's network namespace, spec, environment id): serve on it."""
