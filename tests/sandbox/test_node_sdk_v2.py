"""A plain `new AWS.S3()` of the AWS SDK for JavaScript v2 is pointed at the platform, whatever way it is loaded."""

from pathlib import Path

import pytest

from clients import javascript_sdks
from lambent.sandbox import frames
from sandbox.node_process import NODES, node_process, package

ENDPOINT = "http://127.0.0.1:4566"
SEEN = "[client.endpoint.href, client.config.s3ForcePathStyle]"

WAYS = {
    "the whole": ("index.js", "const AWS = require('aws-sdk'); const client = new AWS.S3()"),
    "one client": ("index.js", "const S3 = require('aws-sdk/clients/s3'); const client = new S3()"),
    "import": ("index.mjs", "import AWS from 'aws-sdk'; const client = new AWS.S3()"),
    "configured": (
        "index.js",
        "const AWS = require('aws-sdk'); AWS.config.update({ region: 'eu-west-1' }); const client = new AWS.S3()",
    ),
    "replaced": (
        "index.js",
        "const AWS = require('aws-sdk'); AWS.config = new AWS.Config({}); const client = new AWS.S3()",
    ),
}


@pytest.fixture(scope="module")
def sdk() -> Path:
    return javascript_sdks.install() / "node_modules"


def endpoint_in(directory: Path, sdk: Path, file: str, code: str, **environment: str) -> object:
    export = "export const handler" if file.endswith(".mjs") else "exports.handler"
    package(directory, {file: f"{code}\n{export} = async () => {SEEN}"})
    (directory / "node_modules").symlink_to(sdk)
    with node_process(NODES[-1]) as process:
        started = process.start(directory, AWS_REGION="us-east-1", **environment)
        assert started.kind == frames.READY, started
        return process.invoke().document


@pytest.mark.parametrize("way", WAYS)
def test_clients_reach_the_platform(way: str, sdk: Path, tmp_path: Path) -> None:
    assert endpoint_in(tmp_path, sdk, *WAYS[way], AWS_ENDPOINT_URL=ENDPOINT) == [f"{ENDPOINT}/", True]


def test_what_the_function_says_wins(sdk: Path, tmp_path: Path) -> None:
    code = (
        "const AWS = require('aws-sdk')\n"
        "const client = new AWS.S3({ endpoint: 'http://127.0.0.1:9', s3ForcePathStyle: false })"
    )
    assert endpoint_in(tmp_path, sdk, "index.js", code, AWS_ENDPOINT_URL=ENDPOINT) == ["http://127.0.0.1:9/", False]


def test_without_the_variable_nothing_changes(sdk: Path, tmp_path: Path) -> None:
    assert endpoint_in(tmp_path, sdk, *WAYS["the whole"]) == ["https://s3.amazonaws.com/", False]
