"""The invoker: from a function's name to a running sandbox, and no further work on the way than needed.

A warm invocation costs one dictionary look-up, a comparison of counters and a call of the pool: what a name and
qualifier stand for is remembered until any function changes (`forget`). Concurrency is counted here, per function
with a reserve and per account for all others (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).
"""

import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

from lambent.kit import trace
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen, mutable
from lambent.kit.meter import Meter
from lambent.sandbox.isolation.contract import ChildFailed
from lambent.sandbox.types import FunctionSpec, Invocation, Outcome
from lambent.services.happenings import HappeningKind, Happenings
from lambent.services.lambda_ import event_invoke, metrics, names, payloads, policies, recursion, store
from lambent.services.lambda_.configuration import Function
from lambent.services.lambda_.errors import ResourceNotFound, ServiceFailure, TooManyRequests
from lambent.services.lambda_.event_invoke import AsyncPolicy
from lambent.services.lambda_.metrics import FunctionMeter
from lambent.services.lambda_.names import FunctionKey, FunctionReference
from lambent.services.lambda_.package_files import PackageFiles
from lambent.services.lambda_.queue_store import QueuedInvocation
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ACCOUNT_CONCURRENCY = 1_000

#: Announced by every commit that changes a function or how it is invoked.
TOPIC = "lambda_function"

#: Different spellings of functions' names remembered at a time.
MAX_TARGETS = 10_000

RunFunction = Callable[[FunctionSpec, Invocation], Awaitable[Outcome]]


class Address(NamedTuple):
    """A function as a caller spelled it, and where the caller stands."""

    account_id: str
    region: str
    function: str
    qualifier: str = ""


@mutable
class Load:
    """Invocations running now."""

    running: int = 0


@frozen
class Target:
    """What an address stands for, until a function changes."""

    spec: FunctionSpec
    invoked_arn: str
    policy: AsyncPolicy
    own_load: Load
    account_load: Load
    """Of all functions."""
    load: Load
    """What is limited: the function's own if it has a reserve, else that of all functions without one."""
    limit: int
    """Of `load`."""
    reserved: bool
    stops_loops: bool
    lineage_key: str
    """What the function is called in the lineage of trace headers."""
    meter: FunctionMeter


class Invoker:
    def __init__(
        self,
        *,
        database: Database,
        run: RunFunction,
        packages: PackageFiles,
        clock: Clock,
        happenings: Happenings,
        meter: Meter,
        account_concurrency: int = ACCOUNT_CONCURRENCY,
    ) -> None:
        self._database = database
        self._run = run
        self._packages = packages
        self._clock = clock
        self._happenings = happenings
        self._meter = meter
        self.account_concurrency = account_concurrency
        self._targets: dict[Address, Target] = {}
        self._loads: defaultdict[FunctionKey, Load] = defaultdict(Load)
        self._account_loads: defaultdict[tuple[str, str], Load] = defaultdict(Load)
        self._unreserved_loads: defaultdict[tuple[str, str], Load] = defaultdict(Load)

    async def invoke(
        self,
        address: Address,
        *,
        request_id: str,
        payload: bytes,
        client_context: str | None = None,
        trace_id: str = "",
        source: str = "invoke",
    ) -> Outcome:
        """Run a function now. `payload` has been checked to be JSON.

        Raises ResourceNotFound, TooManyRequests, RecursiveInvocation; faults of the function are outcomes.
        """
        target = self._targets.get(address) or self._remember(address)
        load, own, total, meter = target.load, target.own_load, target.account_load, target.meter
        if load.running >= target.limit:
            meter.throttles.add()
            self._note(HappeningKind.THROTTLED, target, request_id, source, _limit(target), trace_id=trace_id)
            raise _throttled(target)
        header = self._enter(target, trace_id, request_id, source)
        invocation = Invocation(request_id, payload, client_context, target.invoked_arn, header)
        own.running += 1
        total.running += 1
        meter.concurrency.add(own.running)
        meter.account_concurrency.add(total.running)
        if load is not own:
            load.running += 1
            meter.unreserved_concurrency.add(load.running)
        try:
            outcome = await self._run(target.spec, invocation)
        except Exception as error:
            self._note(HappeningKind.FAULT, target, request_id, source, repr(error), trace_id=trace_id)
            if isinstance(error, ChildFailed):
                raise ServiceFailure(f"The function could not be run: {error}") from error
            raise
        finally:
            own.running -= 1
            total.running -= 1
            if load is not own:
                load.running -= 1
        if len(outcome.payload) > payloads.MAX_RESPONSE_BYTES:
            outcome = replace(outcome, payload=payloads.RESPONSE_TOO_LARGE, function_error="Unhandled")
        meter.invocations.add()
        meter.errors.add(1.0 if outcome.function_error else 0.0)
        meter.duration.add(outcome.duration_ms)
        self._happenings.record(
            HappeningKind.ERROR if outcome.function_error else HappeningKind.OK,
            time_ms=self._clock.now_ms(),
            source=source,
            function_arn=target.invoked_arn,
            request_id=request_id,
            duration_ms=outcome.duration_ms,
            detail=outcome.payload[:300] if outcome.function_error else "",
            trace=trace_id or header,
        )
        return outcome

    def _enter(self, target: Target, trace_id: str, request_id: str, source: str) -> str:
        """The trace header the function gets. Raises RecursiveInvocation."""
        if not trace_id:
            return trace.enter_first(request_id, self._clock.now(), target.lineage_key)
        is_counted = recursion.is_counted(source)
        header, count = trace.enter(trace_id, request_id, target.lineage_key, keeps_lineage=is_counted)
        if count > recursion.MAX_INVOCATIONS and target.stops_loops:
            target.meter.series("RecursiveInvocationsDropped").add()
            advice = recursion.advice(target.invoked_arn, source)
            self._note(HappeningKind.STOPPED, target, request_id, source, advice, trace_id=trace_id)
            raise recursion.refusal()
        return header

    async def invoke_queued(self, row: QueuedInvocation, payload: bytes) -> Outcome:
        """An attempt at an asynchronous invocation; raises as `invoke` does."""
        return await self.invoke(
            address_of(row.function_arn),
            request_id=row.request_id,
            payload=payload,
            client_context=row.client_context,
            trace_id=row.trace_id,
            source=row.source,
        )

    def resolve(self, address: Address) -> Target:
        """Raises ResourceNotFound and what `names.parse_reference` raises."""
        return self._targets.get(address) or self._remember(address)

    def async_policy(self, function_arn: str) -> AsyncPolicy:
        """How the function's asynchronous invocations are treated. Raises ResourceNotFound."""
        return self.resolve(address_of(function_arn)).policy

    def meter_of(self, function_arn: str) -> FunctionMeter:
        """Raises ResourceNotFound."""
        return self.resolve(address_of(function_arn)).meter

    def spare_concurrency(self, function_arn: str) -> int:
        """How many more invocations would be admitted now. Raises ResourceNotFound."""
        target = self.resolve(address_of(function_arn))
        return target.limit - target.load.running

    def forget(self) -> None:
        """A function changed: look everything up again. Counters in use stay."""
        self._targets.clear()
        for key in [key for key, load in self._loads.items() if not load.running]:
            del self._loads[key]

    async def follow_changes(self) -> None:
        """Forget whenever a change commits, even one whose request is gone by then. Runs for ever."""
        changed = self._database.subscribe(TOPIC)
        while True:
            await changed.wait()
            self.forget()

    def _remember(self, address: Address) -> Target:
        if len(self._targets) >= MAX_TARGETS:
            self._targets.clear()
        target = self._targets[address] = self._database.read(lambda tx: self._look_up(tx, address))
        return target

    def _look_up(self, tx: Transaction, address: Address) -> Target:
        reference = names.parse_reference(
            address.function, address.qualifier, account_id=address.account_id, region=address.region
        )
        if reference.key.account_id != address.account_id:
            statements, _ = store.find_policy(tx, reference.key) or ([], "")
            if not policies.permits_account(statements, address.account_id):
                raise names.refused(reference, address.account_id)
        key = names.require_latest(reference)
        function = store.find_function(tx, key)
        if function is None:
            raise not_found(reference)
        return self._target(tx, function, reference)

    def _target(self, tx: Transaction, function: Function, reference: FunctionReference) -> Target:
        key, reserved = function.key, function.reserved_concurrency
        account, own_load = (key.account_id, key.region), self._loads[function.key]
        config = store.find_event_invoke_config(tx, key, names.LATEST)
        if reserved is None:
            set_aside = store.reserved_in_account(tx, key.account_id, key.region)
            load, limit = self._unreserved_loads[account], self.account_concurrency - set_aside
        else:
            load, limit = own_load, reserved
        return Target(
            spec=make_spec(function, self._packages),
            invoked_arn=reference.arn,
            policy=event_invoke.policy_of(
                config, reserved_concurrency=reserved, dead_letters=function.configuration.dead_letters
            ),
            own_load=own_load,
            account_load=self._account_loads[account],
            load=load,
            limit=limit,
            reserved=reserved is not None,
            stops_loops=function.recursive_loop == recursion.TERMINATE,
            lineage_key=trace.function_key(key.arn),
            meter=metrics.of_function(self._meter, reference.arn),
        )

    def _note(
        self, kind: HappeningKind, target: Target, request_id: str, source: str, detail: str = "", *, trace_id: str
    ) -> None:
        """An invocation that did not reach its function."""
        self._happenings.record(
            kind,
            time_ms=self._clock.now_ms(),
            source=source,
            function_arn=target.invoked_arn,
            request_id=request_id,
            detail=detail,
            trace=trace_id,
        )


def make_spec(function: Function, packages: PackageFiles) -> FunctionSpec:
    configuration = function.configuration
    return FunctionSpec(
        arn=function.key.arn,
        name=function.key.name,
        version=names.LATEST,
        revision=function.revision_id,
        runtime=configuration.runtime,
        handler=configuration.handler,
        memory_mb=configuration.memory_mb,
        timeout_seconds=configuration.timeout_seconds,
        tmp_mb=configuration.tmp_mb,
        environment=configuration.environment or {},
        code_dir=packages.code_directory(function.package_sha256),
        layer_dirs=(),
        role_arn=configuration.role_arn,
        region=function.key.region,
        account_id=function.key.account_id,
        log_group=function.log_group,
    )


@functools.lru_cache(MAX_TARGETS)
def address_of(function_arn: str) -> Address:
    """The address a stored function ARN stands for. Raises ResourceNotFound if it is no function's ARN."""
    reference = names.parse_arn(function_arn)
    if reference is None:
        raise ResourceNotFound(f"Function not found: {function_arn}")
    key = reference.key
    return Address(key.account_id, key.region, key.name, reference.qualifier)


def not_found(reference: FunctionReference) -> ResourceNotFound:
    return ResourceNotFound(f"Function not found: {reference.arn}")


def _limit(target: Target) -> str:
    """For people: which one was reached."""
    if not target.reserved:
        return f"the account's concurrency of {target.limit} is in use"
    if not target.limit:
        return "its reserved concurrency is 0, which switches it off: delete-function-concurrency lets it run again"
    return f"its reserved concurrency of {target.limit} is in use"


def _throttled(target: Target) -> TooManyRequests:
    scope = "ReservedFunctionConcurrent" if target.reserved else "Concurrent"
    return TooManyRequests("Rate Exceeded.", members={"Reason": f"{scope}InvocationLimitExceeded"})
