"""Functions through boto3: created, changed, looked up, deleted, as AWS answers."""

import base64
import hashlib
import io
import json
import re
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.lambda_.conftest import ROLE, CreateFunction
from zips import zipped

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def refusal(raised: pytest.ExceptionInfo[ClientError]) -> tuple[int, str, str]:
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def run(functions: Any, name: str, event: Any = None) -> Any:
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def test_what_create_answers(functions: Any, create: CreateFunction) -> None:
    code = zipped({"app.py": "def handler(event, context): return 1"})
    name = create(Code={"ZipFile": code}, Description="says 1", Tags={"team": "a"})
    found = functions.get_function(FunctionName=name)
    configuration = found["Configuration"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", configuration.pop("LastModified"))
    assert re.fullmatch(r"[0-9a-f-]{36}", configuration.pop("RevisionId"))
    assert configuration == {
        "FunctionName": name,
        "FunctionArn": ARN + name,
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(code),
        "Description": "says 1",
        "Timeout": 3,
        "MemorySize": 128,
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }
    assert found["Tags"] == {"team": "a"}
    assert found["Code"]["RepositoryType"] == "S3"
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)


def test_a_key_is_shown_until_it_is_taken_away(functions: Any, create: CreateFunction) -> None:
    key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    name = create(KMSKeyArn=key, Environment={"Variables": {"AA": "1"}})
    shown = functions.update_function_configuration(FunctionName=name, Description="changed")
    assert (shown["KMSKeyArn"], shown["Environment"]) == (key, {"Variables": {"AA": "1"}})
    assert "KMSKeyArn" not in functions.update_function_configuration(FunctionName=name, KMSKeyArn="")


def test_the_package_can_be_downloaded(functions: Any, create: CreateFunction) -> None:
    code = zipped({"app.py": "handler = print", "data.bin": b"\0\1"})
    name = create(Code={"ZipFile": code})
    link = functions.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(link) as response:
        downloaded = response.read()
    assert downloaded == code
    assert zipfile.ZipFile(io.BytesIO(downloaded)).namelist() == ["app.py", "data.bin"]
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(link.replace("signature=", "signature=0"))
    refused.value.close()


def test_a_name_is_taken_once(functions: Any, create: CreateFunction) -> None:
    name = create()
    with pytest.raises(ClientError) as raised:
        create(FunctionName=name)
    assert refusal(raised) == (409, "ResourceConflictException", f"Function already exist: {name}")


@pytest.mark.parametrize("form", ["{}", "function:{}", "000000000000:function:{}", ARN + "{}", ARN + "{}:$LATEST"])
def test_every_form_of_the_name(functions: Any, create: CreateFunction, form: str) -> None:
    name = create()
    assert functions.get_function_configuration(FunctionName=form.format(name))["FunctionName"] == name
    assert run(functions, form.format(name), {"n": 1})["event"] == {"n": 1}


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({"Runtime": "python9.9"}, "InvalidParameterValueException", "python9.9.*python3.11.*installed"),
        ({"Timeout": 901}, "ValidationException", "'901' at 'timeout'.*less than or equal to 900"),
        ({"Timeout": 0}, "ValidationException", "'0' at 'timeout'.*greater than or equal to 1"),
        ({"MemorySize": 127}, "ValidationException", "'127' at 'memorySize'.*greater than or equal to 128"),
        ({"MemorySize": 10241}, "ValidationException", "'10241' at 'memorySize'.*less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 511}}, "ValidationException", "greater than or equal to 512"),
        ({"EphemeralStorage": {"Size": 10241}}, "ValidationException", "less than or equal to 10240"),
        ({"Role": "nobody"}, "ValidationException", "'nobody' at 'role'.*regular expression"),
        ({"Handler": "with space"}, "ValidationException", "at 'handler'"),
        ({"FunctionName": "with space"}, "ValidationException", "at 'functionName'"),
        ({"FunctionName": "x" * 65}, "ValidationException", "length less than or equal to 64"),
        ({"Environment": {"Variables": {"1x": "y"}}}, "ValidationException", r"\[a-zA-Z\]"),
        ({"Environment": {"Variables": {"AWS_REGION": "y"}}}, "InvalidParameterValueException", "AWS_REGION"),
        ({"Environment": {"Variables": {"BIG": "y" * 4096}}}, "InvalidParameterValueException", "4KB limit"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {"ZipFile": zipped({})}}, "InvalidParameterValueException", "non-empty zip"),
        ({"Code": {"ZipFile": zipped({"../x": ""})}}, "InvalidParameterValueException", "Could not unzip"),
        ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code"),
        ({"Code": {"ImageUri": "x"}}, "InvalidParameterValueException", "images are not served"),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "images are not served"),
        ({"Layers": [ARN.replace("function", "layer") + "l:1"]}, "InvalidParameterValueException", "Layers"),
        ({"Publish": True}, "InvalidParameterValueException", "Published versions"),
        (
            {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
            "InvalidParameterValueException",
            "VPC",
        ),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::b"}}, "Invalid", "Amazon SQS standard queue or Amazon SNS"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "InvalidParameterValueException", "LogFormat"),
        ({"Tags": {"aws:x": "y"}}, "InvalidParameterValueException", "reserved"),
    ],
)
def test_what_create_refuses(
    functions: Any, create: CreateFunction, parameters: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        create(**parameters)
    status, got_code, got_message = refusal(raised)
    assert (status, code in got_code) == (400, True), got_message
    assert re.search(message, got_message), got_message
    assert run(functions, create(), 1)["event"] == 1


def test_code_from_a_bucket(functions: Any, create: CreateFunction, connect: Callable[[str], Any]) -> None:
    s3 = connect("s3")
    s3.create_bucket(Bucket="code-bucket")
    s3.put_object(Bucket="code-bucket", Key="app.zip", Body=zipped({"app.py": "def handler(e, c): return 'from s3'"}))
    name = create(Code={"S3Bucket": "code-bucket", "S3Key": "app.zip"})
    assert run(functions, name) == "from s3"
    for code, error in (
        ({"S3Bucket": "code-bucket", "S3Key": "none.zip"}, "NoSuchKey"),
        ({"S3Bucket": "no-such-bucket-here", "S3Key": "app.zip"}, "NoSuchBucket"),
    ):
        with pytest.raises(ClientError, match=f"Error occurred while GetObject. S3 Error Code: {error}"):
            functions.update_function_code(FunctionName=name, **code)
    s3.delete_object(Bucket="code-bucket", Key="app.zip")
    s3.delete_bucket(Bucket="code-bucket")


def test_new_code_runs_from_the_next_invocation_on(functions: Any, create: CreateFunction) -> None:
    name = create("def handler(event, context): return 0")
    assert run(functions, name) == 0
    before = functions.get_function_configuration(FunctionName=name)
    for number in range(1, 6):
        code = zipped({"app.py": f"def handler(event, context): return {number}"})
        after = functions.update_function_code(FunctionName=name, ZipFile=code)
        assert run(functions, name) == number
    assert after["RevisionId"] != before["RevisionId"]
    assert after["CodeSha256"] != before["CodeSha256"]


def test_a_running_invocation_keeps_its_code(functions: Any, create: CreateFunction) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(1)\n    import later\n    return later.WHAT"
    name = create(Code={"ZipFile": zipped({"app.py": slow, "later.py": "WHAT = 'old'"})}, Timeout=10)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, functions, name)
        time.sleep(0.3)
        functions.update_function_code(
            FunctionName=name, ZipFile=zipped({"app.py": "def handler(event, context): return 'new'"})
        )
        assert run(functions, name) == "new"
        assert running.result() == "old"


def test_a_dry_run_changes_nothing(functions: Any, create: CreateFunction) -> None:
    name = create("def handler(event, context): return 0")
    before = functions.get_function_configuration(FunctionName=name)
    code = zipped({"app.py": "def handler(event, context): return 1"})
    answered = functions.update_function_code(FunctionName=name, ZipFile=code, DryRun=True)
    assert answered["CodeSize"] == len(code)
    after = functions.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert run(functions, name) == 0
    with pytest.raises(ClientError, match="Could not unzip"):
        functions.update_function_code(FunctionName=name, ZipFile=b"x", DryRun=True)


def test_new_configuration_takes_effect(functions: Any, create: CreateFunction) -> None:
    name = create(Environment={"Variables": {"COLOUR": "red"}})
    assert run(functions, name)["environment"] == "red"
    answered = functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"COLOUR": "blue"}}, MemorySize=256, Timeout=7, Description="d"
    )
    assert (answered["MemorySize"], answered["Timeout"], answered["Description"]) == (256, 7, "d")
    assert answered["Environment"] == {"Variables": {"COLOUR": "blue"}}
    assert run(functions, name)["environment"] == "blue"
    kept = functions.update_function_configuration(FunctionName=name, Timeout=8)
    assert (kept["MemorySize"], kept["Environment"]) == (256, {"Variables": {"COLOUR": "blue"}})


def test_a_revision_guards_against_lost_updates(functions: Any, create: CreateFunction) -> None:
    name = create()
    old = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    new = functions.update_function_configuration(FunctionName=name, Timeout=4, RevisionId=old)["RevisionId"]
    for call, parameters in (
        (functions.update_function_configuration, {"Timeout": 5}),
        (functions.update_function_code, {"ZipFile": zipped({"app.py": ""})}),
    ):
        with pytest.raises(ClientError) as raised:
            call(FunctionName=name, RevisionId=old, **parameters)
        assert refusal(raised)[:2] == (412, "PreconditionFailedException")
    assert functions.get_function_configuration(FunctionName=name)["RevisionId"] == new


def test_listing_in_pages(functions: Any, create: CreateFunction) -> None:
    made = sorted(create() for _ in range(5))
    pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    sizes, listed = [], []
    for page in pages:
        sizes.append(len(page["Functions"]))
        listed += [one["FunctionName"] for one in page["Functions"]]
    assert max(sizes) <= 2
    assert [name for name in listed if name in made] == made
    assert len(set(listed)) == len(listed)


def test_deleted_is_gone(functions: Any, create: CreateFunction) -> None:
    name = create()
    run(functions, name)
    functions.delete_function(FunctionName=name)
    for call in (
        functions.get_function,
        functions.get_function_configuration,
        functions.invoke,
        functions.delete_function,
        functions.get_policy,
        functions.get_function_concurrency,
        functions.get_function_event_invoke_config,
        functions.list_versions_by_function,
    ):
        with pytest.raises(ClientError) as raised:
            call(FunctionName=name)
        assert refusal(raised) == (404, "ResourceNotFoundException", f"Function not found: {ARN}{name}")


def test_versions_and_aliases_are_not_there_yet(functions: Any, create: CreateFunction) -> None:
    name = create()
    with pytest.raises(ClientError, match=f"Function not found: {ARN}{name}:1"):
        functions.invoke(FunctionName=name, Qualifier="1")
    with pytest.raises(ClientError, match=f"Cannot find alias arn: {ARN}{name}:prod"):
        functions.get_function(FunctionName=f"{name}:prod")
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [(one["Version"], one["FunctionArn"]) for one in versions] == [("$LATEST", f"{ARN}{name}:$LATEST")]
    assert functions.list_aliases(FunctionName=name)["Aliases"] == []
    with pytest.raises(ClientError) as raised:
        functions.publish_version(FunctionName=name)
    assert "PublishVersion" in refusal(raised)[2]


def test_other_regions_have_functions_of_their_own(functions: Any, create: CreateFunction) -> None:
    name = create()
    with pytest.raises(ClientError, match="not reachable in this region"):
        functions.get_function(FunctionName=f"arn:aws:lambda:eu-west-1:000000000000:function:{name}")


def test_permissions(functions: Any, create: CreateFunction) -> None:
    name = create()
    with pytest.raises(ClientError) as raised:
        functions.get_policy(FunctionName=name)
    assert refusal(raised) == (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    added = functions.add_permission(
        FunctionName=name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::b",
        SourceAccount="000000000000",
    )
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN + name,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        },
    }
    assert json.loads(added["Statement"]) == statement
    found = functions.get_policy(FunctionName=name)
    assert json.loads(found["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    with pytest.raises(ClientError, match="Please provide a new statement id"):
        functions.add_permission(FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="*")
    with pytest.raises(ClientError) as raised:
        functions.remove_permission(FunctionName=name, StatementId="s3", RevisionId="old")
    assert refusal(raised)[:2] == (412, "PreconditionFailedException")
    functions.remove_permission(FunctionName=name, StatementId="s3", RevisionId=found["RevisionId"])
    with pytest.raises(ClientError, match="does not exist"):
        functions.get_policy(FunctionName=name)
    with pytest.raises(ClientError, match="not found in resource policy"):
        functions.remove_permission(FunctionName=name, StatementId="s3")


def test_tags(functions: Any, create: CreateFunction) -> None:
    name = create(Tags={"a": "1"})
    arn = ARN + name
    functions.tag_resource(Resource=arn, Tags={"b": "2", "a": "3"})
    assert functions.list_tags(Resource=arn)["Tags"] == {"a": "3", "b": "2"}
    functions.untag_resource(Resource=arn, TagKeys=["a", "unheard-of"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    with pytest.raises(ClientError, match="Number of tags exceeds resource tag limit"):
        functions.tag_resource(Resource=arn, Tags={f"k{number}": "v" for number in range(50)})
    with pytest.raises(ClientError, match="Function not found"):
        functions.list_tags(Resource=f"{ARN}no-such-function")


def test_terraform_asks_for_code_signing(functions: Any, create: CreateFunction) -> None:
    name = create()
    answered = functions.get_function_code_signing_config(FunctionName=name)
    assert (answered["FunctionName"], answered.get("CodeSigningConfigArn")) == (name, None)
