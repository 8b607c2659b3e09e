"""Functions that bring an AWS SDK for JavaScript along and use it without any setting: it reaches this platform.

https://docs.aws.amazon.com/lambda/latest/dg/nodejs-package.html
"""

import functools
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.test_javascript_sdks import RUNTIME
from lambent.kit import trace
from platform_process import PlatformProcess
from services.lambda_.test_tracing import eventually, happened
from zips import zipped

V2 = """const AWS = require('aws-sdk')
const s3 = new AWS.S3()
exports.handler = function (event, context) {
  s3.putObject({ Bucket: event.bucket, Key: 'from-v2', Body: 'hello' }, function (error) {
    if (error) context.fail(error)
    else s3.getObject({ Bucket: event.bucket, Key: 'from-v2' }, function (error, data) {
      context.done(error, data && data.Body.toString())
    })
  })
}"""

V3 = """import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
const s3 = new S3Client({})
export const handler = async ({ bucket }) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'from-v3', Body: 'hello' }))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'from-v3' }))
  return got.Body.transformToString()
}"""


def is_part_of_v2(path: Path) -> bool:
    """The SDK without the descriptions of 400 services that the function does not use."""
    parts = path.parts
    if parts[0] != "aws-sdk":
        return not parts[0].startswith("@")
    return parts[1] not in {"dist", "dist-tools", "scripts"} and (
        parts[1] != "apis" or path.name.startswith(("s3-", "sts-", "metadata"))
    )


def is_part_of_v3(path: Path) -> bool:
    return path.parts[0] != "aws-sdk" and not {"dist-es", "dist-types"} & set(path.parts)


def packaged(file: str, code: str, modules: Path, belongs: Callable[[Path], bool]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(file, code)
        for source in modules.rglob("*"):
            path = source.relative_to(modules)
            if source.suffix in {".js", ".json", ".cjs"} and not path.name.startswith(".") and belongs(path):
                archive.write(source, f"node_modules/{path}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "code", "belongs"), [("index.js", V2, is_part_of_v2), ("index.mjs", V3, is_part_of_v3)], ids=["v2", "v3"]
)
def test_a_plain_client_reaches_the_platform_and_passes_on_the_trace(
    file: str, code: str, belongs: Callable[[Path], bool], platform: PlatformProcess, javascript: Path
) -> None:
    name = f"sdk-{uuid.uuid4().hex[:8]}"
    s3, functions = platform.client("s3"), platform.client("lambda")
    s3.create_bucket(Bucket=name)
    functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/tests",
        Code={"ZipFile": packaged(file, code, javascript / "node_modules", belongs)},
        MemorySize=512,
        Timeout=20,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    follower = notified_function(platform, name)
    for _ in ("cold", "warm"):
        response: Any = functions.invoke(FunctionName=name, Payload=json.dumps({"bucket": name}))
        assert json.load(response["Payload"]) == "hello"
        request_id = response["ResponseMetadata"]["RequestId"]
        assert eventually(functools.partial(runs_set_off_by, platform, request_id, follower)) == 1
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 1


def runs_set_off_by(platform: PlatformProcess, request_id: str, function: str) -> int:
    """How often an invocation has made `function` run."""
    segment = trace.segment_of(request_id)
    return len([one for one in happened(platform, function=function) if one["parent"] == segment])


def notified_function(platform: PlatformProcess, bucket: str) -> str:
    """A function that hears of the bucket's objects."""
    name = f"{bucket}-follower"
    functions = platform.client("lambda")
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/tests",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context): return None"})},
    )
    functions.add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    configuration = {"LambdaFunctionArn": made["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
    platform.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )
    return name
