"""CloudWatch through boto3: what is put comes back as statistics, in each of its protocols."""

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import fresh
from platform_process import PlatformProcess
from services.lambda_.conftest import ROLE
from zips import zipped

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
Put = Callable[..., None]


@pytest.fixture(scope="module")
def cloudwatch(platform: PlatformProcess) -> Any:
    return platform.client("cloudwatch", config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))


@pytest.fixture
def namespace() -> str:
    return fresh.name("Test/metrics")


@pytest.fixture
def put(cloudwatch: Any, namespace: str) -> Put:
    def put(name: str, value: float, *, ago: float = 0, **more: Any) -> None:
        """`ago` minutes."""
        datum = {"MetricName": name, "Timestamp": NOW - timedelta(minutes=ago), **more}
        if not {"Values", "StatisticValues"} & set(more):
            datum["Value"] = value
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])

    return put


def window(minutes: int = 60) -> dict[str, datetime]:
    return {"StartTime": NOW - timedelta(minutes=minutes), "EndTime": datetime.now(UTC) + timedelta(minutes=1)}


def statistics(cloudwatch: Any, namespace: str, name: str, *wanted: str, **more: Any) -> list[dict[str, Any]]:
    plain = {"Statistics": list(wanted)} if wanted else {}
    asked = {"Namespace": namespace, "MetricName": name, "Period": 60, **window(), **plain, **more}
    found: list[dict[str, Any]] = cloudwatch.get_metric_statistics(**asked)["Datapoints"]
    return found


def metric(namespace: str, name: str, stat: str = "Sum", period: int = 60, **dimensions: str) -> dict[str, Any]:
    return {
        "Metric": {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": one, "Value": value} for one, value in dimensions.items()],
        },
        "Period": period,
        "Stat": stat,
    }


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = refused.value.response["Error"]["Code"]
    return found


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
def test_every_protocol(platform: PlatformProcess, namespace: str, protocol: str, tmp_path: Any) -> None:
    """As the SDKs of different ages speak it: the model's list of protocols decides which one botocore takes."""
    session = boto3.session.Session()
    loader = session._loader
    model = loader.load_service_model("cloudwatch", "service-2")
    model["metadata"]["protocols"], model["metadata"]["protocol"] = [protocol], protocol
    client = session.client(
        "cloudwatch",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    many = [{"MetricName": f"m{number % 7}", "Value": number, "Timestamp": NOW} for number in range(700)]
    client.put_metric_data(Namespace=namespace, MetricData=many)  # compressed: it has more than 10 KB
    [point] = statistics(client, namespace, "m3", "Sum", "SampleCount")
    assert (point["Sum"], point["SampleCount"], point["Timestamp"]) == (sum(range(3, 700, 7)), 100, NOW)
    queries = [{"Id": "m", "MetricStat": metric(namespace, "m3", "Maximum")}]
    [result] = client.get_metric_data(MetricDataQueries=queries, **window())["MetricDataResults"]
    assert (result["Values"], result["Timestamps"]) == ([696.0], [NOW])
    with pytest.raises(client.exceptions.InvalidParameterValueException) as refused:
        client.put_metric_data(Namespace="AWS/Mine", MetricData=[{"MetricName": "m", "Value": 1}])
    assert code(refused) == "InvalidParameterValue"


def test_values_of_a_minute_are_summed_up(cloudwatch: Any, namespace: str, put: Put) -> None:
    for value in (1, 2, 3, 4):
        put("latency", value, Unit="Milliseconds")
    put("latency", 10, ago=1, Unit="Milliseconds")
    wanted = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
    first, second = statistics(cloudwatch, namespace, "latency", *wanted)
    assert first == {
        "Timestamp": NOW - timedelta(minutes=1),
        "Unit": "Milliseconds",
        "SampleCount": 1,
        "Average": 10,
        "Sum": 10,
        "Minimum": 10,
        "Maximum": 10,
    }
    assert {name: second[name] for name in wanted} == {
        "SampleCount": 4,
        "Average": 2.5,
        "Sum": 10,
        "Minimum": 1,
        "Maximum": 4,
    }
    [both] = statistics(cloudwatch, namespace, "latency", "Sum", Period=7200)
    assert both["Sum"] == 20


def test_values_with_counts_and_statistic_sets(cloudwatch: Any, namespace: str, put: Put) -> None:
    put("sizes", 0, Values=[1, 10, 100], Counts=[90, 9, 1])
    [point] = statistics(cloudwatch, namespace, "sizes", ExtendedStatistics=["p50", "p90", "p95", "p99.9"])
    assert point["ExtendedStatistics"] == {"p50": 1, "p90": 1, "p95": 10, "p99.9": 100}
    put("sizes", 0, StatisticValues={"SampleCount": 2, "Sum": 7, "Minimum": 3, "Maximum": 4})
    [point] = statistics(cloudwatch, namespace, "sizes", "SampleCount", "Sum", "Minimum", "Maximum")
    assert [point[one] for one in ("SampleCount", "Sum", "Minimum", "Maximum")] == [102, 287, 1, 100]
    [point] = statistics(cloudwatch, namespace, "sizes", ExtendedStatistics=["p50"])
    assert "ExtendedStatistics" not in point, "single values are not known any more"


@pytest.mark.parametrize(("total", "percentiles"), [(10, {"p50": 5}), (30, None)])
def test_percentiles_of_a_statistic_set(
    cloudwatch: Any, namespace: str, put: Put, total: float, percentiles: dict[str, float] | None
) -> None:
    """GetMetricStatistics: "The Min and the Max of the statistic set are equal, and Sum is equal to Min multiplied by
    SampleCount"."""
    put("sizes", 0, StatisticValues={"SampleCount": 2, "Sum": total, "Minimum": 5, "Maximum": 5})
    [point] = statistics(cloudwatch, namespace, "sizes", ExtendedStatistics=["p50"])
    assert point.get("ExtendedStatistics") == percentiles


def test_units_and_dimensions_are_told_apart(cloudwatch: Any, namespace: str, put: Put) -> None:
    put("size", 1, Unit="Bytes")
    put("size", 2, Unit="Kilobytes")
    put("size", 4, Dimensions=[{"Name": "B", "Value": "2"}, {"Name": "A", "Value": "1"}])
    assert [(one["Unit"], one["Sum"]) for one in statistics(cloudwatch, namespace, "size", "Sum")] == [
        ("Bytes", 1),
        ("Kilobytes", 2),
    ]
    assert statistics(cloudwatch, namespace, "size", "Sum", Unit="Bytes")[0]["Sum"] == 1
    assert statistics(cloudwatch, namespace, "size", "Sum", Unit="Count") == []
    dimensions = [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}]
    assert statistics(cloudwatch, namespace, "size", "Sum", Dimensions=dimensions)[0]["Sum"] == 4
    assert statistics(cloudwatch, namespace, "size", "Sum", Dimensions=dimensions[:1]) == []


def test_values_of_different_units_are_not_mixed(cloudwatch: Any, namespace: str, put: Put) -> None:
    """Measured at AWS: the first unit is shown, and a message names all."""
    for value, unit in ((60_000, "Milliseconds"), (60, "Seconds"), (5, "Count"), (6, "Count")):
        put("m", value, Unit=unit)
    queries = [
        {"Id": "any", "MetricStat": metric(namespace, "m"), "Label": "x"},
        {"Id": "one", "MetricStat": {**metric(namespace, "m"), "Unit": "Seconds"}, "Label": "x"},
    ]
    mixed, one = cloudwatch.get_metric_data(MetricDataQueries=queries, **window())["MetricDataResults"]
    assert mixed["Values"] == [11]
    assert mixed["Messages"] == [
        {"Code": "MultipleUnits", "Value": "Multiple units returned: '[Count, Milliseconds, Seconds]'"}
    ]
    assert (one["Values"], one.get("Messages")) == ([60], None)


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        ([("Sum", 60), ("Minimum", 60)], ["m Sum", "m Minimum"]),
        ([("Sum", 60), ("Sum", 300)], ["m 60", "m 300"]),
        ([("Sum", 60), ("Minimum", 300)], ["m Sum 60", "m Minimum 300"]),
        ([("Sum", 60), ("Sum", 60)], ["m", "m"]),
    ],
)
def test_what_tells_queries_of_a_metric_apart_is_in_their_labels(
    cloudwatch: Any, namespace: str, put: Put, asked: list[tuple[str, int]], labels: list[str]
) -> None:
    """Measured at AWS."""
    put("m", 1)
    put("n", 1)
    queries = [
        {"Id": f"q{number}", "MetricStat": {**metric(namespace, "m"), "Stat": stat, "Period": period}}
        for number, (stat, period) in enumerate(asked)
    ]
    queries.append({"Id": "other", "MetricStat": {**metric(namespace, "n"), "Stat": "Maximum"}})
    found = cloudwatch.get_metric_data(MetricDataQueries=queries, **window())["MetricDataResults"]
    assert [one["Label"] for one in found] == [*labels, "n"]


def test_seconds_of_a_high_resolution_metric(cloudwatch: Any, namespace: str) -> None:
    second = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=20)
    data = [
        {"MetricName": "m", "Value": 1, "StorageResolution": 1, "Timestamp": second + timedelta(seconds=number)}
        for number in range(3)
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    asked = {"StartTime": second, "EndTime": second + timedelta(seconds=3), "Period": 1}
    points = statistics(cloudwatch, namespace, "m", "Sum", **asked)
    assert [one["Timestamp"] for one in points] == [one["Timestamp"] for one in data]
    assert sum(one["Sum"] for one in statistics(cloudwatch, namespace, "m", "Sum")) == 3


def test_metric_math(cloudwatch: Any, namespace: str, put: Put) -> None:
    for minute, (errors, calls) in enumerate([(1, 10), (0, 20), (3, 30)]):
        put("errors", errors, ago=minute)
        put("calls", calls, ago=minute)
    queries = [
        {"Id": "rate", "Expression": "100 * errors / calls", "Label": "Errors ${MAX}%"},
        {"Id": "errors", "MetricStat": metric(namespace, "errors"), "ReturnData": False},
        {"Id": "calls", "MetricStat": metric(namespace, "calls"), "ReturnData": False},
        {"Id": "all", "Expression": "SUM(METRICS())"},
        {"Id": "share", "Expression": "calls / SUM(calls)"},
    ]
    found = cloudwatch.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **window())
    results = {one["Id"]: one for one in found["MetricDataResults"]}
    assert results["rate"]["Values"] == [10, 0, 10]
    assert results["rate"]["Label"] == "Errors 10%"
    assert results["rate"]["StatusCode"] == "Complete"
    assert results["all"]["Values"] == [33, 20, 11]
    assert results["share"]["Values"] == [0.5, 20 / 60, 10 / 60]
    assert list(results) == ["rate", "all", "share"]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("m +", "unexpected end"),
        ("m + nothing", "no query with the id nothing"),
        ("SUM(m)", "must be a time series"),
        ("e", "refers to itself"),
        ("SEARCH('{Test,A} b', 'Sum', 60)", "SEARCH is not served"),
        ("SELECT AVG(x) FROM y", "Metrics Insights"),
    ],
)
def test_expressions_that_are_refused(
    cloudwatch: Any, namespace: str, put: Put, expression: str, complaint: str
) -> None:
    put("m", 1)
    queries = [{"Id": "e", "Expression": expression}, {"Id": "m", "MetricStat": metric(namespace, "m")}]
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_metric_data(MetricDataQueries=queries, **window())
    assert code(refused) == "ValidationError"
    assert complaint in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize("order", ["TimestampAscending", "TimestampDescending"])
def test_data_comes_in_pages(cloudwatch: Any, namespace: str, put: Put, order: str) -> None:
    for minute in range(7):
        put("a", minute, ago=minute)
        put("b", 10 + minute, ago=minute)
    queries = [{"Id": name, "MetricStat": metric(namespace, name)} for name in ("a", "b", "c")]
    asked = {"MetricDataQueries": queries, "ScanBy": order, **window()}
    whole = cloudwatch.get_metric_data(**asked)["MetricDataResults"]
    pages = []
    token: dict[str, str] = {}
    while True:
        page = cloudwatch.get_metric_data(MaxDatapoints=5, **asked, **token)
        pages.append(page["MetricDataResults"])
        assert sum(len(one["Values"]) for one in page["MetricDataResults"]) <= 5
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(pages) == 3
    assert pages[0][0]["StatusCode"] == "PartialData"
    for name in ("a", "b", "c"):
        [expected] = [one["Values"] for one in whole if one["Id"] == name]
        assert [value for page in pages for one in page if one["Id"] == name for value in one["Values"]] == expected
    assert whole[0]["Values"] == ([6, 5, 4, 3, 2, 1, 0] if order == "TimestampAscending" else [0, 1, 2, 3, 4, 5, 6])


def test_metrics_are_listed_by_what_they_are(cloudwatch: Any, namespace: str, put: Put) -> None:
    for value in ("1", "2"):
        put("m", 1, Dimensions=[{"Name": "A", "Value": value}, {"Name": "B", "Value": "x"}])
    put("n", 1, ago=4 * 60)

    def listed(**filters: Any) -> list[tuple[str, dict[str, str]]]:
        found = cloudwatch.list_metrics(Namespace=namespace, **filters)["Metrics"]
        return [(one["MetricName"], {two["Name"]: two["Value"] for two in one["Dimensions"]}) for one in found]

    both = [("m", {"A": "1", "B": "x"}), ("m", {"A": "2", "B": "x"})]
    assert listed() == [*both, ("n", {})]
    assert listed(MetricName="n") == [("n", {})]
    assert listed(Dimensions=[{"Name": "A"}]) == both
    assert listed(Dimensions=[{"Name": "A", "Value": "2"}, {"Name": "B"}]) == both[1:]
    assert listed(RecentlyActive="PT3H") == both
    assert listed(OwningAccount="000000000000") == listed()
    assert listed(OwningAccount="111111111111") == [], "no account is linked to another"


def test_metrics_are_listed_in_pages(cloudwatch: Any, namespace: str) -> None:
    for start in (0, 600):
        data = [{"MetricName": f"m{number:04}", "Value": 1} for number in range(start, start + 600)]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 200]
    assert len({one["MetricName"] for page in pages for one in page["Metrics"]}) == 1200


@pytest.mark.parametrize(("account", "values"), [("000000000000", [7]), ("111111111111", [])])
def test_no_account_is_linked_to_another(
    cloudwatch: Any, namespace: str, put: Put, account: str, values: list[float]
) -> None:
    """MetricDataQuery, AccountId: in a monitoring account the one to retrieve this metric from."""
    put("m", 7)
    metric = {"Namespace": namespace, "MetricName": "m"}
    query = {"Id": "m", "AccountId": account, "MetricStat": {"Metric": metric, "Period": 86_400, "Stat": "Sum"}}
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(days=1), "EndTime": now + timedelta(hours=1)}
    assert cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"][0]["Values"] == values


def test_what_is_no_statistic_is_said_as_aws_does(cloudwatch: Any) -> None:
    """github.com/prometheus-community/yet-another-cloudwatch-exporter/issues/1435"""
    metric = {"Namespace": "N", "MetricName": "m"}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "None"}}
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_metric_data(MetricDataQueries=[query], **window())
    assert code(refused) == "ValidationError"
    assert refused.value.response["Error"]["Message"].startswith(
        "The value None for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid statistic."
    )


def test_a_request_for_all_times_is_answered_at_once(cloudwatch: Any) -> None:
    began = time.monotonic()
    query = {"Id": "e", "Expression": "TIME_SERIES(1)", "Period": 60}
    window = {"StartTime": datetime(1970, 1, 1, tzinfo=UTC), "EndTime": datetime(9999, 1, 1, tzinfo=UTC)}
    [result] = cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    assert len(result["Values"]) == (15 * 24 + 2) * 60
    assert time.monotonic() - began < 5


DATUM = {"MetricName": "m", "Value": 1.0}


def named(name: str) -> dict[str, Any]:
    return {**DATUM, "Dimensions": [{"Name": name, "Value": "b"}]}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([], "MissingParameter"),
        ([{"MetricName": "m"}], "MissingParameter"),
        ([DATUM] * 1001, "InvalidParameterValue"),
        ([{**DATUM, "Value": math.nan}], "InvalidParameterValue"),
        ([{**DATUM, "Value": 2.0**361}], "InvalidParameterValue"),
        ([{**DATUM, "Values": [1]}], "InvalidParameterCombination"),
        ([{"MetricName": "m", "Values": [1], "Counts": [1, 2]}], "InvalidParameterValue"),
        ([{"MetricName": "m", "Values": [1.0] * 151}], "InvalidParameterValue"),
        ([{**DATUM, "StorageResolution": 30}], "InvalidParameterValue"),
        ([{**DATUM, "Timestamp": NOW - timedelta(days=15)}], "InvalidParameterValue"),
        ([{**DATUM, "Timestamp": NOW + timedelta(hours=3)}], "InvalidParameterValue"),
        ([named(":a")], "InvalidParameterValue"),
        ([named("é")], "InvalidParameterValue"),
    ],
)
def test_what_cannot_be_put(cloudwatch: Any, data: list[dict[str, Any]], error: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_data(Namespace="N", MetricData=data)
    assert code(refused) == error


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"Period": 90}, "InvalidParameterValue"),
        ({"EndTime": NOW - timedelta(hours=2)}, "InvalidParameterValue"),
        ({"Statistics": []}, "ValidationError"),
        ({"ExtendedStatistics": ["p50"]}, "InvalidParameterCombination"),
        ({"Statistics": None, "ExtendedStatistics": ["p101"]}, "InvalidParameterValue"),
        ({"StartTime": NOW - timedelta(days=2)}, "InvalidParameterCombination"),
    ],
)
def test_statistics_that_cannot_be_had(cloudwatch: Any, change: dict[str, Any], error: str) -> None:
    asked = {"Namespace": "N", "MetricName": "m", "Period": 60, "Statistics": ["Sum"], **window(), **change}
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_metric_statistics(**{name: value for name, value in asked.items() if value is not None})
    assert code(refused) == error


def test_a_made_up_token_is_refused(cloudwatch: Any) -> None:
    for token in ("made up", "W10="):
        with pytest.raises(ClientError) as refused:
            cloudwatch.list_metrics(NextToken=token)
        assert code(refused) == "InvalidParameterValue"


def test_alarms_are_not_served_and_say_so(cloudwatch: Any) -> None:
    with pytest.raises(ClientError) as refused:
        cloudwatch.describe_alarms()
    assert "not served" in refused.value.response["Error"]["Message"]


def test_the_platform_publishes_what_functions_do(platform: PlatformProcess, cloudwatch: Any) -> None:
    functions, name = platform.client("lambda"), fresh.name("measured")
    source = "def handler(event, context):\n    if event: raise ValueError('no')"
    code_ = {"ZipFile": zipped({"app.py": source})}
    functions.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code_)
    began = datetime.now(UTC) - timedelta(minutes=1)
    for event in ("{}", "{}", '{"fail": 1}'):
        functions.invoke(FunctionName=name, Payload=event)
    by_name = [{"Name": "FunctionName", "Value": name}]

    def summed(metric_name: str, dimensions: list[dict[str, str]]) -> dict[str, float]:
        asked = {
            "Namespace": "AWS/Lambda",
            "MetricName": metric_name,
            "Dimensions": dimensions,
            "Period": 60,
            "StartTime": began,
            "EndTime": datetime.now(UTC) + timedelta(minutes=1),
        }
        points = cloudwatch.get_metric_statistics(Statistics=["Sum", "SampleCount"], **asked)["Datapoints"]
        return {one: sum(point[one] for point in points) for one in ("Sum", "SampleCount")}

    deadline = time.monotonic() + 20
    while summed("Invocations", by_name)["Sum"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert summed("Errors", by_name) == {"Sum": 1, "SampleCount": 3}
    assert summed("Duration", [*by_name, {"Name": "Resource", "Value": name}])["SampleCount"] == 3
    assert summed("ConcurrentExecutions", [])["SampleCount"] >= 3
    assert json.dumps(summed("Throttles", by_name)) == '{"Sum": 0, "SampleCount": 0}'
