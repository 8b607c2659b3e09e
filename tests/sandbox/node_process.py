"""The Node runtime by itself: a process with the channel as descriptor 3, spoken to as the pool would."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambent.sandbox import frames, node_runtimes
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES

PATIENCE_SECONDS = 30
BOOTSTRAP = Path(node_runtimes.__file__).parent / "bootstrap" / "node" / "bootstrap.cjs"
SEARCH_PATH = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep)]

#: One Node of every major version that is installed, oldest first.
NODES = sorted(
    {node.major: node for node in node_runtimes.installed(SEARCH_PATH, Path("/nonexistent"))}.values(),
    key=lambda node: node.version,
)


@dataclass(frozen=True)
class Answer:
    """How an invocation (or the start) ended: the last frame, and what came before it."""

    kind: int
    payload: bytes
    logs: list[str]
    chunks: list[bytes] = field(default_factory=list)
    prelude: bytes | None = None

    @property
    def document(self) -> Any:
        return json.loads(self.payload)


class NodeProcess:
    def __init__(self, process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
        self.process = process
        self._channel = channel
        self._reader = frames.FrameReader(MAX_RESPONSE_BYTES)
        self._received: list[tuple[int, bytes]] = []

    def start(self, code: Path, handler: str = "index.handler", **environment: str) -> Answer:
        assert self.answer(frames.READY).kind == frames.READY
        assignment = {"handler": handler, "env": environment, "task_root": str(code)}
        self._channel.sendall(frames.encode(frames.ASSIGN, json.dumps(assignment).encode()))
        return self.answer(frames.READY)

    def invoke(self, event: object = None, **meta: object) -> Answer:
        facts = {
            "aws_request_id": "11111111-2222",
            "deadline_ms": int(time.time() * 1000) + 3000,
            "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "client_context": None,
            "trace_id": "Root=1-5-6",
        }
        self._channel.sendall(frames.encode_invoke(json.dumps({**facts, **meta}).encode(), json.dumps(event).encode()))
        return self.answer(frames.RESULT)

    def answer(self, *_: int) -> Answer:
        logs: list[str] = []
        chunks: list[bytes] = []
        prelude = None
        while True:
            kind, payload = self._next_frame()
            if kind == frames.LOG:
                logs.append(payload.decode())
            elif kind == frames.CHUNK:
                chunks.append(payload)
            elif kind == frames.PRELUDE:
                prelude = payload
            else:
                return Answer(kind, payload, logs, chunks, prelude)

    def _next_frame(self) -> tuple[int, bytes]:
        while not self._received:
            data = self._channel.recv(1 << 20)
            if not data:
                raise EOFError
            self._received = self._reader.feed(data)
        return self._received.pop(0)

    def exit_status(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def node_process(node: node_runtimes.Node = NODES[-1]) -> Iterator[NodeProcess]:
    platform, inside = socket.socketpair()
    platform.settimeout(PATIENCE_SECONDS)
    become = f"import os; os.dup2({inside.fileno()}, 3); os.execv({str(node.program)!r}, ['node', {str(BOOTSTRAP)!r}])"
    command = [sys.executable, "-ISc", become]
    with (
        platform,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, pass_fds=[inside.fileno()], env={"PATH": "/usr/bin:/bin"}
        ) as process,
    ):
        inside.close()
        try:
            yield NodeProcess(process, platform)
        finally:
            platform.shutdown(socket.SHUT_RDWR)
            process.kill()


def package(directory: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    return directory


def run(directory: Path, code: str, event: object = None, *, file: str = "index.js", **meta: object) -> Answer:
    """One invocation of one-file function in a new process."""
    with node_process() as node:
        started = node.start(package(directory, {file: code}))
        if started.kind != frames.READY:
            return started
        return node.invoke(event, **meta)
