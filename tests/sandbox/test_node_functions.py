"""Node functions in the sandbox, from their package to their answer."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from platform_process import PlatformProcess
from sandbox.node_process import NODES
from zips import zipped

RUNTIME = f"nodejs{min(NODES[-1].major, 22)}.x"

Deploy = Callable[..., str]


@pytest.fixture
def deploy(platform: PlatformProcess) -> Deploy:
    """Creates a Node function of one file or several; answers with its name."""

    def create(code: str | dict[str, str], **configuration: Any) -> str:
        name = f"node-{uuid.uuid4().hex[:8]}"
        functions = platform.client("lambda")
        settings: dict[str, Any] = {"Runtime": RUNTIME, "Handler": "index.handler", **configuration}
        functions.create_function(
            FunctionName=name,
            Role="arn:aws:iam::000000000000:role/tests",
            Code={"ZipFile": zipped({"index.js": code} if isinstance(code, str) else code)},
            **settings,
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    return create


def invoke(platform: PlatformProcess, name: str, event: object = None) -> tuple[str | None, Any]:
    response = platform.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    payload = response["Payload"].read()
    return response.get("FunctionError"), json.loads(payload) if payload else None


def test_a_function_of_2015_runs_unchanged(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """console.log('Loading event');
    exports.handler = function(event, context) {
      var key = decodeURIComponent(event.Records[0].s3.object.key.replace(/\\+/g, ' '));
      setTimeout(function() { context.done(null, 'built ' + key); }, 10);
    };"""
    name = deploy(code, Runtime="nodejs")
    event = {"Records": [{"s3": {"object": {"key": "content/a+post.md"}}}]}
    assert invoke(platform, name, event) == (None, "built content/a post.md")


def test_the_environment_is_aws_own(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """exports.handler = async (event, context) => ({ env: process.env, cwd: process.cwd(), pid: process.pid,
      left: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn })"""
    name = deploy(code, Environment={"Variables": {"MINE": "1"}})
    error, seen = invoke(platform, name)
    assert error is None
    env = seen["env"]
    assert (env["MINE"], env["AWS_LAMBDA_FUNCTION_NAME"], env["_HANDLER"]) == ("1", name, "index.handler")
    assert env["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert "/opt/nodejs/node_modules" in env["NODE_PATH"].split(":")
    assert env["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert seen["cwd"] == env["LAMBDA_TASK_ROOT"] == "/var/task"
    assert 0 < seen["left"] <= 3000
    assert seen["arn"].endswith(f":function:{name}")


def test_faults_cost_one_invocation(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """exports.handler = async (event) => {
      if (event === 'throw') throw new RangeError('no')
      if (event === 'exit') process.exit(3)
      if (event === 'hang') await new Promise((ok) => setTimeout(ok, 60_000))
      if (event === 'reject') Promise.reject(new Error('lost'))
      return event }"""
    name = deploy(code, Timeout=1)
    for event, error_type in [
        ("throw", "RangeError"),
        ("exit", "Runtime.ExitError"),
        ("reject", "Runtime.UnhandledPromiseRejection"),
        ("hang", "Sandbox.Timedout"),
    ]:
        error, document = invoke(platform, name, event)
        assert (error, document["errorType"]) == ("Unhandled", error_type)
        assert invoke(platform, name, "fine") == (None, "fine")


def test_a_function_that_cannot_be_loaded(platform: PlatformProcess, deploy: Deploy) -> None:
    error, document = invoke(platform, deploy("require('absent')"))
    assert (error, document["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")
    assert document["errorMessage"].startswith(
        "Error: Cannot find module 'absent'\nRequire stack:\n- /var/task/index.js"
    )


def test_start_options_of_node_are_honoured(platform: PlatformProcess, deploy: Deploy) -> None:
    code = "exports.handler = async () => [process.env.NODE_OPTIONS, typeof globalThis.preloaded]"
    files = {"index.js": code, "preload.js": "globalThis.preloaded = 1"}
    options = "--require /var/task/preload.js"
    name = deploy(files, Environment={"Variables": {"NODE_OPTIONS": options}}, Timeout=10)
    assert invoke(platform, name) == (None, [options, "number"])


def test_one_call_of_console_is_one_log_event(platform: PlatformProcess, deploy: Deploy) -> None:
    code = r"exports.handler = async () => { console.log('first\nsecond'); process.stdout.write('a\nb\n') }"
    name = deploy(code)
    invoke(platform, name)
    events: list[dict[str, Any]] = []
    for _ in range(30):
        events = platform.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        if any(event["message"].startswith("REPORT") for event in events):
            break
        time.sleep(0.1)
    messages = [event["message"].rstrip("\n") for event in events]
    assert any(message.endswith("\tINFO\tfirst\nsecond") for message in messages)
    assert {"a", "b"} < set(messages)


def test_a_small_function_may_make_garbage(platform: PlatformProcess, deploy: Deploy) -> None:
    """V8 collects before the limit is reached; see bootstrap.cjs."""
    code = """exports.handler = async () => {
      const live = []
      for (let i = 0; i < 1_500_000; i += 1) live[i % 20_000] = { i, text: `value ${i}`, list: [i, i + 1, i + 2] }
      return live.length }"""
    assert invoke(platform, deploy(code, MemorySize=128, Timeout=30)) == (None, 20_000)


def test_streaming_handlers_answer_plain_invocations(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write('{"pieces": '); stream.end('2}') })"""
    assert invoke(platform, deploy(code)) == (None, {"pieces": 2})


def test_programs_may_be_started(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """const { execFileSync } = require('child_process')
    exports.handler = async () => execFileSync('node', ['-p', '6 * 7']).toString().trim()"""
    assert invoke(platform, deploy(code, MemorySize=512, Timeout=10)) == (None, "42")


def test_responses_have_a_largest_size(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """exports.handler = async (size) => 'x'.repeat(size)"""
    name = deploy(code, MemorySize=512)
    largest = 6 * 1024 * 1024
    assert invoke(platform, name, largest) == (None, "x" * largest)
    error, document = invoke(platform, name, largest + 1000)
    assert (error, document["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert invoke(platform, name, 1) == (None, "x")


def test_streamed_responses_have_a_largest_size_when_collected(platform: PlatformProcess, deploy: Deploy) -> None:
    code = """exports.handler = awslambda.streamifyResponse(async (size, stream) => {
      stream.write('"'); stream.write('x'.repeat(size)); stream.end('"') })"""
    name = deploy(code, MemorySize=512)
    error, document = invoke(platform, name, 7 * 1024 * 1024)
    assert (error, document["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert invoke(platform, name, 1) == (None, "x")
