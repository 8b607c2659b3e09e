"""One execution environment: a sandboxed child, the conversation with it, its log, its life.

It is made waiting, assigned to one function version for good, and then runs invocations one at a time. Whatever goes
wrong inside becomes an Outcome in AWS's words; `pool.py` decides when one is made, used and ended.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Self

import orjson

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.sandbox import failures, frames, log_lines, variables
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES, Conversation, FrameConversation, Receive
from lambent.sandbox.environment import Event, State, after
from lambent.sandbox.failures import Failure
from lambent.sandbox.isolation.contract import (
    PLATFORM_PORT,
    RUNTIME_API_PORT,
    Child,
    ChildFailed,
    ExitStatus,
    Isolation,
    Kind,
    Resources,
)
from lambent.sandbox.output import Output
from lambent.sandbox.runtimes import Dialect, Start
from lambent.sandbox.types import Closeable, Credentials, FunctionSpec, Invocation, LogSink, Outcome, ServePlatform

#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: the init phase has 10 seconds.
INIT_SECONDS = 10.0
#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: LogType=Tail gives the last 4 KB.
LOG_TAIL_BYTES = 4096
_BOOT_SECONDS = 30.0
#: A killed tree's last bytes arrive within milliseconds; a stray holder of the socket must not hold us up.
_HANG_UP_SECONDS = 1.0
_MEGABYTE = 1 << 20
#: Stands for "no frame will come any more" among the kinds of frames.
_ENDED = -1


class Cause(Enum):
    """Why we killed it."""

    #: Its time was up.
    TIMEOUT = "timeout"
    #: It held more memory than granted.
    MEMORY = "memory"
    #: Nobody needs it any more.
    RETIRED = "retired"


@frozen
class Surroundings:
    """What every environment needs from the platform."""

    isolation: Isolation
    clock: Clock
    log: LogSink
    credentials: Credentials
    serve_platform: ServePlatform
    open_runtime_api: Callable[[socket.socket, Receive], Awaitable[Conversation]]


class InitFailed(Exception):
    """The function could not be loaded; `document` is what its caller receives."""

    def __init__(self, document: bytes, *, error_type: str | None, status: str, init_ms: float) -> None:
        super().__init__(error_type)
        self.document = document
        self.error_type = error_type
        self.status = status
        self.init_ms = init_ms


class ExecutionEnvironment:
    def __init__(self, surroundings: Surroundings, kind: Kind, environment_id: str) -> None:
        self.id = environment_id
        self.kind = kind
        self.state = State.WAITING
        self.spec: FunctionSpec | None = None
        self.invocations = 0
        self.started_at_ms = self.last_used_at_ms = surroundings.clock.now_ms()
        self.idle_since = surroundings.clock.monotonic()
        self.busy_since = 0.0
        self._around = surroundings
        self._cause: Cause | None = None
        self._exit_status: ExitStatus | None = None
        self._has_hung_up = False
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._streamed = bytearray()
        self._tail = bytearray()
        self._log_stream = ""
        self._init_ms: float | None = None
        self._served: Closeable | None = None
        self._giving_back = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._child: Child
        self._channel: Conversation
        self._conversation: Conversation
        self._output: Output

    @classmethod
    async def make(cls, surroundings: Surroundings, kind: Kind, environment_id: str, *, hurry: bool) -> Self:
        """Isolated, booted, waiting for a function. Raises ChildFailed."""
        environment = cls(surroundings, kind, environment_id)
        environment._child = await surroundings.isolation.make_child(kind, hurry=hurry)
        environment._output = Output(environment._child.output, environment._write_line)
        ready = environment._expect()
        environment._child.end.add_done_callback(environment._on_end)
        channel = await FrameConversation.open(environment._child.channel, environment._receive)
        environment._channel = environment._conversation = channel
        try:
            kind_of_frame, _ = await environment._answer(ready, _BOOT_SECONDS)
        except asyncio.CancelledError:
            await environment.end()
            raise
        if kind_of_frame != frames.READY:
            environment._output.end_line()
            said = bytes(environment._tail).decode(errors="replace").strip()
            await environment.end()
            raise ChildFailed(f"{kind.runtime.name} did not start: {said or 'no reason given'}")
        return environment

    async def initialise(self, spec: FunctionSpec, *, request_id: str, seconds: float) -> None:
        """Loads the function. Raises InitFailed; ChildFailed if the sandbox itself could not be given its code."""
        self._advance(Event.ASSIGN)
        self.spec = spec
        self.busy_since = self._around.clock.monotonic()
        self._tail.clear()
        self._log_stream = log_lines.stream_name(self._around.clock.now(), spec.version, self.id.replace("-", ""))
        started = time.perf_counter()
        self._write_line(log_lines.init_start_line(self.kind.runtime.name, spec.region))
        resources = Resources(spec.memory_mb, spec.tmp_mb, spec.code_dir, spec.layer_dirs)
        mounted = self._around.isolation.assign(self._child, resources)
        kind, payload = await self._load(spec, mounted, started + seconds)
        self._output.end_line()
        self._init_ms = (time.perf_counter() - started) * 1000
        if kind != frames.READY:
            raise self._init_failure(kind, payload, request_id, self._init_ms)
        self._advance(Event.READY)

    async def invoke(self, invocation: Invocation, *, seconds: float) -> Outcome:
        spec = self.spec
        assert spec is not None
        is_frozen = self.state is State.FROZEN
        self._advance(Event.INVOKE)
        if is_frozen:
            self._child.thaw()
        now_ms = self._around.clock.now_ms()
        self.invocations += 1
        self.last_used_at_ms = now_ms
        self.busy_since = self._around.clock.monotonic()
        self._tail.clear()
        self._streamed.clear()
        self._write_line(log_lines.start_line(invocation.request_id, spec.version))
        started = time.perf_counter()
        answer = self._expect()
        self._conversation.invoke(_meta(invocation, now_ms + int(seconds * 1000)), invocation.payload)
        kind, payload = await self._answer(answer, seconds)
        duration_ms = (time.perf_counter() - started) * 1000
        self._output.end_line()
        if self.state is State.BUSY and kind != frames.FATAL_ERROR:
            self._advance(Event.ANSWER)
        return self._conclude(invocation.request_id, kind, payload, duration_ms)

    def report_failed_init(self, request_id: str, failed: InitFailed) -> Outcome:
        """The invocation for which a function was loaded in vain."""
        assert self.spec is not None
        self._write_line(log_lines.init_report_line(failed.init_ms, failed.status, failed.error_type))
        self._write_line(log_lines.start_line(request_id, self.spec.version))
        if failed.status == "timeout":
            self._write_line(log_lines.timeout_line(request_id, self._around.clock.now(), self.spec.timeout_seconds))
        return self._close_log(request_id, failed.document, 0.0, failed.status, failed.error_type)

    def check_memory(self) -> None:
        """Ends the function if its processes hold more than it was granted; files in /tmp do not count."""
        if self.spec is not None and self._child.holds_more_than(self.spec.memory_mb * _MEGABYTE):
            self.kill(Cause.MEMORY)

    def freeze(self) -> None:
        self._advance(Event.FREEZE)
        self._child.freeze()

    def kill(self, cause: Cause) -> None:
        if self.state in (State.ENDING, State.ENDED):
            return
        self._cause = cause
        self._advance(Event.KILL)
        self._child.kill()

    async def end(self) -> None:
        """Kills it if need be, waits for its end, gives everything back. Whoever asks waits until that is done."""
        self.kill(Cause.RETIRED)
        async with self._giving_back:
            await asyncio.wait([self._child.end])
            self._output.close()
            self._channel.close()
            self._conversation.close()
            if self._served is not None:
                served, self._served = self._served, None
                with contextlib.suppress(OSError):
                    await served.close()
            self._child.release()

    @property
    def is_usable(self) -> bool:
        return self.state in (State.IDLE, State.FROZEN)

    @property
    def is_over(self) -> bool:
        return self.state in (State.ENDING, State.ENDED)

    def memory_bytes(self) -> int:
        return self._child.memory_bytes()

    async def _load(self, spec: FunctionSpec, mounted: Awaitable[None], deadline: float) -> tuple[int, bytes]:
        """Hands the function over, in a fresh process where it takes one; answers with the frame that ends it."""
        sock, endpoint_url = self._platform_socket()
        placement = variables.Placement(
            self._log_stream, endpoint_url, self._child.task_root, self._around.credentials(spec, self.id)
        )
        environment = variables.for_function(spec, self.kind.runtime, placement)
        assignment = {"handler": spec.handler, "env": environment, "task_root": self._child.task_root}
        encoded = orjson.dumps(assignment)
        self._served = await self._around.serve_platform(sock, spec, self.id)
        await mounted
        ready = self._expect()
        if self.kind.start is Start.LAUNCH:
            await self._launch(spec, environment)
            kind, payload = await self._answer(ready, deadline - time.perf_counter())
            if kind != frames.READY or self.kind.runtime.dialect is Dialect.RUNTIME_API:
                return kind, payload
            ready = self._expect()
        self._channel.send(frames.ASSIGN, encoded)
        return await self._answer(ready, deadline - time.perf_counter())

    async def _launch(self, spec: FunctionSpec, environment: Mapping[str, str]) -> None:
        """Has the child execute its program now that the variables are known which that must start with."""
        if self.kind.runtime.dialect is Dialect.RUNTIME_API:
            listening = self._child.listeners[RUNTIME_API_PORT]
            self._conversation = await self._around.open_runtime_api(listening, self._receive)
        argv = variables.launch_arguments(self.kind.runtime, spec.environment)
        self._channel.send(frames.LAUNCH, orjson.dumps({"argv": argv, "env": environment}))

    def _platform_socket(self) -> tuple[socket.socket, str]:
        """Inside its own network every environment has the same address; on the host's, a port of its own."""
        inside = self._child.listeners.get(PLATFORM_PORT)
        if inside is not None:
            return inside, f"http://127.0.0.1:{PLATFORM_PORT}"
        sock = socket.create_server(("127.0.0.1", 0))
        return sock, f"http://127.0.0.1:{sock.getsockname()[1]}"

    def _conclude(self, request_id: str, kind: int, payload: bytes, duration_ms: float) -> Outcome:
        if kind == frames.RESULT:
            return self._close_log(request_id, bytes(self._streamed) or payload, duration_ms, None, None)
        if kind in (frames.HANDLED_ERROR, frames.FATAL_ERROR):
            if kind == frames.FATAL_ERROR:
                self.kill(Cause.RETIRED)
            return self._close_log(request_id, payload, duration_ms, None, None, failed=True)
        failure = failures.response_too_large() if kind == frames.OVERSIZED else self._end_failure(request_id)
        if self._cause is Cause.TIMEOUT:
            assert self.spec is not None
            duration_ms = self.spec.timeout_seconds * 1000.0
            self._write_line(log_lines.timeout_line(request_id, self._around.clock.now(), self.spec.timeout_seconds))
        elif kind == _ENDED:
            self._write_line(f"{failure.message}\n{failure.error_type}".encode())
        return self._close_log(
            request_id, failure.document(), duration_ms, failure.status, failure.error_type, failed=True
        )

    def _close_log(
        self,
        request_id: str,
        payload: bytes,
        duration_ms: float,
        status: str | None,
        error_type: str | None,
        *,
        failed: bool = False,
    ) -> Outcome:
        spec = self.spec
        assert spec is not None
        init_ms, self._init_ms = self._init_ms, None
        peak_mb = min(-(-self._child.memory_peak_bytes() // _MEGABYTE), spec.memory_mb)
        self._write_line(log_lines.end_line(request_id))
        self._write_line(
            log_lines.report_line(
                log_lines.Report(
                    request_id=request_id,
                    duration_ms=duration_ms,
                    memory_mb=spec.memory_mb,
                    max_memory_mb=peak_mb,
                    init_ms=init_ms,
                    status=status,
                    error_type=error_type,
                )
            )
        )
        self.idle_since = self._around.clock.monotonic()
        return Outcome(
            payload=payload,
            function_error="Unhandled" if failed or status is not None else None,
            log_tail=bytes(self._tail[-LOG_TAIL_BYTES:]),
            init_ms=init_ms,
            duration_ms=duration_ms,
            max_memory_mb=peak_mb,
        )

    def _init_failure(self, kind: int, payload: bytes, request_id: str, init_ms: float) -> InitFailed:
        if kind == frames.FATAL_ERROR:
            self.kill(Cause.RETIRED)
            return InitFailed(payload, error_type=_error_type(payload), status="error", init_ms=init_ms)
        failure = self._end_failure(request_id)
        return InitFailed(failure.document(), error_type=failure.error_type, status=failure.status, init_ms=init_ms)

    def _end_failure(self, request_id: str) -> Failure:
        assert self.spec is not None
        if self._cause is Cause.TIMEOUT:
            return failures.timed_out(request_id, self.spec.timeout_seconds)
        if self._cause is Cause.MEMORY or self._child.was_killed_for_memory():
            return failures.killed_for_memory(request_id)
        return failures.exited(request_id, self._exit_status or ExitStatus(code=None, signal=9))

    def _expect(self) -> "asyncio.Future[tuple[int, bytes]]":
        """Call before saying what will be answered."""
        self._waiter = self._loop.create_future()
        if self.state is State.ENDED:
            self._settle()
        return self._waiter

    async def _answer(self, waiter: "asyncio.Future[tuple[int, bytes]]", seconds: float) -> tuple[int, bytes]:
        """The frame that answers, or _ENDED; after `seconds` the environment is killed, and ends."""
        timer = self._loop.call_later(seconds, self.kill, Cause.TIMEOUT)
        try:
            return await waiter
        finally:
            timer.cancel()

    def _receive(self, kind: int, payload: bytes) -> None:
        if kind == frames.LOG:
            self._output.end_line()
            self._write_line(payload)
        elif kind == frames.CHUNK:
            if len(self._streamed) <= MAX_RESPONSE_BYTES:
                self._streamed += payload
        elif kind == frames.PRELUDE:
            pass  # status and headers of a response nobody streams yet
        elif kind == frames.HUNG_UP:
            self._has_hung_up = True
            if self._exit_status is not None:
                self._settle()
        elif self._waiter is not None and not self._waiter.done():
            is_too_long = kind == frames.RESULT and len(self._streamed) > MAX_RESPONSE_BYTES
            self._waiter.set_result((frames.OVERSIZED if is_too_long else kind, payload))

    def _on_end(self, end: "asyncio.Future[ExitStatus]") -> None:
        self._exit_status = end.result()
        if self.state is not State.ENDED:
            self._advance(Event.EXIT)
        if self._has_hung_up:
            self._settle()
        else:  # an answer may still be on its way
            self._loop.call_later(_HANG_UP_SECONDS, self._settle)

    def _settle(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((_ENDED, b""))

    def _advance(self, event: Event) -> None:
        self.state = after(self.state, event)

    def _write_line(self, line: bytes) -> None:
        self._tail += line
        self._tail += b"\n"
        if len(self._tail) > 2 * LOG_TAIL_BYTES:
            del self._tail[:-LOG_TAIL_BYTES]
        if self.spec is not None:
            self._around.log(self.spec, self._log_stream, self._around.clock.now_ms(), line)


def _meta(invocation: Invocation, deadline_ms: int) -> bytes:
    return orjson.dumps(
        {
            "aws_request_id": invocation.request_id,
            "deadline_ms": deadline_ms,
            "invoked_function_arn": invocation.invoked_arn,
            "client_context": invocation.client_context,
            "trace_id": invocation.trace_id,
        }
    )


def _error_type(document: bytes) -> str | None:
    try:
        decoded = orjson.loads(document)
    except orjson.JSONDecodeError:
        return None
    kind = decoded.get("errorType") if isinstance(decoded, dict) else None
    return kind if isinstance(kind, str) else None
