"""The command itself, as a subprocess, without a platform."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAMBENT = [sys.executable, "-m", "lambent"]


def run(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAMBENT_"))}
    return subprocess.run(
        [*LAMBENT, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "COLUMNS": "100", **environ},
    )


@pytest.fixture
def nobody() -> str:
    """An endpoint at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "lambent 0.1.0\n", "")


def test_version_starts_without_the_platform_or_boto3() -> None:
    heavy = ("boto3", "botocore", "apsw", "lambent.app", "lambent.storage")
    code = f"import sys, lambent.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("up", "demo", "functions", "invoke", "logs", "events", "trace"):
        assert f"│ {command} " in done.stdout


def test_without_arguments_help_is_shown() -> None:
    assert "Usage: lambent" in run().stdout


def test_the_completion_script_can_be_shown() -> None:
    # A test has no shell above it to be detected (typer looks at parent processes).
    done = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0
    assert "_LAMBENT_COMPLETE" in done.stdout


def test_shell_completion_completes_commands_and_options() -> None:
    def complete(line: str) -> list[str]:
        done = run(_LAMBENT_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line)
        return [part.split('"')[1] for part in done.stdout.splitlines() if '"' in part]

    assert "functions" in " ".join(complete("lambent f"))
    assert "--follow" in " ".join(complete("lambent logs --f"))


def test_nobody_answers_is_said_with_what_to_do(nobody: str) -> None:
    for arguments in (["functions"], ["invoke", "f"], ["logs", "f"], ["logs", "-f", "f"], ["events"]):
        done = run(*arguments, "--endpoint", nobody)
        assert done.returncode == 1
        assert done.stderr == f"lambent: No Lambent answers at {nobody}. Start one with: lambent up\n"
        assert done.stdout == ""


def test_the_endpoint_comes_from_the_environment(nobody: str) -> None:
    assert nobody in run("functions", AWS_ENDPOINT_URL=nobody).stderr
    assert nobody in run("functions", AWS_ENDPOINT_URL="http://127.0.0.1:1", LAMBENT_ENDPOINT=nobody).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invoke", "f", "{"], "the event is not JSON"),
        (["logs", "f", "--since", "soon"], "is not a duration"),
        (["functions", "--endpoint", "nowhere"], "is not an endpoint"),
        (["nope"], "No such command"),
        (["invoke"], "Missing argument"),
        (["functions", "--nope"], "No such option"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_settings_that_cannot_be_used_are_said_in_a_sentence(tmp_path: Path) -> None:
    done = run("up", "--data", str(tmp_path), "--host", "0.0.0.0")
    assert done.returncode == 1
    assert done.stderr.startswith("lambent: 0.0.0.0 can be reached by others")
    assert "LAMBENT_CREDENTIALS" in done.stderr


@pytest.mark.alone
def test_it_starts_quickly() -> None:
    """A person waits for completion on every tab; the bound is wide because test machines are busy."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        run("--version")
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.5
