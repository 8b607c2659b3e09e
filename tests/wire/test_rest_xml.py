"""What is peculiar to S3's documents, headers and errors."""

from typing import Any
from urllib.parse import quote

import pytest

from lambent.wire.errors import InvalidArgument, MalformedXML, MissingRequestBody, ServiceError
from lambent.wire.http import BytesBody, Request, Response
from lambent.wire.model import load_service
from lambent.wire.rest_xml import RestXml

SERVED = [
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "DeleteObject",
    "DeleteObjects",
    "GetBucketAcl",
    "GetBucketLocation",
    "GetBucketNotificationConfiguration",
    "GetBucketPolicy",
    "GetObject",
    "HeadObject",
    "ListBuckets",
    "ListObjectsV2",
    "PutBucketAcl",
    "PutBucketNotificationConfiguration",
    "PutBucketPolicy",
    "PutBucketTagging",
    "PutBucketWebsite",
    "PutObject",
]
MODEL = load_service("s3", SERVED)
CODEC = RestXml(MODEL)


def decode(operation: str, body: bytes = b"", query: str = "", **headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("PUT", "/b" + (f"?{query}" if query else ""), sent, BytesBody(body))
    return CODEC.decode(MODEL.operations[operation], request, body, {"Bucket": "b"})


def encode(operation: str, result: dict[str, Any]) -> Response:
    return CODEC.encode(MODEL.operations[operation], result, "REQUESTID")


def text(response: Response) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n')


NOTIFICATION = b"""<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <CloudFunctionConfiguration><Id>a</Id><CloudFunction>arn:f</CloudFunction><Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event>
    <Filter><S3Key><FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>
  <CloudFunctionConfiguration><CloudFunction>arn:g</CloudFunction><Event>s3:ObjectCreated:Put</Event>
    <InvocationRole>arn:role</InvocationRole></CloudFunctionConfiguration>
</NotificationConfiguration>"""


def test_notification_configuration_in_its_present_and_its_2015_form() -> None:
    found = decode("PutBucketNotificationConfiguration", NOTIFICATION)["NotificationConfiguration"]
    assert found == {
        "LambdaFunctionConfigurations": [
            {
                "Id": "a",
                "LambdaFunctionArn": "arn:f",
                "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}},
            },
            {"LambdaFunctionArn": "arn:g", "Events": ["s3:ObjectCreated:Put"]},
        ]
    }
    assert text(encode("GetBucketNotificationConfiguration", found)) == (
        '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration><Id>a</Id>'
        "<CloudFunction>arn:f</CloudFunction><Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event><Filter><S3Key>"
        "<FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>"
        "<CloudFunctionConfiguration><CloudFunction>arn:g</CloudFunction><Event>s3:ObjectCreated:Put</Event>"
        "</CloudFunctionConfiguration></NotificationConfiguration>"
    )


def test_grantee_has_its_type_in_an_attribute() -> None:
    body = (
        b'<AccessControlPolicy xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><AccessControlList><Grant>'
        b'<Grantee xsi:type="Group"><URI>all</URI></Grantee><Permission>READ</Permission></Grant>'
        b"</AccessControlList></AccessControlPolicy>"
    )
    policy = decode("PutBucketAcl", body)["AccessControlPolicy"]
    assert policy == {"Grants": [{"Grantee": {"Type": "Group", "URI": "all"}, "Permission": "READ"}]}
    assert (
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>all</URI></Grantee>'
        in text(encode("GetBucketAcl", policy))
    )


@pytest.mark.parametrize(("region", "inner"), [("", ""), (None, ""), ("eu-west-1", "eu-west-1")])
def test_location(region: str | None, inner: str) -> None:
    assert text(encode("GetBucketLocation", {"LocationConstraint": region})) == (
        f'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</LocationConstraint>'
    )


def test_listing() -> None:
    result = {
        "Name": "b",
        "KeyCount": 1,
        "MaxKeys": 1000,
        "IsTruncated": False,
        "Prefix": "",
        "Contents": [
            {"Key": "a<&\r\x01", "ETag": '"x"', "Size": 3, "LastModified": 1_750_000_000.25, "StorageClass": "STANDARD"}
        ],
        "CommonPrefixes": [{"Prefix": "p/"}],
    }
    assert text(encode("ListObjectsV2", result)) == (
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><Contents>'
        "<Key>a&lt;&amp;&#xd;&#x1;</Key><LastModified>2025-06-15T15:06:40.250Z</LastModified><ETag>&quot;x&quot;</ETag><Size>3</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents><Name>b</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>"
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><KeyCount>1</KeyCount></ListBucketResult>"
    )


def test_headers_of_an_object() -> None:
    response = encode(
        "GetObject",
        {
            "Body": b"hello",
            "ContentLength": 5,
            "ContentType": "text/plain",
            "ETag": '"e"',
            "LastModified": 1_750_000_000.9,
            "Metadata": {"Owner": "mé"},
            "VersionId": None,
            "DeleteMarker": False,
            "__status__": 206,
            "__headers__": {"Content-Range": "bytes 0-4/9"},
            "CacheControl": "a\r\nset-cookie: x",
        },
    )
    assert response.status == 206
    assert response.body == b"hello"
    assert response.headers == {
        "x-amz-request-id": "REQUESTID",
        "x-amz-id-2": response.headers["x-amz-id-2"],
        "content-length": "5",
        "content-type": "text/plain",
        "etag": '"e"',
        "last-modified": "Sun, 15 Jun 2025 15:06:40 GMT",
        "x-amz-meta-owner": "mÃ©",
        "x-amz-delete-marker": "false",
        "content-range": "bytes 0-4/9",
        "cache-control": "a  set-cookie: x",
    }


def test_headers_of_a_put() -> None:
    found = decode(
        "PutObject",
        content_length="3",
        content_type="text/plain",
        x_amz_meta_owner="mÃ©",
        expires="soon",
        if_none_match="*",
        x_amz_acl="public-read",
        x_amz_server_side_encryption_bucket_key_enabled="true",
        host="h",
    )
    assert found == {
        "Bucket": "b",
        "ContentLength": 3,
        "ContentType": "text/plain",
        "Metadata": {"owner": "mé"},
        "IfNoneMatch": "*",
        "ACL": "public-read",
        "BucketKeyEnabled": True,
    }


def test_delete_answers_204_without_a_body() -> None:
    response = encode("DeleteObject", {})
    assert (response.status, response.body) == (204, b"")
    assert "content-type" not in response.headers


def test_policy_is_the_body_itself() -> None:
    assert decode("PutBucketPolicy", b'{"a": 1}') == {"Bucket": "b", "Policy": '{"a": 1}'}
    response = encode("GetBucketPolicy", {"Policy": '{"a": 1}', "__headers__": {"Content-Type": "application/json"}})
    assert response.body == b'{"a": 1}'
    assert response.headers["content-type"] == "application/json"


def test_error_document() -> None:
    error = ServiceError(
        "No <such> key", code="NoSuchKey", status=404, members={"Key": "a&b"}, headers={"Retry-After": "1"}
    )
    response = CODEC.encode_error(error, "REQUESTID", "/b/k")
    assert response.status == 404
    assert response.headers["retry-after"] == "1"
    assert text(response) == (
        "<Error><Code>NoSuchKey</Code><Message>No &lt;such&gt; key</Message><Key>a&amp;b</Key><Resource>/b/k</Resource>"
        f"<RequestId>REQUESTID</RequestId><HostId>{response.headers['x-amz-id-2']}</HostId></Error>"
    )


def test_error_after_a_slow_copy_comes_with_status_200() -> None:
    response = CODEC.encode_error(ServiceError("", code="InternalError", status=200), "R")
    assert (response.status, "<Code>InternalError</Code>" in text(response)) == (200, True)


def test_not_modified_has_no_body() -> None:
    response = CODEC.encode_error(ServiceError("", code="NotModified", status=304, headers={"ETag": '"e"'}), "R")
    assert (response.status, response.body, response.headers["etag"]) == (304, b"", '"e"')


SENTENCE = "The XML you provided was not well-formed or did not validate against our published schema"


@pytest.mark.parametrize(
    "body",
    [
        b"<Tagging><TagSet>",
        b"not xml",
        b"<Other><TagSet/></Other>",
        b"<Tagging/>",
        b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Label><Key>a</Key><Value/></Label></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value/></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key><b/></Key><Value/></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet/></Tagging><Tagging/>",
        b'<!DOCTYPE t [<!ENTITY x "y">]><Tagging><TagSet><Tag><Key>&x;</Key><Value/></Tag></TagSet></Tagging>',
        b'<!DOCTYPE t SYSTEM "file:///etc/passwd"><Tagging><TagSet/></Tagging>',
        b"<Tagging>\xff</Tagging>",
        b'<?xml version="1.0" encoding="no-such"?><Tagging><TagSet/></Tagging>',
        b"<Tagging>" + b"<a>" * 100_000,
        b"<a:Tagging><TagSet/></a:Tagging>",
    ],
)
def test_malformed_xml(body: bytes) -> None:
    with pytest.raises(MalformedXML) as caught:
        decode("PutBucketTagging", body)
    assert caught.value.message == SENTENCE


def test_wrong_types_in_xml() -> None:
    part = b"<CompleteMultipartUpload><Part><ETag>e</ETag><PartNumber>%s</PartNumber></Part></CompleteMultipartUpload>"
    assert decode("CompleteMultipartUpload", part % b" 1 ")["MultipartUpload"]["Parts"][0]["PartNumber"] == 1
    for number in (b"one", b"1_0", b"", b"99999999999", b"1e3", "１".encode()):
        with pytest.raises(MalformedXML):
            decode("CompleteMultipartUpload", part % number)


def test_missing_body() -> None:
    assert decode("CreateBucket") == {"Bucket": "b"}
    with pytest.raises(MissingRequestBody):
        decode("PutBucketTagging")


@pytest.mark.parametrize("value", ["x", "1.5", "99999999999", "1_0", " 1", "+", "٣"])
def test_malformed_query_parameter(value: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode("ListObjectsV2", query=f"list-type=2&max-keys={quote(value)}")
    assert caught.value.message == "Provided max-keys not an integer or within integer range"
    assert caught.value.members == {"ArgumentName": "max-keys", "ArgumentValue": value}


def test_dates_in_conditions_are_ignored_if_they_are_none() -> None:
    assert decode("GetObject", if_modified_since="Sun, 15 Jun 2025 15:06:40 GMT")["IfModifiedSince"] == 1_750_000_000
    assert "IfModifiedSince" not in decode("GetObject", if_modified_since="yesterday")
    with pytest.raises(InvalidArgument):
        decode("PutObject", x_amz_object_lock_retain_until_date="yesterday")
