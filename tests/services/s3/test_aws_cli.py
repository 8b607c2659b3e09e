"""The standard flows of `aws s3`, by the real command line client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from platform_process import PlatformProcess

AWS = Path(sys.executable).with_name("aws")


class Aws:
    def __init__(self, platform: PlatformProcess, home: Path) -> None:
        self.home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": platform.url,
        }

    def __call__(self, *arguments: str) -> str:
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(AWS), *arguments]
        return subprocess.run(command, env=self._environment, cwd=self.home, capture_output=True, text=True, timeout=60)


@pytest.fixture
def aws(platform: PlatformProcess, tmp_path: Path) -> Aws:
    return Aws(platform, tmp_path)


def test_a_day_with_aws_s3(aws: Aws) -> None:
    aws("s3", "mb", "s3://cli-bucket")
    folder = aws.home / "site"
    (folder / "posts").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>home</h1>")
    (folder / "posts" / "ü b.md").write_text("# post")
    (folder / "big.bin").write_bytes(os.urandom(9 * 1024**2))
    aws("s3", "sync", "site", "s3://cli-bucket/site")
    assert "upload" not in aws("s3", "sync", "site", "s3://cli-bucket/site")
    listed = aws("s3", "ls", "s3://cli-bucket", "--recursive")
    assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
        "site/big.bin",
        "site/index.html",
        "site/posts/ü b.md",
    ]
    assert "PRE posts/" in aws("s3", "ls", "s3://cli-bucket/site/")
    aws("s3", "cp", "s3://cli-bucket/site/big.bin", "back.bin")
    assert (aws.home / "back.bin").read_bytes() == (folder / "big.bin").read_bytes()
    aws("s3", "cp", "s3://cli-bucket/site/", "s3://cli-bucket/copy/", "--recursive")
    aws("s3", "mv", "s3://cli-bucket/copy/index.html", "s3://cli-bucket/moved.html")
    (folder / "posts" / "ü b.md").unlink()
    assert "delete: s3://cli-bucket/site/posts/ü b.md" in aws("s3", "sync", "site", "s3://cli-bucket/site", "--delete")
    not_empty = aws.attempt("s3", "rb", "s3://cli-bucket")
    assert not_empty.returncode != 0
    assert "BucketNotEmpty" in not_empty.stderr
    aws("s3", "rb", "s3://cli-bucket", "--force")
    assert "cli-bucket" not in aws("s3", "ls")


def test_a_website_by_command_line(aws: Aws, s3: object) -> None:
    aws("s3api", "create-bucket", "--bucket", "cli-site", "--object-ownership", "BucketOwnerPreferred")
    refused = aws.attempt("s3api", "put-bucket-acl", "--bucket", "cli-site", "--acl", "public-read")
    assert "AccessDenied" in refused.stderr
    aws("s3api", "delete-public-access-block", "--bucket", "cli-site")
    aws("s3", "website", "s3://cli-site", "--index-document", "index.html", "--error-document", "404.html")
    (aws.home / "index.html").write_text("<h1>home</h1>")
    aws("s3", "cp", "index.html", "s3://cli-site/", "--acl", "public-read")
    assert '"Suffix": "index.html"' in aws("s3api", "get-bucket-website", "--bucket", "cli-site")
    url = aws("s3", "presign", "s3://cli-site/index.html").strip()
    fetched = subprocess.run(["curl", "-s", url], capture_output=True, text=True, timeout=20)
    assert fetched.stdout == "<h1>home</h1>"
    aws("s3", "rb", "s3://cli-site", "--force")


def test_an_acl_on_a_bucket_made_the_usual_way_is_refused_as_aws_does(aws: Aws) -> None:
    aws("s3", "mb", "s3://cli-closed")
    (aws.home / "f").write_text("x")
    refused = aws.attempt("s3", "cp", "f", "s3://cli-closed/", "--acl", "public-read")
    assert "AccessControlListNotSupported" in refused.stderr
    aws("s3", "rb", "s3://cli-closed", "--force")
