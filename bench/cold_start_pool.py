"""The pool by itself, without HTTP: cold starts, warm calls, and what an idle environment weighs.

    .venv/bin/python -m bench.cold_start_pool [--isolation full|userns|process] [--runtime python3.11] [--cold 40]

The difference to the figures of `python -m bench` is what the HTTP and Lambda layers cost.
"""

import argparse
import asyncio
import json
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from bench import report
from bench.memory import pss_mib
from lambent.kit.clock import SystemClock
from lambent.kit.ids import RandomIds
from lambent.sandbox.isolation import process_tree
from lambent.sandbox.isolation.choice import IsolationPolicy
from lambent.sandbox.isolation.contract import Level
from lambent.sandbox.isolation.namespaces import Namespaces
from lambent.sandbox.pool import Outside, Pool, PoolSettings
from lambent.sandbox.types import Closeable, FunctionSpec, Invocation, RoleCredentials

SOURCES = {
    "hello": "def handler(event, context):\n    return event\n",
    "boto3": "import boto3\nclient = boto3.client('s3')\ndef handler(event, context):\n    return event\n",
}
NODE_SOURCE = "exports.handler = async (event) => event;\n"
WARM_CALLS = 20_000
_IDS = RandomIds()


class Unserved:
    async def close(self) -> None:
        return


async def _serve(_sock: socket.socket, _spec: FunctionSpec, _environment_id: str) -> Closeable:
    return Unserved()


@asynccontextmanager
async def running_pool(level: Level | None) -> AsyncIterator[Pool]:
    outside = Outside(
        SystemClock(),
        _IDS,
        lambda *_: None,
        lambda *_: RoleCredentials("AKIAIOSFODNN7EXAMPLE", "secret", "token"),
        _serve,
    )
    pool = Pool(outside, PoolSettings(isolation=IsolationPolicy(level=level, allow_process=level is Level.PROCESS)))
    await pool.start()
    print(f"isolation: {pool.isolation}")
    try:
        yield pool
    finally:
        await pool.close()


def function(directory: Path, runtime: str, name: str, files: Mapping[str, str]) -> FunctionSpec:
    code_dir = directory / name
    code_dir.mkdir()
    for file, content in files.items():
        (code_dir / file).write_text(content)
    return FunctionSpec(
        arn=f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        name=name,
        version="$LATEST",
        revision="1",
        runtime=runtime,
        handler="app.handler",
        memory_mb=256,
        timeout_seconds=10,
        tmp_mb=512,
        environment={},
        code_dir=code_dir,
        layer_dirs=(),
        role_arn="arn:aws:iam::000000000000:role/lambda",
        region="us-east-1",
        account_id="000000000000",
        log_group=f"/aws/lambda/{name}",
    )


def invocation() -> Invocation:
    return Invocation(_IDS.uuid(), json.dumps({"key": "x" * 300}).encode(), None, "arn:aws:lambda", "Root=1")


async def cold_starts(pool: Pool, functions: list[FunctionSpec], pause_seconds: float) -> list[float]:
    times = []
    for spec in functions:
        call = invocation()
        await asyncio.sleep(pause_seconds)
        began = time.perf_counter()
        outcome = await pool.invoke(spec, call)
        times.append((time.perf_counter() - began) * 1000)
        assert outcome.function_error is None, outcome.payload
    return times


async def warm_rate(pool: Pool, spec: FunctionSpec, connections: int) -> float:
    async def call(times: int) -> None:
        for _ in range(times):
            await pool.invoke(spec, invocation())

    await asyncio.gather(*(call(3) for _ in range(connections)))
    began = time.perf_counter()
    await asyncio.gather(*(call(WARM_CALLS // connections) for _ in range(connections)))
    return WARM_CALLS / (time.perf_counter() - began)


def idle_weights(pool: Pool) -> list[float]:
    """PSS in MiB of each environment's processes."""
    isolation = pool._isolation  # noqa: SLF001
    assert isinstance(isolation, Namespaces)
    first = [process_tree.pid_of(child.pidfd) for child in isolation._children.values() if not child.released]  # noqa: SLF001
    return [sum(pss_mib(member) for member in process_tree.members(process)) for process in first]


async def measure(level: Level | None, runtime: str, cold: int) -> list[report.Figure]:
    figures = []
    directory = Path(tempfile.mkdtemp(prefix="lambent-bench-"))
    directory.chmod(0o755)
    sources = {"node": NODE_SOURCE} if runtime.startswith("nodejs") else SOURCES
    file = "app.js" if runtime.startswith("nodejs") else "app.py"
    try:
        for name, source in sources.items():
            async with running_pool(level) as pool:
                pool.prepare(runtime)
                await asyncio.sleep(3)
                functions = [function(directory, runtime, f"{name}{number}", {file: source}) for number in range(cold)]
                times = await cold_starts(pool, functions, 0.3)
                figures.append(report.latency(f"cold start, {name}", times, 30 if name == "boto3" else 3))
                if level is not Level.PROCESS:
                    weights = idle_weights(pool)
                    limit = 8 if name == "hello" else None
                    figures.append(
                        report.Figure(f"idle environment, {name}", sorted(weights)[cold // 2], "MiB PSS", limit)
                    )
                for connections in (1, 8) if name != "boto3" else ():
                    rate = await warm_rate(pool, functions[-1], connections)
                    target = 10_000 if connections == 8 else None
                    label = f"warm calls, {connections} at once"
                    figures.append(report.Figure(label, rate, "per second", target, higher_is_better=True))
    finally:
        shutil.rmtree(directory)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isolation", choices=[level.value for level in Level])
    parser.add_argument("--runtime", default="python3.11")
    parser.add_argument("--cold", type=int, default=40)
    chosen = parser.parse_args()
    level = Level(chosen.isolation) if chosen.isolation else None
    figures = uvloop.run(measure(level, chosen.runtime, chosen.cold))
    for figure in figures:
        p99 = f", p99 {figure.p99:.2f}" if figure.p99 is not None else ""
        print(f"{figure.name:32} {figure.value:10.2f} {figure.unit}{p99}  {figure.note}  {figure.reached}")


if __name__ == "__main__":
    main()
