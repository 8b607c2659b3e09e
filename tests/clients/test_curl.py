"""curl, which signs by itself, over HTTP/2 by prior knowledge."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from platform_process import PlatformProcess

CURL = shutil.which("curl")
VERSION = subprocess.run([CURL, "--version"], capture_output=True, text=True).stdout if CURL else ""
SIGNED = ["--aws-sigv4", "aws:amz:us-east-1:dynamodb", "--user", "test:test"]

pytestmark = pytest.mark.skipif("HTTP2" not in VERSION, reason="no curl that speaks HTTP/2 here")


def curl(*arguments: str) -> str:
    assert CURL is not None
    done = subprocess.run([CURL, "--silent", "--show-error", "--max-time", "20", *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_a_signed_call(platform: PlatformProcess) -> None:
    answer = curl(
        *(
            "--http2-prior-knowledge",
            *SIGNED,
            "--write-out",
            "\n%{http_version} %{http_code}",
            "--data",
            '{"Limit": 1}',
        ),
        *("--header", "X-Amz-Target: DynamoDB_20120810.ListTables"),
        *("--header", "Content-Type: application/x-amz-json-1.0", platform.url),
    )
    body, _, outcome = answer.rpartition("\n")
    assert outcome == "2 200"
    assert isinstance(json.loads(body)["TableNames"], list)


@pytest.mark.parametrize(
    "data", [[], ["--data", "x" * 3000], ["--data", "x", "--header", "Transfer-Encoding: chunked"]]
)
def test_an_upgrade_that_is_offered_is_ignored(platform: PlatformProcess, data: list[str]) -> None:
    answer = curl("--http2", *data, "--write-out", "%{http_version} %{http_code}", f"{platform.url}/_lambent/health")
    assert answer.endswith("1.1 200")


def test_an_object_there_and_back(platform: PlatformProcess, tmp_path: Path) -> None:
    bucket = "curl-http2"
    s3 = platform.client("s3")
    s3.create_bucket(Bucket=bucket)
    upload, download = (
        s3.generate_presigned_url(name, Params={"Bucket": bucket, "Key": "k"}) for name in ("put_object", "get_object")
    )
    content = tmp_path / "content"
    content.write_bytes(bytes(range(256)) * 20_000)
    curl("--http2-prior-knowledge", "--fail", "--upload-file", str(content), upload)
    copy = tmp_path / "copy"
    curl("--http2-prior-knowledge", "--fail", "--output", str(copy), download)
    assert copy.read_bytes() == content.read_bytes()
    assert "content-length: 5120000" in curl(
        "--http2-prior-knowledge", "--dump-header", "-", "-o", "/dev/null", download
    )
