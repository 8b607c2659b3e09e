"""The pool: gives every invocation an execution environment of its own, warm if there is one, else a new one.

An environment belongs to one function version and revision and runs one invocation at a time. Between invocations
it is idle, soon frozen, and in the end reaped; a new revision retires the old one's environments as they become free.
`reserve.py` keeps environments ready that belong to nobody yet, `execution_environment.py` lives one's life.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import field

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.sandbox import available_runtimes, sdk_use, variables
from lambent.sandbox.environment import State
from lambent.sandbox.execution_environment import (
    INIT_SECONDS,
    ExecutionEnvironment,
    InitFailed,
    Surroundings,
)
from lambent.sandbox.isolation import choice
from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.contract import ChildFailed, Isolation, Kind
from lambent.sandbox.reserve import Reserve
from lambent.sandbox.runtime_api import RuntimeApiServer
from lambent.sandbox.runtimes import Dialect, Start
from lambent.sandbox.types import (
    Credentials,
    EnvironmentInfo,
    FunctionSpec,
    Invocation,
    LogSink,
    Outcome,
    ServePlatform,
)

_log = logging.getLogger(__name__)

_SWEEP_SECONDS = 0.5
_MEMORY_CHECK_SECONDS = 0.01


@frozen
class PoolSettings:
    isolation: IsolationPolicy = field(default_factory=IsolationPolicy)
    waiting_per_runtime: int = 2
    """Environments in reserve for every runtime in use: about 4 MiB each for Python, 8 for Node."""
    max_environments: int = 256
    max_idle_per_function: int = 32
    max_idle_memory_mb: int = 2048
    idle_seconds: float = 600.0
    freeze_after_seconds: float = 1.0


@frozen
class Outside:
    """What the pool is given of the rest of the platform."""

    clock: Clock
    ids: Ids
    log: LogSink
    credentials: Credentials
    serve_platform: ServePlatform


_Key = tuple[str, str]
"""(ARN, revision) of a function version."""


class Pool:
    def __init__(self, outside: Outside, settings: PoolSettings) -> None:
        self._outside = outside
        self._settings = settings
        self._runtimes = available_runtimes.discover()
        self._stack = AsyncExitStack()
        self._idle: defaultdict[_Key, list[ExecutionEnvironment]] = defaultdict(list)
        self._busy: set[ExecutionEnvironment] = set()
        self._ending: set[ExecutionEnvironment] = set()
        self._kept: dict[str, str | None] = {}
        self._room = asyncio.Semaphore(settings.max_environments)
        self._waiting_for_room = 0
        self._has_work = asyncio.Event()
        self._isolation: Isolation | None = None
        self._is_closing = False
        self._started = asyncio.Event()

    async def start(self) -> None:
        """Finds out how functions can be isolated here. Raises IsolationUnavailable, which says what to do.

        `close` must be called by the task that called this.
        """
        self._isolation = await choice.choose(self._settings.isolation)
        runtime_api = await self._stack.enter_async_context(RuntimeApiServer())
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._around = Surroundings(
            isolation=self._isolation,
            clock=self._outside.clock,
            log=self._outside.log,
            credentials=self._outside.credentials,
            serve_platform=self._outside.serve_platform,
            open_runtime_api=runtime_api.open,
        )
        self._reserve = Reserve(self._make, self._tasks, target=self._settings.waiting_per_runtime)
        self._upkeep = [
            self._tasks.create_task(self._sweep_regularly()),
            self._tasks.create_task(self._watch_memory()),
        ]
        self._started.set()

    async def close(self) -> None:
        """Ends every environment, running or not."""
        if self._isolation is None:
            return
        self._is_closing = True
        for task in self._upkeep:
            task.cancel()
        idle = [environment for environments in self._idle.values() for environment in environments]
        ending = [*self._reserve.close(), *idle, *self._busy, *self._ending]
        self._idle.clear()
        await asyncio.gather(*(environment.end() for environment in ending))
        await self._isolation.close()
        await self._stack.aclose()

    @property
    def isolation(self) -> str:
        """How functions are isolated, for people; after `start`."""
        assert self._isolation is not None
        return f"{self._isolation.level.value} ({self._isolation.describe()})"

    def supported_runtimes(self) -> Mapping[str, str]:
        """Name -> host path of the program behind it; "." for custom runtimes, which bring their own."""
        return {name: str(runtime.program) for name, runtime in self._runtimes.items()}

    def prepare(self, runtime: str) -> None:
        """Gets environments of a runtime ready in the background: somebody is about to use it."""
        if runtime in self._runtimes and self._started.is_set() and not self._is_closing:
            chosen = self._runtimes[runtime]
            self._reserve.prepare(Kind(chosen, chosen.start, network=False))

    async def invoke(self, spec: FunctionSpec, invocation: Invocation) -> Outcome:
        """Raises ChildFailed if no environment can be made; faults of the function are outcomes."""
        environment = self._take_idle((spec.arn, spec.revision))
        if environment is None:
            return await self._invoke_cold(spec, invocation)
        return await self._run(environment, spec, invocation, spec.timeout_seconds)

    async def retire(self, arn: str, *, keep_revision: str | None) -> None:
        """Ends a function version's environments but those of `keep_revision`; running invocations finish."""
        await asyncio.gather(*(self._end(environment) for environment in self._keep_only(arn, keep_revision)))

    def snapshot(self) -> list[EnvironmentInfo]:
        idle = [environment for environments in self._idle.values() for environment in environments]
        return [_describe(environment) for environment in [*self._reserve.waiting(), *idle, *self._busy]]

    def _take_idle(self, key: _Key) -> ExecutionEnvironment | None:
        """The most recently used: the others may then freeze, and be reaped."""
        idle = self._idle.get(key)
        while idle:
            environment = idle.pop()
            if environment.is_usable:
                return environment
            self._tasks.create_task(self._end(environment))
        return None

    async def _invoke_cold(self, spec: FunctionSpec, invocation: Invocation) -> Outcome:
        await self._started.wait()
        environment = await self._acquire(spec)
        seconds: float = spec.timeout_seconds
        try:
            await environment.initialise(spec, request_id=invocation.request_id, seconds=INIT_SECONDS)
        except InitFailed as failed:
            if failed.status != "timeout":
                return await self._give_up(environment, invocation, failed)
            # Lambda starts over, on the function's own time.
            await self._end(environment)
            environment = await self._acquire(spec)
            started = self._outside.clock.monotonic()
            try:
                await environment.initialise(spec, request_id=invocation.request_id, seconds=seconds)
            except InitFailed as failed_again:
                return await self._give_up(environment, invocation, failed_again)
            seconds = max(0.0, seconds - (self._outside.clock.monotonic() - started))
        except BaseException:
            await self._end(environment)
            raise
        return await self._run(environment, spec, invocation, seconds)

    async def _run(
        self, environment: ExecutionEnvironment, spec: FunctionSpec, invocation: Invocation, seconds: float
    ) -> Outcome:
        self._busy.add(environment)
        self._has_work.set()
        try:
            return await environment.invoke(invocation, seconds=seconds)
        finally:
            self._busy.discard(environment)
            self._put_back(environment, spec)

    def _put_back(self, environment: ExecutionEnvironment, spec: FunctionSpec) -> None:
        is_wanted = self._kept.get(spec.arn, spec.revision) == spec.revision
        if self._is_closing:
            return  # `close` ends it
        if environment.state is not State.IDLE or not is_wanted or self._waiting_for_room:
            self._tasks.create_task(self._end(environment))
            return
        idle = self._idle[spec.arn, spec.revision]
        idle.append(environment)
        if len(idle) > self._settings.max_idle_per_function:
            self._tasks.create_task(self._end(idle.pop(0)))

    async def _give_up(self, environment: ExecutionEnvironment, invocation: Invocation, failed: InitFailed) -> Outcome:
        outcome = environment.report_failed_init(invocation.request_id, failed)
        await self._end(environment)
        return outcome

    async def _acquire(self, spec: FunctionSpec) -> ExecutionEnvironment:
        """One from the reserve, within the bounds on their number."""
        self._retire_older(spec)
        await self._make_room()
        try:
            environment = await self._reserve.take(self._kind_for(spec))
        except BaseException:
            self._room.release()
            raise
        self._busy.add(environment)
        self._has_work.set()
        return environment

    async def _end(self, environment: ExecutionEnvironment) -> None:
        self._busy.discard(environment)
        self._ending.add(environment)
        await environment.end()
        self._ending.discard(environment)
        self._room.release()

    def _retire_older(self, spec: FunctionSpec) -> None:
        if self._kept.get(spec.arn) != spec.revision:
            for environment in self._keep_only(spec.arn, spec.revision):
                self._tasks.create_task(self._end(environment))

    def _keep_only(self, arn: str, revision: str | None) -> list[ExecutionEnvironment]:
        """From now on; answers with the idle ones of other revisions."""
        self._kept[arn] = revision
        keys = [key for key in self._idle if key[0] == arn and key[1] != revision]
        return [environment for key in keys for environment in self._idle.pop(key)]

    async def _make_room(self) -> None:
        """Takes one of the places there are; where none is left, that of whoever has been idle longest."""
        if self._room.locked():
            for environment in self._idle_by_age()[:1]:
                self._reap(environment)
        self._waiting_for_room += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting_for_room -= 1

    def _reap(self, environment: ExecutionEnvironment) -> None:
        assert environment.spec is not None
        self._idle[environment.spec.arn, environment.spec.revision].remove(environment)
        self._tasks.create_task(self._end(environment))

    def _idle_by_age(self) -> list[ExecutionEnvironment]:
        idle = [environment for environments in self._idle.values() for environment in environments]
        return sorted(idle, key=lambda environment: environment.idle_since)

    def _kind_for(self, spec: FunctionSpec) -> Kind:
        runtime = self._runtimes.get(spec.runtime)
        if runtime is None:
            raise ChildFailed(f"runtime {spec.runtime} is not installed here")
        if runtime.dialect is Dialect.FRAMES and variables.needs_fresh_process(spec.environment):
            return Kind(runtime, Start.LAUNCH, spec.network)
        uses_sdk = runtime.start is Start.FORK and sdk_use.is_likely(spec.code_dir, spec.handler)
        return Kind(runtime, runtime.start, spec.network, uses_sdk)

    async def _make(self, kind: Kind, hurry: bool) -> ExecutionEnvironment:
        return await ExecutionEnvironment.make(self._around, kind, self._outside.ids.uuid(), hurry=hurry)

    async def _sweep_regularly(self) -> None:
        while True:
            await self._outside.clock.sleep(_SWEEP_SECONDS)
            self._sweep()

    def _sweep(self) -> None:
        """Freezes what has been idle for a moment; reaps what has been idle for long, died, or is too much."""
        now = self._outside.clock.monotonic()
        idle = self._idle_by_age()
        memory_mb = sum(environment.memory_bytes() for environment in idle) >> 20
        for environment in idle:
            idle_seconds = now - environment.idle_since
            is_too_much = memory_mb > self._settings.max_idle_memory_mb
            if environment.is_over or is_too_much or idle_seconds > self._settings.idle_seconds:
                memory_mb -= environment.memory_bytes() >> 20
                self._reap(environment)
            elif environment.state is State.IDLE and idle_seconds >= self._settings.freeze_after_seconds:
                environment.freeze()
        for key in [key for key, environments in self._idle.items() if not environments]:
            del self._idle[key]

    async def _watch_memory(self) -> None:
        """Looks at functions that have been running for a while; the many short ones cost nothing."""
        while True:
            await self._has_work.wait()
            await asyncio.sleep(_MEMORY_CHECK_SECONDS)
            if not self._busy:
                self._has_work.clear()
                continue
            since = self._outside.clock.monotonic() - _MEMORY_CHECK_SECONDS
            for environment in [busy for busy in self._busy if busy.busy_since < since]:
                environment.check_memory()


def _describe(environment: ExecutionEnvironment) -> EnvironmentInfo:
    spec = environment.spec
    return EnvironmentInfo(
        environment_id=environment.id,
        arn=spec.arn if spec else "",
        revision=spec.revision if spec else "",
        runtime=environment.kind.runtime.name,
        state=environment.state.value,
        invocations=environment.invocations,
        started_at_ms=environment.started_at_ms,
        last_used_at_ms=environment.last_used_at_ms,
        memory_mb=environment.memory_bytes() >> 20,
    )
