"""What no SDK of ours sends any more but clients do: requests made by hand, signed by botocore."""

import base64
import http.client
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from platform_process import PlatformProcess


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture
def send(platform: PlatformProcess) -> Any:
    def send(method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, platform.url + path, data=body, headers=named)
        if "x-amz-trailer" in named:
            request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
        S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(urlsplit(platform.url).netloc)
        connection.request(method, path, body=body, headers=dict(request.headers.items()))
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    return send


FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:build"
OLD_FORM = f"""<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <CloudFunctionConfiguration>
    <Id>old</Id>
    <Event>s3:ObjectCreated:Put</Event>
    <CloudFunction>{FUNCTION}</CloudFunction>
    <InvocationRole>arn:aws:iam::000000000000:role/invoker</InvocationRole>
  </CloudFunctionConfiguration>
</NotificationConfiguration>""".encode()


def test_the_notification_form_of_2015(s3: Any, send: Any, bucket: str) -> None:
    put = send("PUT", f"/{bucket}?notification", OLD_FORM, x_amz_skip_destination_validation="true")
    assert put.status == 200
    shown = send("GET", f"/{bucket}?notification")
    assert b"<CloudFunction>" + FUNCTION.encode() in shown.body
    assert b"<InvocationRole>arn:aws:iam::000000000000:role/invoker</InvocationRole>" in shown.body
    old = s3.get_bucket_notification(Bucket=bucket)["CloudFunctionConfiguration"]
    assert (old["Id"], old["CloudFunction"]) == ("old", FUNCTION)
    new = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    assert [(one["Id"], one["LambdaFunctionArn"]) for one in new] == [("old", FUNCTION)]


@pytest.mark.parametrize("size", [100, 100_000])
def test_a_trailer_alone_names_the_algorithm(send: Any, s3: Any, bucket: str, size: int) -> None:
    """Without `x-amz-sdk-checksum-algorithm`, which only SDKs send."""
    content = b"x" * size
    checksum = base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()

    def framed(value: str) -> bytes:
        return b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (size, content, value.encode())

    headers = {
        "x_amz_decoded_content_length": str(size),
        "x_amz_trailer": "x-amz-checksum-crc32",
        "content_encoding": "aws-chunked",
    }
    good = send("PUT", f"/{bucket}/k", framed(checksum), **headers)
    assert (good.status, good.headers["x-amz-checksum-crc32"]) == (200, checksum)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content
    assert "ContentEncoding" not in s3.head_object(Bucket=bucket, Key="k")
    bad = send("PUT", f"/{bucket}/bad", framed("AAAAAA=="), **headers)
    assert (bad.status, b"<Code>BadDigest</Code>" in bad.body) == (400, True)


def test_keys_are_not_paths(send: Any, s3: Any, bucket: str) -> None:
    assert send("PUT", f"/{bucket}/a/../b", b"1").status == 200
    assert send("PUT", f"/{bucket}/b", b"2").status == 200
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == ["a/../b", "b"]


def test_an_unserved_operation_says_so(send: Any, bucket: str) -> None:
    answer = send("GET", f"/{bucket}?lifecycle")
    assert answer.status == 501
    assert b"<Code>NotImplemented</Code>" in answer.body
    assert b"GetBucketLifecycleConfiguration" in answer.body


def test_xml_that_is_none(send: Any, bucket: str) -> None:
    answer = send("PUT", f"/{bucket}?tagging", b"<Tagging><TagSet>")
    assert (answer.status, b"<Code>MalformedXML</Code>" in answer.body) == (400, True)
    assert send("GET", f"/{bucket}?location").status == 200
