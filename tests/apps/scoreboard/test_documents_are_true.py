"""The commands of README.md and docs/apps-scoreboard.md, run as they are printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps.scoreboard.scoreboard import APPLICATION, Scoreboard, wait_until
from lambent.cli import scoreboard_deployment
from lambent.cli.demo_steps import get_as_browser
from platform_process import PlatformProcess

DOCUMENTATION = APPLICATION.parents[1] / "docs" / "apps-scoreboard.md"


def commands(file: Path) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", file.read_text(), re.DOTALL | re.MULTILINE))


def run(script: str, platform: PlatformProcess, folder: Path) -> str:
    script = script.replace("http://127.0.0.1:4566", platform.url).replace("apps/scoreboard/", f"{APPLICATION}/")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_readme_deploys_a_scoreboard(platform: PlatformProcess, tmp_path: Path) -> None:
    script = commands(APPLICATION / "README.md").replace("python3.11", f"python3.{sys.version_info.minor}")
    run(script, platform, tmp_path)
    host = f"results-board.s3-website.localhost:{platform.port}"
    assert b"Best of the last hour" in get_as_browser(platform.port, host, "/")[1]

    def is_full() -> bool:
        status, body = get_as_browser(platform.port, host, "/board.json")
        return status == 200 and len(json.loads(body)["best"]) == 10

    wait_until(is_full)


@pytest.mark.slow
def test_the_documented_commands_work(platform: PlatformProcess, tmp_path: Path) -> None:
    """The demo's names, made by hand; of its own commands those that start it are left out."""
    scoreboard = Scoreboard(platform, scoreboard_deployment.build_package(APPLICATION, tmp_path), as_in_the_demo=True)
    scoreboard.deployment.connect()
    script = re.sub(
        r"^(pip install lambent|lambent demo scoreboard)\n", "", commands(DOCUMENTATION), flags=re.MULTILINE
    )
    played, rest = script.split("aws dynamodb get-item")
    run(played, platform, tmp_path)
    wait_until(lambda: scoreboard.handles() == ["me"])
    exports = "\n".join(line for line in played.splitlines() if line.startswith("export"))
    printed = run(f"{exports}\naws dynamodb get-item{rest}", platform, tmp_path)
    assert '"me"' in printed
    wait_until(scoreboard.is_right)
    assert "me" not in scoreboard.handles()
