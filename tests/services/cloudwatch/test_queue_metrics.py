"""AWS/SQS as the Prometheus page tells it: what queues hold when somebody looks."""

from platform_process import PlatformProcess
from services.cloudwatch.test_prometheus_page import scrape


def test_how_full_queues_are(platform: PlatformProcess) -> None:
    queues = platform.client("sqs")
    url = queues.create_queue(QueueName="gauged")["QueueUrl"]
    for delay in (0, 0, 0, 900):
        queues.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=delay)
    [message] = queues.receive_message(QueueUrl=url)["Messages"]
    prefix, labels = "lambent_sqs_approximate", 'region="us-east-1",queue_name="gauged"'
    found = scrape(platform)
    numbers = [found[f"{prefix}_number_of_messages_{one}", labels] for one in ("visible", "not_visible", "delayed")]
    assert numbers == [2, 1, 1]
    assert 0 <= found[f"{prefix}_age_of_oldest_message_seconds", labels] < 60
    queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    queues.purge_queue(QueueUrl=url)
    assert scrape(platform)[f"{prefix}_number_of_messages_visible", labels] == 0, "an empty queue is told of as well"


def test_groups_in_flight(platform: PlatformProcess) -> None:
    """Of FIFO queues only, the page on SQS's metrics says."""
    queues = platform.client("sqs")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = queues.create_queue(QueueName="gauged.fifo", Attributes=attributes)["QueueUrl"]
    for group in ("a", "a", "b", "c"):
        queues.send_message(QueueUrl=url, MessageBody=f"{group}{group}", MessageGroupId=group)
    queues.send_message(QueueUrl=url, MessageBody="another", MessageGroupId="a")
    queues.receive_message(QueueUrl=url, MaxNumberOfMessages=3)
    metric = "lambent_sqs_approximate_number_of_groups_with_inflight_messages"
    found = {labels: value for (name, labels), value in scrape(platform).items() if name == metric}
    assert found['region="us-east-1",queue_name="gauged.fifo"'] == 2
    assert all(labels.endswith('.fifo"') for labels in found)
