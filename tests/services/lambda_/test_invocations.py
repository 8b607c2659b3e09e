"""Invoke through boto3, now and later; concurrency; the treatment of asynchronous events."""

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from services.lambda_.conftest import CreateFunction
from services.lambda_.test_functions import ARN, refusal, run

PATIENCE_SECONDS = 20.0


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def recent(platform: PlatformProcess, after: int = 0) -> dict[str, list[dict[str, Any]]]:
    """The internal page behind `lambent events`."""
    url = f"{platform.url}/_lambent/events?limit=2000&after={after}"
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials("test", "test"), "lambda", "us-east-1").add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers))) as response:
        found: dict[str, list[dict[str, Any]]] = json.load(response)
        return found


def test_an_answer_and_its_headers(functions: Any, create: CreateFunction) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, Payload=b'{"n": 1}')
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer.get("FunctionError")) == (200, "$LATEST", None)
    assert "LogResult" not in answer
    body = json.loads(answer["Payload"].read())
    assert body["event"] == {"n": 1}
    assert body["arn"] == ARN + name
    assert body["requestId"] == answer["ResponseMetadata"]["RequestId"]


def test_no_payload_is_an_empty_event(functions: Any, create: CreateFunction) -> None:
    assert json.loads(functions.invoke(FunctionName=create())["Payload"].read())["event"] == {}


def test_errors_of_the_function(functions: Any, create: CreateFunction) -> None:
    answer = functions.invoke(FunctionName=create(), Payload=b'{"fail": "as asked"}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    document = json.loads(answer["Payload"].read())
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "as asked")


def test_the_tail_of_the_log(functions: Any, create: CreateFunction) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, Payload=b'{"print": "a line to find"}', LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request_id} Version: $LATEST" in log
    assert "a line to find" in log
    assert f"REPORT RequestId: {request_id}\tDuration: " in log
    long = functions.invoke(FunctionName=name, Payload=json.dumps({"print": "x" * 9000}).encode(), LogType="Tail")
    assert len(base64.b64decode(long["LogResult"])) <= 4096


def test_client_contexts_arrive(functions: Any, create: CreateFunction) -> None:
    name = create()
    context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
    answer = functions.invoke(FunctionName=name, ClientContext=context)
    assert json.loads(answer["Payload"].read())["custom"] == {"a": "b"}
    with pytest.raises(ClientError) as raised:
        functions.invoke(FunctionName=name, ClientContext="no base64!")
    assert refusal(raised)[:2] == (400, "InvalidRequestContentException")


def test_a_dry_run_only_looks(functions: Any, create: CreateFunction) -> None:
    assert functions.invoke(FunctionName=create(), InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="Function not found"):
        functions.invoke(FunctionName="no-such-function", InvocationType="DryRun")


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_only_json_is_an_event(functions: Any, create: CreateFunction, kind: str) -> None:
    name = create()
    with pytest.raises(ClientError) as raised:
        functions.invoke(FunctionName=name, InvocationType=kind, Payload=b"{'no': 1}")
    status, code, message = refusal(raised)
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")


def test_sizes_of_events_and_answers(functions: Any, create: CreateFunction) -> None:
    name = create()
    largest = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
    assert functions.invoke(FunctionName=name, Payload=largest[:1_000_000] + b'"').get("FunctionError") is None
    with pytest.raises(ClientError) as raised:
        functions.invoke(FunctionName=name, Payload=largest + b" ")
    assert refusal(raised)[:2] == (413, "RequestEntityTooLargeException")
    with pytest.raises(ClientError) as raised:
        functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'"' + b"x" * 1024 * 1024 + b'"')
    assert refusal(raised) == (
        413,
        "RequestEntityTooLargeException",
        "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    )
    answer = functions.invoke(FunctionName=name, Payload=b'{"repeat": 6291600}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Function.ResponseSizeTooLarge"


def test_reserved_concurrency(functions: Any, create: CreateFunction) -> None:
    name = create()
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 1
    assert functions.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 1}
    run(functions, name)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, functions, name, {"sleep": 1.0})
        time.sleep(0.4)
        with pytest.raises(ClientError) as raised:
            functions.invoke(FunctionName=name)
        assert refusal(raised) == (429, "TooManyRequestsException", "Rate Exceeded.")
        response: dict[str, Any] = {**raised.value.response}
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        running.result()
    assert run(functions, name, 1)["event"] == 1
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="Rate Exceeded"):
        functions.invoke(FunctionName=name)
    functions.delete_function_concurrency(FunctionName=name)
    assert run(functions, name, 2)["event"] == 2


def test_100_must_stay_unreserved(functions: Any, create: CreateFunction) -> None:
    one, other = create(), create()
    functions.put_function_concurrency(FunctionName=one, ReservedConcurrentExecutions=900)
    settings = functions.get_account_settings()["AccountLimit"]
    assert (settings["ConcurrentExecutions"], settings["UnreservedConcurrentExecutions"]) == (1000, 100)
    with pytest.raises(ClientError) as raised:
        functions.put_function_concurrency(FunctionName=other, ReservedConcurrentExecutions=1)
    assert refusal(raised) == (
        400,
        "InvalidParameterValueException",
        (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [100]."
        ),
    )
    functions.put_function_concurrency(FunctionName=one, ReservedConcurrentExecutions=899)
    functions.put_function_concurrency(FunctionName=other, ReservedConcurrentExecutions=1)


def test_events_run_later_and_in_the_order_of_a_person_looking(
    platform: PlatformProcess, functions: Any, create: CreateFunction
) -> None:
    name = create()
    answers = [
        functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": %d}' % number)
        for number in range(10)
    ]
    assert {answer["StatusCode"] for answer in answers} == {202}
    assert answers[0]["Payload"].read() == b""
    assert functions.invoke_async(FunctionName=name, InvokeArgs=b'{"old": true}')["Status"] == 202
    ours = eventually(
        lambda: (
            found
            if len(found := [one for one in recent(platform)["events"] if one["functionArn"] == ARN + name]) == 11
            else None
        )
    )
    assert {one["outcome"] for one in ours} == {"ok"}
    assert {one["source"] for one in ours} == {"invoke"}
    accepted = {answer["ResponseMetadata"]["RequestId"] for answer in answers}
    assert accepted <= {one["requestId"] for one in ours}


def test_destinations_and_discards(platform: PlatformProcess, functions: Any, create: CreateFunction) -> None:
    after = create("def handler(event, context): print('told', event['requestContext']['condition'])")
    name = create()
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": ARN + after}, "OnFailure": {"Destination": ARN + after}},
    )
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    failed = functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail": "no"}')
    eventually(lambda: sum(one["functionArn"] == ARN + after for one in recent(platform)["events"]) == 2)
    request_id = failed["ResponseMetadata"]["RequestId"]
    [discard] = [one for one in recent(platform)["discarded"] if one["request_id"] == request_id]
    assert (discard["reason"], discard["attempts"]) == ("RetriesExhausted", 1)
    assert '"errorMessage": "no"' in discard["detail"]


def test_event_invoke_configs(functions: Any, create: CreateFunction) -> None:
    name, after = create(), create()
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        functions.get_function_event_invoke_config(FunctionName=name)
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        functions.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    assert functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
    destination = {"OnFailure": {"Destination": ARN + after}}
    functions.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60, DestinationConfig=destination
    )
    functions.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    found = functions.get_function_event_invoke_config(FunctionName=name)
    assert found["FunctionArn"] == f"{ARN}{name}:$LATEST"
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (0, 60)
    assert found["DestinationConfig"] == {"OnSuccess": {}, **destination}
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=2)
    replaced = functions.get_function_event_invoke_config(FunctionName=name)
    assert replaced.get("MaximumEventAgeInSeconds") is None
    assert replaced["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert len(functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]) == 1
    functions.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        functions.delete_function_event_invoke_config(FunctionName=name)


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"MaximumRetryAttempts": 3}, "ValidationException", "less than or equal to 2"),
        ({"MaximumEventAgeInSeconds": 59}, "ValidationException", "greater than or equal to 60"),
        ({"MaximumEventAgeInSeconds": 21601}, "ValidationException", "less than or equal to 21600"),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}}},
            "InvalidParameterValueException",
            "is not the ARN of: Lambda function, Amazon SQS standard queue",
        ),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}},
            "InvalidParameterValueException",
            "OnSuccess is invalid",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": f"{ARN}no-such-function"}}},
            "InvalidParameterValueException",
            "there is no such function",
        ),
    ],
)
def test_what_an_event_invoke_config_refuses(
    functions: Any, create: CreateFunction, asked: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        functions.put_function_event_invoke_config(FunctionName=create(), **asked)
    assert refusal(raised)[:2] == (400, code)
    assert message in refusal(raised)[2]


@pytest.mark.parametrize("qualifier", ["1", "prod"])
def test_a_version_that_is_not_there_is_no_destination(functions: Any, create: CreateFunction, qualifier: str) -> None:
    destination = f"{ARN}{create()}:{qualifier}"
    with pytest.raises(ClientError, match="there is no such function"):
        functions.put_function_event_invoke_config(
            FunctionName=create(), DestinationConfig={"OnSuccess": {"Destination": destination}}
        )


def test_a_function_switched_off_discards_its_events(
    platform: PlatformProcess, functions: Any, create: CreateFunction
) -> None:
    name = create()
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = functions.invoke(FunctionName=name, InvocationType="Event")
    request_id = answer["ResponseMetadata"]["RequestId"]
    discard = eventually(
        lambda: next((one for one in recent(platform)["discarded"] if one["request_id"] == request_id), None)
    )
    assert (discard["reason"], discard["attempts"]) == ("ZeroReservedConcurrency", 0)


def test_many_at_once_all_answer(functions: Any, create: CreateFunction) -> None:
    name = create()
    barrier = threading.Barrier(8)

    def several(worker: int) -> list[int]:
        barrier.wait()
        return [run(functions, name, worker * 100 + number)["event"] for number in range(25)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(several, range(8)))
    assert answers == [[worker * 100 + number for number in range(25)] for worker in range(8)]
