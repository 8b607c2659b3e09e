"""The AWS SDKs for JavaScript, v2 and v3, against a running platform; the scenarios are in javascript/."""

import uuid
from pathlib import Path

import pytest

from clients import javascript_sdks
from platform_process import PlatformProcess
from sandbox.node_process import NODES
from zips import zipped

RUNTIME = f"nodejs{min(NODES[-1].major, 22)}.x"
FUNCTION = """exports.handler = async (event) => {
  if (event.fail) throw new RangeError('told to')
  console.log('greeting', event.name)
  return { hello: event.name }
}"""

V3 = [
    "putAndGet",
    "streamedBodies",
    "everyChecksum",
    "listing",
    "multipartUpload",
    "copyAndDelete",
    "presignedUrls",
    "website",
    "errorShapes",
    "invoking",
    "managing",
]
V2 = ["objects", "virtualHosts", "functions", "errorShapes"]
DYNAMODB_V3 = ["everyType", "updates", "queries", "transactions", "changeStreams", "managing"]
SQS_V3 = ["wholeWay", "batches", "fifo", "errorShapes", "consumer"]
HTTP_2 = ["objects", "manyAtOnce", "tables", "liveTail"]
SNS_V3 = ["topics", "publishing", "delivering"]
DYNAMODB_V2 = ["documents", "callbacks", "transactionsAndStreams"]
CLOUDWATCH_V3 = ["putAndRead", "refusals"]


@pytest.mark.parametrize(
    ("file", "scenario"),
    [
        *(("sdk_v3.mjs", name) for name in V3),
        *(("sdk_v2.cjs", name) for name in V2),
        *(("dynamodb_v3.mjs", name) for name in DYNAMODB_V3),
        *(("dynamodb_v2.cjs", name) for name in DYNAMODB_V2),
        *(("sqs_v3.mjs", name) for name in SQS_V3),
        *(("cloudwatch_v3.mjs", name) for name in CLOUDWATCH_V3),
        *(("http2.mjs", name) for name in HTTP_2),
        *(("sns_v3.mjs", name) for name in SNS_V3),
    ],
)
def test_scenario(file: str, scenario: str, platform: PlatformProcess, javascript: Path, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(zipped({"index.js": FUNCTION}))
    environment = {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PACKAGE": str(package),
        "RUNTIME": RUNTIME,
    }
    unique = f"js-{scenario.lower()}-{uuid.uuid4().hex[:8]}"
    result = javascript_sdks.run("scenarios.mjs", file, scenario, unique, environment=environment)
    assert result.returncode == 0, result.stderr
