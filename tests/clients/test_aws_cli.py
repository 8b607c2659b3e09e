"""aws-cli v1 as a subprocess: what people type, and what it prints."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_process import PlatformProcess
from zips import zipped

AWS = Path(sys.executable).parent / "aws"
RUN_SECONDS = 60
PUBLIC = "ObjectOwnership=BucketOwnerPreferred"

Aws = Callable[..., str]


@pytest.fixture
def aws(platform: PlatformProcess, tmp_path: Path) -> Aws:
    """Runs `aws ...` in an empty directory; answers with what it printed. `fails=True`: what it complained of."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def run(*arguments: str, fails: bool = False) -> str:
        result = subprocess.run(
            [AWS, *arguments],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            cwd=tmp_path,
            env=environment,
        )
        assert (result.returncode != 0) is fails, result.stdout + result.stderr
        return result.stderr if fails else result.stdout

    return run


@pytest.fixture
def bucket(platform: PlatformProcess) -> str:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    platform.client("s3").create_bucket(Bucket=name)
    return name


def fetch(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
        return bytes(response.read())


def test_buckets_come_and_go(aws: Aws) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    assert aws("s3", "mb", f"s3://{name}") == f"make_bucket: {name}\n"
    assert name in aws("s3", "ls")
    assert aws("s3", "rb", f"s3://{name}") == f"remove_bucket: {name}\n"


def test_copy_list_and_remove(aws: Aws, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "a file.txt").write_text("hello")
    aws("s3", "cp", "a file.txt", f"s3://{bucket}/folder/a file.txt")
    assert aws("s3", "ls", f"s3://{bucket}").strip() == "PRE folder/"
    assert aws("s3", "ls", f"s3://{bucket}/folder/").split()[2:] == ["5", "a", "file.txt"]
    aws("s3", "cp", f"s3://{bucket}/folder/a file.txt", f"s3://{bucket}/copy")
    aws("s3", "mv", f"s3://{bucket}/copy", "back.txt")
    assert (tmp_path / "back.txt").read_text() == "hello"
    assert aws("s3", "rm", f"s3://{bucket}", "--recursive") == f"delete: s3://{bucket}/folder/a file.txt\n"


def test_sync_sends_only_what_changed(aws: Aws, bucket: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("index.html", "css/style.css", "posts/ü 1.html"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name)
        os.utime(site / name, (0, 0))  # S3 says when to the second: in the same second a file looks newer than its copy
    sync = ("s3", "sync", "site", f"s3://{bucket}", "--no-progress")
    assert aws(*sync).count("upload: ") == 3
    assert aws(*sync) == ""
    (site / "index.html").write_text("longer than before")
    (site / "css/style.css").unlink()
    assert sorted(line.split(":")[0] for line in aws(*sync, "--delete").splitlines()) == ["delete", "upload"]
    aws("s3", "sync", f"s3://{bucket}", "elsewhere")
    assert (tmp_path / "elsewhere/posts/ü 1.html").read_text() == "posts/ü 1.html"


def test_large_files_go_in_parts(aws: Aws, bucket: str, tmp_path: Path) -> None:
    content = os.urandom(1024) * (20 * 1024)
    (tmp_path / "big").write_bytes(content)
    aws("s3", "cp", "big", f"s3://{bucket}/big", "--no-progress")
    head = json.loads(aws("s3api", "head-object", "--bucket", bucket, "--key", "big"))
    assert head["ContentLength"] == len(content)
    assert head["ETag"].endswith('-3"')
    aws("s3", "cp", f"s3://{bucket}/big", "back", "--no-progress")
    assert (tmp_path / "back").read_bytes() == content


def test_presigned_urls(aws: Aws, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("hello")
    aws("s3", "cp", "k", f"s3://{bucket}/k")
    url = aws("s3", "presign", f"s3://{bucket}/k", "--expires-in", "60").strip()
    assert fetch(url) == b"hello"
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(url.split("?")[0])
    assert refused.value.code == 403
    refused.value.close()


def test_a_website(aws: Aws, bucket: str, platform: PlatformProcess, tmp_path: Path) -> None:
    aws("s3api", "put-bucket-ownership-controls", "--bucket", bucket, "--ownership-controls", f"Rules=[{{{PUBLIC}}}]")
    aws("s3api", "delete-public-access-block", "--bucket", bucket)
    (tmp_path / "index.html").write_text("<h1>home</h1>")
    aws("s3", "website", f"s3://{bucket}", "--index-document", "index.html", "--error-document", "error.html")
    aws("s3", "cp", "index.html", f"s3://{bucket}/index.html", "--acl", "public-read")
    host = f"{bucket}.s3-website.localhost:{platform.port}"
    assert fetch(f"{platform.endpoint}/", Host=host) == b"<h1>home</h1>"


def test_objects_by_the_api(aws: Aws, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("hello")
    put = json.loads(
        aws("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", "k", "--metadata", "mine=yes")
    )
    assert put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    got = json.loads(aws("s3api", "get-object", "--bucket", bucket, "--key", "k", "--range", "bytes=1-3", "part"))
    assert (got["ContentRange"], got["Metadata"]) == ("bytes 1-3/5", {"mine": "yes"})
    assert (tmp_path / "part").read_text() == "ell"
    listed = aws("s3api", "list-objects-v2", "--bucket", bucket, "--query", "Contents[].Key", "--output", "text")
    assert listed == "k\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("s3api", "get-object", "--bucket", "absent-bucket", "--key", "k", "out"),
            "(NoSuchBucket) when calling the GetObject operation: The specified bucket does not exist",
        ),
        (
            ("lambda", "get-function", "--function-name", "absent"),
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent",
        ),
        (
            ("logs", "get-log-events", "--log-group-name", "absent", "--log-stream-name", "absent"),
            "(ResourceNotFoundException) when calling the GetLogEvents operation: The specified log group",
        ),
        (("cloudwatch", "describe-alarms"), "when calling the DescribeAlarms operation"),
        (
            ("dynamodb", "describe-table", "--table-name", "absent"),
            "when calling the DescribeTable operation: Requested resource not found: Table: absent not found",
        ),
    ],
)
def test_complaints(arguments: tuple[str, ...], complaint: str, aws: Aws) -> None:
    assert complaint in aws(*arguments, fails=True)


def test_a_function_from_creation_to_its_logs(aws: Aws, tmp_path: Path) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    code = "def handler(event, context):\n    print('greeting', event['name'])\n    return {'hello': event['name']}\n"
    (tmp_path / "package.zip").write_bytes(zipped({"index.py": code}))
    created = json.loads(
        aws(
            *("lambda", "create-function", "--function-name", name, "--runtime", "python3.11"),
            *("--handler", "index.handler", "--role", "arn:aws:iam::000000000000:role/tests"),
            *("--zip-file", "fileb://package.zip", "--timeout", "10"),
        )
    )
    assert created["FunctionArn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    aws("lambda", "wait", "function-active-v2", "--function-name", name)
    invoked = json.loads(
        aws(
            *("lambda", "invoke", "--function-name", name, "--payload", '{"name": "cli"}'),
            *("--log-type", "Tail", "out.json"),
        )
    )
    assert json.loads((tmp_path / "out.json").read_text()) == {"hello": "cli"}
    assert (invoked["StatusCode"], invoked["ExecutedVersion"]) == (200, "$LATEST")
    assert "greeting cli" in base64.b64decode(invoked["LogResult"]).decode()
    assert name in aws("lambda", "list-functions", "--query", "Functions[].FunctionName")
    assert_logged(aws, f"/aws/lambda/{name}")
    aws("lambda", "delete-function", "--function-name", name)
    assert "ResourceNotFoundException" in aws("lambda", "get-function", "--function-name", name, fails=True)


def test_a_table_from_creation_to_its_stream(aws: Aws, tmp_path: Path) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    table = ("--table-name", name)
    aws(
        *("dynamodb", "create-table", *table, "--billing-mode", "PAY_PER_REQUEST"),
        *("--attribute-definitions", "AttributeName=pk,AttributeType=S", "AttributeName=n,AttributeType=N"),
        *("--key-schema", "AttributeName=pk,KeyType=HASH", "AttributeName=n,KeyType=RANGE"),
        *("--stream-specification", "StreamEnabled=true,StreamViewType=NEW_IMAGE"),
    )
    aws("dynamodb", "wait", "table-exists", *table)
    assert name in json.loads(aws("dynamodb", "list-tables"))["TableNames"]
    aws("dynamodb", "put-item", *table, "--item", '{"pk": {"S": "a"}, "n": {"N": "1"}, "score": {"N": "007.50"}}')
    key = ("--key", '{"pk": {"S": "a"}, "n": {"N": "1"}}')
    got = json.loads(aws("dynamodb", "get-item", *table, *key, "--consistent-read"))
    assert got["Item"]["score"] == {"N": "7.5"}
    values = ("--expression-attribute-values", '{":ten": {"N": "10"}}')
    change = ("--update-expression", "SET score = score + :ten", "--condition-expression", "score < :ten")
    updated = aws("dynamodb", "update-item", *table, *key, *change, *values, "--return-values", "UPDATED_NEW")
    assert json.loads(updated)["Attributes"] == {"score": {"N": "17.5"}}
    refused = aws("dynamodb", "update-item", *table, *key, *change, *values, fails=True)
    assert "(ConditionalCheckFailedException) when calling the UpdateItem operation: The conditional" in refused
    puts = [{"PutRequest": {"Item": {"pk": {"S": "b"}, "n": {"N": str(number)}}}} for number in range(25)]
    (tmp_path / "puts.json").write_text(json.dumps({name: puts}))
    aws("dynamodb", "batch-write-item", "--request-items", "file://puts.json")
    condition = ("--key-condition-expression", "pk = :b AND n > :ten")
    values = ("--expression-attribute-values", '{":b": {"S": "b"}, ":ten": {"N": "10"}}')
    numbers = ("--page-size", "3", "--query", "Items[].n.N", "--output", "json")
    found = json.loads(aws("dynamodb", "query", *table, *condition, *values, *numbers, "--no-scan-index-forward"))
    assert found == [str(number) for number in range(24, 10, -1)]
    assert json.loads(aws("dynamodb", "scan", *table, "--select", "COUNT"))["Count"] == 26
    stream = json.loads(aws("dynamodbstreams", "list-streams", *table))["Streams"][0]["StreamArn"]
    described = json.loads(aws("dynamodbstreams", "describe-stream", "--stream-arn", stream))["StreamDescription"]
    assert (described["StreamStatus"], described["StreamViewType"]) == ("ENABLED", "NEW_IMAGE")
    made = json.loads(aws("dynamodb", "create-backup", *table, "--backup-name", "before"))["BackupDetails"]
    aws("dynamodb", "delete-table", *table)
    aws("dynamodb", "wait", "table-not-exists", *table)
    assert made["BackupArn"] in aws("dynamodb", "list-backups", *table)
    restored = aws(
        "dynamodb", "restore-table-from-backup", "--backup-arn", made["BackupArn"], "--target-table-name", name
    )
    assert json.loads(restored)["TableDescription"]["RestoreSummary"]["SourceBackupArn"] == made["BackupArn"]


def assert_logged(aws: Aws, group: str) -> None:
    streams: list[Any] = []
    for _ in range(20):
        streams = json.loads(aws("logs", "describe-log-streams", "--log-group-name", group))["logStreams"]
        if streams:
            break
        time.sleep(0.1)
    assert streams, "nothing was logged"
    stream = streams[0]["logStreamName"]
    events = json.loads(
        aws("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream, "--start-from-head")
    )["events"]
    messages = [event["message"] for event in events]
    assert any(message.startswith("START RequestId: ") for message in messages)
    assert any("greeting cli" in message for message in messages)
    filtered = aws("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "greeting")
    assert len(json.loads(filtered)["events"]) == 1


def test_queues(aws: Aws, platform: PlatformProcess) -> None:
    """aws-cli v1 knows a legacy endpoint of SQS that it prefers to AWS_ENDPOINT_URL, not to --endpoint-url."""

    def sqs(*arguments: str, fails: bool = False) -> str:
        return aws("sqs", *arguments, "--endpoint-url", platform.endpoint, fails=fails)

    name = f"cli-{uuid.uuid4().hex[:8]}"
    url = json.loads(sqs("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=5"))["QueueUrl"]
    queue = ("--queue-url", url)
    attribute = "kind={DataType=String,StringValue=order}"
    sent = json.loads(sqs("send-message", *queue, "--message-body", "hello", "--message-attributes", attribute))
    assert sent["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    [got] = json.loads(sqs("receive-message", *queue, "--message-attribute-names", "All"))["Messages"]
    assert (got["Body"], got["MessageAttributes"]["kind"]["StringValue"]) == ("hello", "order")
    sqs("delete-message", *queue, "--receipt-handle", got["ReceiptHandle"])
    assert url in json.loads(sqs("list-queues", "--queue-name-prefix", name))["QueueUrls"]
    assert "NonExistentQueue" in sqs("purge-queue", "--queue-url", f"{url}-not", fails=True)
    sqs("delete-queue", *queue)


def test_a_schedule_is_made_shown_and_deleted(aws: Aws) -> None:
    target = {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "RoleArn": "arn:aws:iam::000000000000:role/r"}
    aws(
        *("scheduler", "create-schedule", "--name", "nightly", "--schedule-expression", "cron(0 3 * * ? *)"),
        *("--schedule-expression-timezone", "Europe/Zurich", "--flexible-time-window", "Mode=OFF"),
        *("--target", json.dumps(target)),
    )
    found = json.loads(aws("scheduler", "get-schedule", "--name", "nightly"))
    assert found["ScheduleExpressionTimezone"] == "Europe/Zurich"
    assert found["Target"]["Arn"] == target["Arn"]
    aws("scheduler", "delete-schedule", "--name", "nightly")
    complaint = aws("scheduler", "get-schedule", "--name", "nightly", fails=True)
    assert "ResourceNotFoundException" in complaint
    assert "Schedule nightly does not exist." in complaint


def test_topics(aws: Aws) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    topic = json.loads(aws("sns", "create-topic", "--name", name))["TopicArn"]
    queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    subscribe = ("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queue)
    arn = json.loads(aws(*subscribe, "--attributes", '{"FilterPolicy": "{\\"kind\\": [\\"order\\"]}"}'))[
        "SubscriptionArn"
    ]
    attributes = json.loads(aws("sns", "get-subscription-attributes", "--subscription-arn", arn))["Attributes"]
    assert attributes["FilterPolicy"] == '{"kind": ["order"]}'
    kind = '{"kind": {"DataType": "String", "StringValue": "order"}}'
    published = aws("sns", "publish", "--topic-arn", topic, "--message", "hello", "--message-attributes", kind)
    assert len(json.loads(published)["MessageId"]) == 36
    assert topic in aws("sns", "list-topics", "--query", "Topics[].TopicArn")
    aws("sns", "unsubscribe", "--subscription-arn", arn)
    aws("sns", "delete-topic", "--topic-arn", topic)
    complaint = aws("sns", "publish", "--topic-arn", topic, "--message", "hello", fails=True)
    assert "(NotFound)" in complaint
    assert "Topic does not exist" in complaint


def test_rules_of_event_buses(aws: Aws) -> None:
    """What the user guide of EventBridge has people type."""
    bus, rule = f"cli-{uuid.uuid4().hex[:8]}", "orders"
    assert json.loads(aws("events", "create-event-bus", "--name", bus))["EventBusArn"].endswith(f":event-bus/{bus}")
    on_bus = ("--event-bus-name", bus)
    pattern = '{"source": ["orders"], "detail": {"total": [{"numeric": [">", 100]}]}}'
    aws("events", "put-rule", "--name", rule, *on_bus, "--event-pattern", pattern)
    group = f"/aws/events/{bus}"
    aws("logs", "create-log-group", "--log-group-name", group)
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    aws("events", "put-targets", "--rule", rule, *on_bus, "--targets", f"Id=1,Arn={arn}")
    entry = {"Source": "orders", "DetailType": "placed", "EventBusName": bus}
    entries = [{**entry, "Detail": json.dumps({"total": total})} for total in (50, 150)]
    assert json.loads(aws("events", "put-events", "--entries", json.dumps(entries)))["FailedEntryCount"] == 0
    deadline = time.monotonic() + RUN_SECONDS
    lines: list[str] = []
    while not lines:
        assert time.monotonic() < deadline
        found = json.loads(aws("logs", "filter-log-events", "--log-group-name", group))
        lines = [event["message"] for event in found["events"]]
    assert [json.loads(line)["detail"] for line in lines] == [{"total": 150}]
    assert "has targets" in aws("events", "delete-rule", "--name", rule, *on_bus, fails=True)
    aws("events", "remove-targets", "--rule", rule, *on_bus, "--ids", "1")
    aws("events", "delete-rule", "--name", rule, *on_bus)
    aws("events", "delete-event-bus", "--name", bus)


def test_metrics_are_put_and_read(aws: Aws) -> None:
    namespace = f"Cli/{uuid.uuid4().hex[:8]}"
    for value in ("3", "5"):
        aws(
            *("cloudwatch", "put-metric-data", "--namespace", namespace, "--metric-name", "Orders"),
            *("--value", value, "--dimensions", "Kind=book", "--unit", "Count"),
        )
    listed = json.loads(aws("cloudwatch", "list-metrics", "--namespace", namespace))["Metrics"]
    assert [one["Dimensions"] for one in listed] == [[{"Name": "Kind", "Value": "book"}]]
    now = time.time()
    start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds)) for seconds in (-600, 120))
    told = aws(
        *("cloudwatch", "get-metric-statistics", "--namespace", namespace, "--metric-name", "Orders"),
        *("--dimensions", "Name=Kind,Value=book", "--period", "3600", "--statistics", "Sum", "Maximum"),
        *("--start-time", start, "--end-time", end),
    )
    [point] = json.loads(told)["Datapoints"]
    assert (point["Sum"], point["Maximum"], point["Unit"]) == (8.0, 5.0, "Count")
    metric = {"Namespace": namespace, "MetricName": "Orders", "Dimensions": listed[0]["Dimensions"]}
    queries = [
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "p50"}},
        {"Id": "twice", "Expression": "m * 2"},
    ]
    told = aws(
        *("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(queries)),
        *("--start-time", start, "--end-time", end),
    )
    assert {one["Id"]: one["Values"] for one in json.loads(told)["MetricDataResults"]} == {"m": [3.0], "twice": [6.0]}
    refused = aws(
        *("cloudwatch", "put-metric-data", "--namespace", "AWS/Mine", "--metric-name", "m", "--value", "1"), fails=True
    )
    assert "InvalidParameterValue" in refused
