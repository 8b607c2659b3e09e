"""The tour in the README, run as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from platform_process import PlatformProcess

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def adapted(script: str, platform: PlatformProcess) -> str:
    """To where the platform of this test is, and to the interpreter that is there."""
    script = script.replace("http://127.0.0.1:4566", platform.url)
    return script.replace("python3.11", f"python3.{sys.version_info.minor}")


@pytest.mark.slow  # a dozen starts of aws-cli
def test_the_tour_works_as_printed(platform: PlatformProcess, tmp_path: Path) -> None:
    shell = [block for block in blocks("bash") if "lambent up" not in block]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    nobody = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    # A person takes a moment to type the next line; a script would ask for the function's output before it is there.
    script = adapted("\n".join(shell), platform).replace("lambent logs hello", "sleep 1\nlambent logs hello")
    script = script.replace("lambent events -n 5", "sleep 1\nlambent events -n 5")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **nobody, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"hello": "you"' in done.stdout
    assert "somebody put note.txt" in done.stdout
    assert '"eventName": "ObjectCreated:Put"' in done.stdout
    assert "sqs:orders" in done.stdout
    for block in blocks("python"):
        exec(compile(adapted(block, platform), str(README), "exec"), {})
