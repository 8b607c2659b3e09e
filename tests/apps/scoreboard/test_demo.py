"""`lambent demo scoreboard`, as it is typed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


def run_demo(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lambent", "demo", *arguments, "--exit", "--port", "0", "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_demo_plays_and_a_second_one_plays_on(tmp_path: Path) -> None:
    first = run_demo(tmp_path / "data", "scoreboard", "--games", "300")
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"http://scoreboard\.s3-website\.localhost:\d+/", first.stdout)
    found = re.search(r"the board is what sorting (\d+) games gives", first.stdout)
    assert found
    assert 200 < int(found[1]) <= 300, "some were left before their end"
    second = run_demo(tmp_path / "data", "scoreboard", "--games", "0")
    assert second.returncode == 0, second.stdout + second.stderr
    assert f"the board is what sorting {found[1]} games gives" in second.stdout


def test_games_are_for_the_scoreboard(tmp_path: Path) -> None:
    refused = run_demo(tmp_path / "data", "site", "--games", "1")
    assert refused.returncode == 2
    assert "lambent demo scoreboard --games N" in refused.stderr
