"""Python functions in real sandboxes: what they are given, what they answer, what they log."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from lambent.sandbox.types import FunctionSpec
from sandbox.pools import RUNTIME, Scene, running_pool


def test_what_a_function_is_given(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html and .../configuration-envvars.html."""
    source = """
import os, pwd, sys
def handler(event, context):
    return {
        "event": event, "cwd": os.getcwd(), "user": pwd.getpwuid(os.getuid()).pw_name, "path": sys.path[:3],
        "environment": dict(os.environ),
        "context": {name: value for name, value in vars(context).items() if isinstance(value, (str, type(None)))},
        "remaining": context.get_remaining_time_in_millis(),
        "custom": context.client_context.custom, "app": context.client_context.client.app_title,
        "identity": context.identity.cognito_identity_id,
    }
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("given", source, environment={"COLOUR": "red"}, memory_mb=256)
            context = json.dumps({"custom": {"a": "b"}, "client": {"app_title": "App"}, "env": {}})
            outcome = await scene.run(spec, {"hello": "wörld"}, client_context=context)
            given = json.loads(outcome.payload)
            stream = scene.lines[-1][1]
        assert given["event"] == {"hello": "wörld"}
        assert given["cwd"] == "/var/task"
        assert given["user"] == "sbx_user1051"
        assert given["path"] == ["/var/task", f"/opt/python/lib/{RUNTIME}/site-packages", "/opt/python"]
        assert 0 < given["remaining"] <= 5000
        assert (given["custom"], given["app"], given["identity"]) == ({"a": "b"}, "App", None)
        assert given["context"] == {
            "aws_request_id": given["context"]["aws_request_id"],
            "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:invoked",
            "function_name": "given",
            "function_version": "$LATEST",
            "memory_limit_in_mb": "256",
            "log_group_name": "/aws/lambda/given",
            "log_stream_name": stream,
            "tenant_id": None,
        }
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
        environment = given["environment"]
        assert environment.pop("PATH").startswith("/var/lang/bin:")
        assert environment.pop("LD_LIBRARY_PATH").startswith("/lib64:")
        assert environment == {
            "COLOUR": "red",
            "_HANDLER": "app.handler",
            "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
            "AWS_LAMBDA_FUNCTION_NAME": "given",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/given",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_ACCESS_KEY_ID": "AKIAgiven",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LANG": "en_US.UTF-8",
            "PYTHONPATH": "/var/runtime",
            "TZ": ":UTC",
        }

    asyncio.run(main())


def test_log_lines_come_in_the_order_they_were_written(tmp_path: Path) -> None:
    source = """
import logging, subprocess, sys
logging.getLogger().setLevel("INFO")
print("loading")
def handler(event, context):
    print("printed")
    logging.info("logged in\\ntwo lines")
    print("to stderr", file=sys.stderr)
    subprocess.run(["/bin/sh", "-c", "echo from a process; echo and its stderr >&2"])
    print("no end of line", end="")
    return 1
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("chatty", source)
            cold = await scene.run(spec)
            request_id = scene.said("chatty")[2].split()[2]
            lines = scene.said("chatty")
            warm = await scene.run(spec)
        assert lines[0].startswith(
            f"INIT_START Runtime Version: {RUNTIME}\tRuntime Version ARN: arn:aws:lambda:us-east-1::"
        )
        assert lines[1:3] == ["loading", f"START RequestId: {request_id} Version: $LATEST"]
        assert re.fullmatch(
            rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z\t{request_id}\tlogged in\ntwo lines", lines[4]
        )
        assert [lines[3], *lines[5:10]] == [
            "printed",
            "to stderr",
            "from a process",
            "and its stderr",
            "no end of line",
            f"END RequestId: {request_id}",
        ]
        report = (
            rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
            r"Max Memory Used: \d+ MB\t"
        )
        assert re.fullmatch(report + r"Init Duration: [\d.]+ ms\t", lines[10])
        assert cold.log_tail.decode().splitlines()[-1] == lines[10]
        assert cold.init_ms is not None
        assert warm.init_ms is None
        assert "Init Duration" not in warm.log_tail.decode()
        assert warm.log_tail.decode().startswith("START ")

    asyncio.run(main())


ERRORS = [
    # source, handler, errorType, errorMessage, stack trace's last line
    ("def handler(e, c):\n    raise KeyError('x')", "app.handler", "KeyError", "'x'", "    raise KeyError('x')\n"),
    (
        "import missing_module",
        "app.handler",
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'missing_module'",
        None,
    ),
    (
        "",
        "nowhere.handler",
        "Runtime.ImportModuleError",
        "Unable to import module 'nowhere': No module named 'nowhere'",
        None,
    ),
    ("x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", None),
    (
        "",
        "handler",
        "Runtime.MalformedHandlerName",
        "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
        None,
    ),
    (
        "def handler(e, c):\n    return {1, 2}",
        "app.handler",
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
        None,
    ),
    ("raise ValueError('at import')", "app.handler", "ValueError", "at import", "    raise ValueError('at import')\n"),
    (
        "def handler(:",
        "app.handler",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
        '  File "/var/task/app.py" Line 1\n    def handler(:',
    ),
]


def test_errors_in_the_words_of_aws(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html and python-exceptions.html."""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            for number, (source, handler, kind, message, trace) in enumerate(ERRORS):
                spec = scene.function(f"bad{number}", source, handler=handler)
                outcome = await scene.run(spec)
                document = json.loads(outcome.payload)
                assert (document["errorType"], document["errorMessage"]) == (kind, message)
                assert outcome.function_error == "Unhandled"
                if trace is not None:
                    assert document["stackTrace"][-1].endswith(trace)
                assert any(line.startswith(f"[ERROR] {kind}: {message}") for line in scene.said(spec.name))

    asyncio.run(main())


def test_an_exception_keeps_the_environment(tmp_path: Path) -> None:
    source = """
count = 0
def handler(event, context):
    global count
    count += 1
    if event == "fail":
        raise RuntimeError("no")
    return count
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("counter", source)
            assert await scene.result(spec) == 1
            assert (await scene.run(spec, "fail")).function_error == "Unhandled"
            assert await scene.result(spec) == 3

    asyncio.run(main())


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(7)", "Runtime exited with error: exit status 7"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
        ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_crash_costs_one_invocation(tmp_path: Path, statement: str, reason: str) -> None:
    source = (
        f"import ctypes, os, sys\ndef handler(event, context):\n    if event:\n        {statement}\n    return 'fine'\n"
    )

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("crashes", source)
            assert await scene.result(spec) == "fine"
            outcome = await scene.run(spec, "crash")
            document = json.loads(outcome.payload)
            assert document["errorType"] == "Runtime.ExitError"
            assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {reason}", document["errorMessage"])
            assert "Status: error\tError Type: Runtime.ExitError" in outcome.log_tail.decode()
            assert await scene.result(spec) == "fine"

    asyncio.run(main())


def test_events_and_responses_of_every_size(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return event if isinstance(event, str) else 'x' * event\n"

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("sizes", source, memory_mb=512)
            for size in (0, 1, 65_000, 65_536, 200_000, 5_900_000):
                assert await scene.result(spec, "y" * size) == "y" * size
            limit = 6 * 1024 * 1024 + 100
            assert await scene.result(spec, limit - 2) == "x" * (limit - 2)
            outcome = await scene.run(spec, limit - 1)
            assert json.loads(outcome.payload) == {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            }
            assert await scene.result(spec, 3) == "xxx"

    asyncio.run(main())


def test_the_platform_answers_inside_and_knows_who_asks(tmp_path: Path) -> None:
    source = """
import urllib.request, os
def handler(event, context):
    return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/some/path").read().decode()
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            first, second = scene.function("first", source), scene.function("second", source)
            assert await scene.result(first) == "from the platform"
            assert await scene.result(second) == "from the platform"
            assert scene.requests == ["first /some/path", "second /some/path"]

    asyncio.run(main())


def test_a_function_on_the_hosts_network(tmp_path: Path) -> None:
    """Configured so, it reaches what the host reaches, and the platform on a port of its own; else it is confined."""
    source = """
import os, socket, urllib.request
def handler(port, context):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        greeting = connection.recv(100).decode()
    platform = urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"]).read().decode()
    try:
        open("/etc/new", "w")
    except OSError as error:
        return [greeting, platform, error.strerror, os.path.exists("/root/.bashrc")]
"""

    async def main() -> None:
        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello from the host")
            await writer.drain()
            writer.close()

        async with running_pool(tmp_path) as scene, await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            answer = await scene.result(scene.function("open", source, network=True), port)
            assert answer == ["hello from the host", "from the platform", "Read-only file system", False]
            assert scene.requests == ["open /"]

    asyncio.run(main())


def test_boto3_is_there_and_a_package_may_bring_its_own(tmp_path: Path) -> None:
    usual = """
import boto3
def handler(event, context):
    return [boto3.__file__, boto3.client("s3").meta.endpoint_url]
"""
    own = {
        "app.py": "import boto3, queue\ndef handler(e, c):\n    return [boto3.VERSION, queue.WHOSE]\n",
        "boto3/__init__.py": "VERSION = 'my own'\n",
        "queue.py": "WHOSE = 'mine'\n",
    }

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            file, endpoint = await scene.result(scene.function("usual", usual))
            assert file.startswith("/var/runtime/boto3/")
            assert endpoint == "http://127.0.0.1:4566"
            assert await scene.result(scene.function("own", own)) == ["my own", "mine"]

    asyncio.run(main())


def test_settings_of_the_interpreter_take_a_fresh_process(tmp_path: Path) -> None:
    source = """
import sys, os, boto3
def handler(event, context):
    return [sys.flags.optimize, os.getcwd(), sys.path[:3], os.environ["PYTHONOPTIMIZE"]]
"""

    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            spec = scene.function("fresh", source, environment={"PYTHONOPTIMIZE": "2"})
            optimize, directory, path, variable = await scene.result(spec)
            assert (optimize, directory, variable) == (2, "/var/task", "2")
            assert path[0] == "/var/task"
            assert await scene.result(spec)

    asyncio.run(main())


def test_a_layer_is_at_opt(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            layer = scene.function("layer", {"python/shared.py": "NAME = 'from the layer'\n"}).code_dir
            spec = scene.function(
                "user", "import shared\ndef handler(e, c):\n    return shared.NAME\n", layer_dirs=(layer,)
            )
            assert await scene.result(spec) == "from the layer"

    asyncio.run(main())


@pytest.mark.parametrize("version", ["python3.9", "python3.10", "python3.12", "python3.13", "python3.14"])
def test_other_interpreters(tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with running_pool(tmp_path) as scene:
            if version not in scene.pool.supported_runtimes():
                pytest.skip(f"{version} is not installed here")
            await _check_other(scene, scene.function("other", OTHER, runtime=version), version)

    asyncio.run(main())


OTHER = """
import logging, sys
def handler(event, context):
    logging.warning("careful")
    return ["python%d.%d" % sys.version_info[:2], event]
"""


async def _check_other(scene: Scene, spec: FunctionSpec, version: str) -> None:
    assert await scene.result(spec, {"a": 1}) == [version, {"a": 1}]
    assert any("careful" in line for line in scene.own_lines("other"))
