"""Functions of `provided.*` runtimes, from their package to their answer: shell and Python bootstraps over HTTP.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from platform_process import PlatformProcess
from zips import zipped

#: What AWS's tutorial shows, in the standard library: fetch, work, answer.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, sys, urllib.request
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/'
def post(path, document, **headers):
    body = json.dumps(document).encode()
    urllib.request.urlopen(urllib.request.Request(api + path, body, headers)).read()
if 'FAIL_INIT' in os.environ:
    post('init/error', {'errorType': 'Mine.NoStart', 'errorMessage': 'will not'})
    sys.exit(1)
while True:
    with urllib.request.urlopen(api + 'invocation/next') as response:
        request_id = response.headers['Lambda-Runtime-Aws-Request-Id']
        event, headers = json.load(response), dict(response.headers)
    path = f'invocation/{request_id}/'
    print('working on', event, flush=True)
    if event == 'exit':
        sys.exit(4)
    elif event == 'fail':
        post(path + 'error', {'errorType': 'Mine', 'errorMessage': 'no', 'stackTrace': []})
    elif event == 'stream':
        request = urllib.request.Request(api + path + 'response', iter([b'one ', b'two']), {
            'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'text/plain'})
        urllib.request.urlopen(request).read()
    elif event == 'environment':
        post(path + 'response', {'env': dict(os.environ), 'cwd': os.getcwd(), 'headers': headers})
    else:
        post(path + 'response', {'echo': event})
"""

SHELL_BOOTSTRAP = """#!/bin/sh
. "$LAMBDA_TASK_ROOT/$(echo "$_HANDLER" | cut -d. -f1).sh"
while true; do
  EVENT=$(curl -sS -D /tmp/headers "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT")
  curl -sS -d "$RESPONSE" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" >/dev/null
done
"""

Deploy = Callable[..., str]


@pytest.fixture
def deploy(platform: PlatformProcess) -> Deploy:
    """Creates a function of a custom runtime; answers with its name."""

    def create(files: dict[str, str], *, executable: bool = True, **configuration: Any) -> str:
        name = f"custom-{uuid.uuid4().hex[:8]}"
        functions = platform.client("lambda")
        settings: dict[str, Any] = {"Runtime": "provided.al2023", "Handler": "function.handler", **configuration}
        functions.create_function(
            FunctionName=name,
            Role="arn:aws:iam::000000000000:role/tests",
            Code={"ZipFile": zipped(files, executable=executable)},
            **settings,
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    return create


def invoke(platform: PlatformProcess, name: str, event: object = None) -> tuple[str | None, bytes]:
    response = platform.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return response.get("FunctionError"), response["Payload"].read()


def test_a_bootstrap_answers_again_and_again(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP})
    for number in range(3):
        assert invoke(platform, name, number) == (None, json.dumps({"echo": number}).encode())


def test_errors_cost_no_environment(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP})
    error, document = invoke(platform, name, "fail")
    assert (error, json.loads(document)["errorType"]) == ("Unhandled", "Mine")
    assert invoke(platform, name, 1) == (None, b'{"echo": 1}')


def test_a_streamed_response_is_collected(platform: PlatformProcess, deploy: Deploy) -> None:
    assert invoke(platform, deploy({"bootstrap": BOOTSTRAP}), "stream") == (None, b"one two")


def test_an_exit_costs_one_invocation(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP})
    error, document = invoke(platform, name, "exit")
    assert error == "Unhandled"
    assert json.loads(document)["errorType"] == "Runtime.ExitError"
    assert json.loads(document)["errorMessage"].endswith("Error: Runtime exited with error: exit status 4")
    assert invoke(platform, name, 1) == (None, b'{"echo": 1}')


def test_a_runtime_that_cannot_start_says_so(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP}, Environment={"Variables": {"FAIL_INIT": "1"}})
    error, document = invoke(platform, name)
    assert (error, json.loads(document)["errorType"]) == ("Unhandled", "Mine.NoStart")


def test_the_environment_is_aws_own(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP}, Environment={"Variables": {"MINE": "1"}})
    seen = json.loads(invoke(platform, name, "environment")[1])
    env = seen["env"]
    assert env["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert (env["_HANDLER"], env["MINE"], env["AWS_LAMBDA_FUNCTION_NAME"]) == ("function.handler", "1", name)
    assert env["LAMBDA_TASK_ROOT"] == seen["cwd"] == "/var/task"
    assert "AWS_EXECUTION_ENV" not in env
    headers = {key.lower(): value for key, value in seen["headers"].items()}
    assert headers["lambda-runtime-invoked-function-arn"].endswith(f":function:{name}")
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-")


def test_a_shell_script_will_do(platform: PlatformProcess, deploy: Deploy) -> None:
    files = {"bootstrap": SHELL_BOOTSTRAP, "function.sh": 'handler() { echo "{\\"got\\": $1}"; }\n'}
    assert invoke(platform, deploy(files), 7) == (None, b'{"got": 7}')


@pytest.mark.parametrize(
    ("files", "executable", "message"),
    [
        ({"readme": ""}, True, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": BOOTSTRAP}, False, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": "no program"}, True, "fork/exec /var/task/bootstrap: exec format error"),
        ({"bootstrap": "#!/no/such/shell\n"}, True, "fork/exec /var/task/bootstrap: no such file or directory"),
    ],
)
def test_what_is_no_bootstrap(
    files: dict[str, str], executable: bool, message: str, platform: PlatformProcess, deploy: Deploy
) -> None:
    error, document = invoke(platform, deploy(files, executable=executable))
    assert error == "Unhandled"
    assert json.loads(document)["errorType"] == "Runtime.InvalidEntrypoint"
    assert json.loads(document)["errorMessage"].endswith(f"Error: {message}")


def test_what_it_prints_is_logged(platform: PlatformProcess, deploy: Deploy) -> None:
    name = deploy({"bootstrap": BOOTSTRAP})
    invoke(platform, name, "words")
    logs = platform.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="working")["events"]
    assert [event["message"].strip() for event in events] == ["working on words"]
