"""AWS/Lambda of one event source mapping, as the Prometheus page tells it: MetricsConfig, and provisioned mode."""

import time

from platform_process import PlatformProcess
from services.cloudwatch.test_prometheus_page import scrape
from services.lambda_.conftest import ROLE
from zips import zipped

PATIENCE_SECONDS = 20


def test_what_becomes_of_a_queues_messages(platform: PlatformProcess) -> None:
    queues, functions = platform.client("sqs"), platform.client("lambda")
    url = queues.create_queue(QueueName="counted")["QueueUrl"]
    code = {"ZipFile": zipped({"app.py": "def handler(event, context): pass"})}
    functions.create_function(FunctionName="counted", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)
    mapping = functions.create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:us-east-1:000000000000:counted",
        FunctionName="counted",
        FilterCriteria={"Filters": [{"Pattern": '{"body": ["wanted"]}'}]},
        MetricsConfig={"Metrics": ["EventCount"]},
        ProvisionedPollerConfig={"MinimumPollers": 3},
    )
    queues.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(one), "MessageBody": "wanted" if one else "not"} for one in range(3)]
    )
    labels = f'region="us-east-1",event_source_mapping_uuid="{mapping["UUID"]}"'
    expected = {"polled": 3, "filtered_out": 1, "invoked": 2, "failed_invoke": 0, "deleted": 2}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = scrape(platform)
        counts = {one: found.get((f"lambent_lambda_{one}_event_count_total", labels)) for one in expected}
        if counts == expected or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert counts == expected
    assert found["lambent_lambda_provisioned_pollers", labels] == 3
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
