"""A real pool, functions made of source text, and everything they logged."""

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lambent.kit.clock import SystemClock
from lambent.kit.ids import RandomIds
from lambent.net.listener import Adopted, Listener
from lambent.sandbox.pool import Outside, Pool, PoolSettings
from lambent.sandbox.types import Closeable, FunctionSpec, Invocation, Outcome, RoleCredentials
from lambent.wire.http import Request, Response

RUNTIME = "python3.11"
_IDS = RandomIds()


@dataclass(slots=True)
class Scene:
    """A running pool and what its functions said."""

    pool: Pool
    directory: Path
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """(function name, log stream, line)."""
    requests: list[str] = field(default_factory=list)
    """Targets asked of the platform from inside, with the id of the function that asked."""

    def function(self, name: str, source: str | Mapping[str, str], **settings: Any) -> FunctionSpec:
        """A Python function; `source` is app.py, or several files."""
        directory = self.directory / f"{name}-{settings.get('revision', '1')}"
        directory.mkdir()
        directory.chmod(0o755)
        files = {"app.py": source} if isinstance(source, str) else source
        for file, content in files.items():
            path = directory / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        spec = FunctionSpec(
            arn=f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
            name=name,
            version="$LATEST",
            revision="1",
            runtime=RUNTIME,
            handler="app.handler",
            memory_mb=128,
            timeout_seconds=5,
            tmp_mb=512,
            environment={},
            code_dir=directory,
            layer_dirs=(),
            role_arn="arn:aws:iam::000000000000:role/lambda",
            region="us-east-1",
            account_id="000000000000",
            log_group=f"/aws/lambda/{name}",
        )
        return replace(spec, **settings)

    async def run(self, spec: FunctionSpec, event: Any = None, **fields: Any) -> Outcome:
        return await self.pool.invoke(spec, replace(invocation(event), **fields))

    async def result(self, spec: FunctionSpec, event: Any = None) -> Any:
        """The handler's answer, which must not be an error."""
        outcome = await self.run(spec, event)
        assert outcome.function_error is None, outcome.payload.decode()
        return json.loads(outcome.payload)

    def said(self, name: str) -> list[str]:
        return [line for function, _, line in self.lines if function == name]

    def own_lines(self, name: str) -> list[str]:
        """What the function itself wrote."""
        marks = ("START ", "END ", "REPORT ", "INIT_START ")
        return [line for line in self.said(name) if not line.startswith(marks)]


class Visit:
    def __init__(self, adopted: Adopted) -> None:
        self._adopted = adopted

    async def close(self) -> None:
        self._adopted.close()


def invocation(event: Any = None) -> Invocation:
    return Invocation(
        request_id=_IDS.uuid(),
        payload=json.dumps(event).encode(),
        client_context=None,
        invoked_arn="arn:aws:lambda:us-east-1:000000000000:function:invoked",
        trace_id="Root=1-00000000-000000000000000000000000",
    )


@asynccontextmanager
async def running_pool(directory: Path, settings: PoolSettings | None = None) -> AsyncIterator[Scene]:
    async def answer(request: Request) -> Response:
        scene.requests.append(f"{request.environment} {request.target}")
        return Response(body=b"from the platform")

    listener = Listener(answer)

    async def serve(sock: socket.socket, spec: FunctionSpec, environment_id: str) -> Closeable:
        return Visit(await listener.adopt(sock, spec.name))

    def log(spec: FunctionSpec, stream: str, _time_ms: int, line: bytes) -> None:
        scene.lines.append((spec.name, stream, line.decode()))

    def credentials(spec: FunctionSpec, _environment_id: str) -> RoleCredentials:
        return RoleCredentials(f"AKIA{spec.name}", "secret", "token")

    outside = Outside(SystemClock(), _IDS, log, credentials, serve)
    pool = Pool(outside, settings or PoolSettings(waiting_per_runtime=1))
    scene = Scene(pool, directory)
    async with listener:
        await pool.start()
        try:
            yield scene
        finally:
            await pool.close()
