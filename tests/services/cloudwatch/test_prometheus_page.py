"""`/_lambent/metrics` as Prometheus asks for it."""

import base64
import re
import urllib.error
import urllib.request

import pytest

from platform_process import PlatformProcess
from services.lambda_.conftest import ROLE
from zips import zipped

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$")


def scrape(platform: PlatformProcess, user: str = "test", password: str = "test") -> dict[tuple[str, str], float]:
    """By name and labels."""
    request = urllib.request.Request(f"{platform.url}/_lambent/metrics")
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    with urllib.request.urlopen(request) as response:
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = response.read().decode().splitlines()
    samples = [_SAMPLE.match(line) for line in lines if not line.startswith("#")]
    return {(one["name"], one["labels"] or ""): float(one["value"]) for one in samples if one is not None}


def test_functions_and_the_process_are_told_of(platform: PlatformProcess) -> None:
    functions = platform.client("lambda")
    code = {"ZipFile": zipped({"app.py": "def handler(event, context):\n    if event: raise ValueError('no')"})}
    functions.create_function(FunctionName="scraped", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)
    for event in ("{}", '{"fail": 1}'):
        functions.invoke(FunctionName="scraped", Payload=event)
    found = scrape(platform)
    labels = 'region="us-east-1",function_name="scraped",resource="scraped"'
    assert found["lambent_lambda_invocations_total", labels] == 2
    assert found["lambent_lambda_errors_total", labels] == 1
    assert found["lambent_lambda_duration_milliseconds_count", labels] == 2
    assert found["lambent_lambda_duration_milliseconds_sum", labels] > 0
    assert found["lambent_commit_seconds_count", ""] == found["lambent_commit_works_count", ""] > 0
    assert found["process_resident_memory_bytes", ""] > 1e6
    assert found["process_open_fds", ""] > 10
    assert found["lambent_connections", 'from="clients"'] >= 1
    assert any(name == "lambent_environments" for name, _ in found)
    assert ("lambent_event_loop_lag_seconds_count", "") in found
    assert scrape(platform)["lambent_lambda_invocations_total", labels] == 2, "looking takes nothing away"


@pytest.mark.parametrize(
    ("user", "password", "advice"),
    [("", "", "-u KEY:SECRET"), ("test", "wrong", "secret"), ("nobody", "test", "secret")],
)
def test_it_needs_credentials_and_says_which(platform: PlatformProcess, user: str, password: str, advice: str) -> None:
    """RFC 9110, section 15.5.2: a 401 "MUST send a WWW-Authenticate header field"."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        scrape(platform, user, password)
    assert (refused.value.code, refused.value.headers["www-authenticate"]) == (401, 'Basic realm="Lambent"')
    assert advice in refused.value.read().decode()
    refused.value.close()


def test_what_runs_at_once_is_counted_for_each_function_and_for_the_account(platform: PlatformProcess) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html: of the function, of the Region."""
    functions = platform.client("lambda")
    calling = "import boto3\ndef handler(e, c): boto3.client('lambda').invoke(FunctionName='inner')"
    for name, text in (("inner", "def handler(e, c): pass"), ("outer", calling)):
        code = {"ZipFile": zipped({"app.py": text})}
        functions.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)
    before = scrape(platform)
    functions.invoke(FunctionName="outer")
    found = scrape(platform)

    def level(labels: str, metric: str = "concurrent_executions") -> float:
        name = f"lambent_lambda_{metric}_sum", f'region="us-east-1"{labels}'
        return found[name] - before.get(name, 0)

    assert [level(f',function_name="{name}",resource="{name}"') for name in ("inner", "outer")] == [1, 1]
    assert level("") == level("", "unreserved_concurrent_executions") >= 1 + 2


def test_a_name_ends_with_its_unit_once(platform: PlatformProcess) -> None:
    """https://prometheus.io/docs/practices/naming/: IncomingBytes, in Bytes."""
    streams = platform.client("kinesis")
    streams.create_stream(StreamName="scraped", ShardCount=1)
    streams.put_record(StreamName="scraped", Data=b"12345", PartitionKey="k")
    labels = 'region="us-east-1",stream_name="scraped"'
    assert scrape(platform)["lambent_kinesis_incoming_bytes_sum", labels] == 6


def test_other_pages_take_no_password(platform: PlatformProcess) -> None:
    request = urllib.request.Request(f"{platform.url}/_lambent/events")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"test:test").decode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    refused.value.close()
