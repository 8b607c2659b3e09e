"""The commands against a running platform, each as its own process, as a person starts them."""

import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from platform_process import PlatformProcess
from services.lambda_.test_tracing import traced

CODE = """
import json, sys
def handler(event, context):
    print("hello", json.dumps(event))
    if event.get("fail"):
        raise KeyError("missing thing")
    return {"got": event, "text": "grüße"}
"""


class Cli:
    def __init__(self, endpoint: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAMBENT_"))}
        self._environment = {**kept, "LAMBENT_ENDPOINT": endpoint, "COLUMNS": "120"}

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lambent", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, env={**self._environment, **environ}
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "lambent", *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment
        )


@pytest.fixture(scope="module")
def cli(platform: PlatformProcess) -> Cli:
    return Cli(platform.url)


@pytest.fixture(scope="module")
def function(platform: PlatformProcess) -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("app.py", CODE)
    name = "cli-greeter"
    platform.client("lambda").create_function(
        FunctionName=name,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": content.getvalue()},
    )
    return name


def lines_of(process: "subprocess.Popen[str]") -> "queue.Queue[tuple[float, str]]":
    """Lines with the time at which they were read."""
    found: queue.Queue[tuple[float, str]] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            found.put((time.time(), line))

    threading.Thread(target=read, daemon=True).start()
    return found


@pytest.fixture
def following(cli: Cli, function: str) -> Iterator["subprocess.Popen[str]"]:
    with cli.start("logs", "-f", function, "--json") as process:
        yield process
        process.terminate()


def test_functions_as_a_table_and_as_json(cli: Cli, function: str) -> None:
    shown = cli.run("functions")
    assert shown.returncode == 0, shown.stderr
    assert function in shown.stdout
    assert "128 MB" in shown.stdout
    found = json.loads(cli.run("functions", "--json").stdout)
    assert function in [one["FunctionName"] for one in found]
    assert cli.run("functions", "--region", "eu-north-1").stdout.startswith("No functions at ")


def test_invoke_prints_what_the_function_returns(cli: Cli, function: str) -> None:
    done = cli.run("invoke", function, '{"a": 1}')
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"got": {"a": 1}, "text": "grüße"}
    assert '\n  "text": "grüße"' in done.stdout
    done = cli.run("invoke", function, "-", "--json", stdin='{"from": "stdin"}')
    assert json.loads(done.stdout)["got"] == {"from": "stdin"}


def test_invoke_tells_a_functions_error_on_stderr_and_fails(cli: Cli, function: str) -> None:
    done = cli.run("invoke", function, '{"fail": true}')
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"lambent: {function} failed: KeyError: 'missing thing'")
    assert "app.py" in done.stderr
    done = cli.run("invoke", function, '{"fail": true}', "--json")
    assert json.loads(done.stdout)["errorType"] == "KeyError"


def test_invoke_shows_the_log_when_asked(cli: Cli, function: str) -> None:
    done = cli.run("invoke", function, '{"tail": 1}', "--tail")
    assert 'hello {"tail": 1}' in done.stderr
    assert "REPORT RequestId:" in done.stderr


def test_invoke_by_the_queue_and_events_tell_of_it(cli: Cli, function: str) -> None:
    done = cli.run("invoke", function, "--event")
    assert done.returncode == 0
    request_id = done.stderr.split()[-1]
    for _ in range(100):
        happened = [json.loads(line) for line in cli.run("events", "--json").stdout.splitlines()]
        found = [one for one in happened if one["requestId"] == request_id]
        if found:
            break
        time.sleep(0.1)
    assert found[0]["outcome"] == "ok"
    assert found[0]["functionArn"].endswith(f":{function}")
    shown = cli.run("events", "-n", "1000").stdout
    assert "REQUEST ID" in shown.splitlines()[0]
    assert request_id in shown


def test_one_chain_and_one_function_alone(cli: Cli, platform: PlatformProcess, function: str) -> None:
    root = "1-5759e988-0123456789abcdef0abc1234"
    client = traced(platform, "lambda", f"Root={root};Parent=53995c3f42cd8ad8")
    client.invoke(FunctionName=function, Payload=b'{"fail": true}')
    [line] = cli.run("events", "--trace", root, "--json").stdout.splitlines()
    assert json.loads(line)["traceRoot"] == root
    heading, shown, detail = cli.run("events", "--trace", root[-6:], "--function", function).stdout.splitlines()
    assert heading.split()[:3] == ["TIME", "TRACE", "EVENT"]
    assert shown.split()[1:4] == ["bc1234", "└", "invoke"]
    assert detail.strip() == "KeyError: 'missing thing'"
    assert cli.run("events", "--function", "nope", "--json").stdout == ""

    tree = cli.run("trace", root[-6:]).stdout.splitlines()
    assert tree[0].startswith(root)
    assert tree[0].endswith(" ms")
    assert tree[-2].endswith(f"invoke → {function}  error")
    told = json.loads(cli.run("trace", root, "--json").stdout)
    assert [(step["depth"], step["outcome"]) for step in told["steps"]] == [(0, "error")]
    unknown = cli.run("trace", "nothing")
    assert unknown.returncode == 1
    assert "lambent events" in unknown.stderr


def test_what_was_given_up_can_be_listed(cli: Cli, platform: PlatformProcess, function: str) -> None:
    platform.client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    request_id = cli.run("invoke", function, '{"fail": true}', "--event").stderr.split()[-1]
    found: list[Any] = []
    for _ in range(100):
        discarded = cli.run("events", "--discarded", "--json").stdout.splitlines()
        found = [one for one in map(json.loads, discarded) if one["requestId"] == request_id]
        if found:
            break
        time.sleep(0.1)
    assert found[0]["outcome"] == "discarded"
    assert "after 1 attempt" in found[0]["detail"]
    assert request_id in cli.run("events", "--discarded").stdout


def test_names_of_functions_are_completed(cli: Cli, function: str) -> None:
    done = cli.run(_LAMBENT_COMPLETE="complete_bash", COMP_WORDS=f"lambent logs {function[:6]}", COMP_CWORD="2")
    assert done.stdout.split() == [function]


def test_an_unknown_function_is_said_with_what_to_do(cli: Cli) -> None:
    done = cli.run("invoke", "nope")
    assert done.returncode == 1
    assert "has no function nope" in done.stderr
    assert "lambent functions" in done.stderr
    done = cli.run("logs", "nope")
    assert done.returncode == 1
    assert "has logged nothing" in done.stderr


def test_wrong_credentials_are_said_with_what_to_do(cli: Cli, function: str) -> None:
    done = cli.run("invoke", function, AWS_ACCESS_KEY_ID="stranger", AWS_SECRET_ACCESS_KEY="x")
    assert done.returncode == 1
    assert "AWS_ACCESS_KEY_ID" in done.stderr


def test_logs_show_what_was_printed(cli: Cli, function: str) -> None:
    cli.run("invoke", function, '{"marker": "past"}')
    shown = cli.run("logs", function, "--since", "5m")
    assert shown.returncode == 0, shown.stderr
    assert 'hello {"marker": "past"}' in shown.stdout
    assert "\x1b" not in shown.stdout
    filtered = cli.run("logs", function, "--filter", '"marker" "past"', "--json").stdout.splitlines()
    assert filtered
    assert all("past" in json.loads(line)["message"] for line in filtered)
    wrong = cli.run("logs", function, "--filter", "{ $.a")
    assert wrong.returncode == 1
    assert "Invalid filter pattern" in wrong.stderr


@pytest.mark.alone
def test_following_shows_a_line_within_100_ms(
    following: "subprocess.Popen[str]", platform: PlatformProcess, function: str
) -> None:
    lines = lines_of(following)
    client = platform.client("lambda")
    delays: list[float] = []
    deadline = time.monotonic() + 30
    while len(delays) < 5:
        assert time.monotonic() < deadline, "no line came"
        client.invoke(FunctionName=function, Payload=b'{"live": 1}')
        while True:
            try:
                read_at, line = lines.get(timeout=0.5)
            except queue.Empty:
                break
            event: dict[str, Any] = json.loads(line)
            if "hello" in event["message"]:
                delays.append(read_at - event["timestamp"] / 1000)
                break
    assert sorted(delays)[2] < 0.1


def test_following_ends_with_130_and_without_noise(
    following: "subprocess.Popen[str]", platform: PlatformProcess, function: str
) -> None:
    lines = lines_of(following)
    deadline = time.monotonic() + 30
    while lines.empty():
        assert time.monotonic() < deadline, "no line came"
        platform.client("lambda").invoke(FunctionName=function, Payload=b"{}")
        time.sleep(0.05)
    following.send_signal(signal.SIGINT)
    assert following.wait(20) == 130
    assert following.stderr is not None
    assert following.stderr.read() == ""


def test_a_second_up_on_the_same_data_says_who_holds_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with PlatformProcess.started(data) as first:
        done = Cli(first.url).run("up", "--data", str(data), "--port", "0")
        assert done.returncode == 1
        assert done.stderr.startswith(
            f"lambent: {data} is in use by Lambent process {first.process.pid} at {first.url}"
        )
        other = tmp_path / "other"
        done = Cli(first.url).run("up", "--data", str(other), "--port", str(first.port))
        assert done.returncode == 1
        assert done.stderr.startswith(f"lambent: port {first.port} on 127.0.0.1 is in use by another program")
    assert first.process.returncode == 0


def test_a_data_directory_that_cannot_be_is_said(cli: Cli) -> None:
    done = cli.run("up", "--data", "/proc/nope", "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("lambent: /proc/nope cannot be used for data")


def test_stopping_does_not_wait_for_who_follows(tmp_path: Path) -> None:
    with PlatformProcess.started(tmp_path / "data") as platform:
        client = platform.client("logs", config=Config(inject_host_prefix=False))
        client.create_log_group(logGroupName="/g")
        session = client.start_live_tail(logGroupIdentifiers=["/g"])["responseStream"]
        next(iter(session))
        with Cli(platform.url).start("logs", "-f", "f") as following:
            assert following.stderr is not None
            assert following.stderr.readline() == "waiting for the first line of /aws/lambda/f\n"
            begun = time.monotonic()
            platform.process.terminate()
            assert platform.process.wait(20) == 0
            assert time.monotonic() - begun < 5
            assert following.wait(20) == 1
            assert following.stderr.read() == f"lambent: Lambent at {platform.url} has stopped\n"
        session.close()
        client.close()
