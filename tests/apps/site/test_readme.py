"""The commands of apps/site/README.md, run as they are printed, make a website."""

import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import package
from platform_process import PlatformProcess

APPLICATION = Path(package.__file__).resolve().parent
PATIENCE_SECONDS = 30.0


def commands(text: str) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def home_page(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers={"Host": f"blog.s3-website.localhost:{port}"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.slow  # a dozen starts of aws-cli
def test_the_readme_deploys_a_site(platform: PlatformProcess, tmp_path: Path) -> None:
    script = commands((APPLICATION / "README.md").read_text())
    script = script.replace("http://127.0.0.1:4566", platform.url)
    script = script.replace("python3.11", f"python3.{sys.version_info.minor}")
    script = script.replace("apps/site/", f"{APPLICATION}/")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    end = time.monotonic() + PATIENCE_SECONDS
    while (answer := home_page(platform.port))[0] != 200:
        assert time.monotonic() < end, answer
        time.sleep(0.1)
    assert "Why a site needs a dependency tree" in answer[1]
