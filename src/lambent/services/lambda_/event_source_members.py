"""What mappings over all sources have in common in AWS's spelling: batches, filters, responses, metrics, a key.

https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html. A member that an update leaves out
stays as it is; one that is empty is taken away.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import Options

Document = dict[str, Any]

REPORT_ITEM_FAILURES = "ReportBatchItemFailures"

#: The group of metrics that streams and queues have ("Event source mapping metrics",
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
EVENT_COUNT = "EventCount"


def changes(request: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of Options that the request changes. Raises InvalidParameterValue."""
    changed: dict[str, Any] = {}
    if request.get("BatchSize") is not None:
        changed["batch_size"] = request["BatchSize"]
    if request.get("MaximumBatchingWindowInSeconds") is not None:
        changed["batching_window_seconds"] = request["MaximumBatchingWindowInSeconds"]
    if request.get("FilterCriteria") is not None:
        filters = request["FilterCriteria"].get("Filters") or ()
        changed["filters"] = tuple(one.get("Pattern") or "" for one in filters)
    if request.get("FunctionResponseTypes") is not None:
        changed["reports_item_failures"] = REPORT_ITEM_FAILURES in request["FunctionResponseTypes"]
    if request.get("MetricsConfig") is not None:
        changed["counts_events"] = _counts_events(request["MetricsConfig"].get("Metrics") or ())
    if request.get("KMSKeyArn") is not None:
        changed["kms_key_arn"] = request["KMSKeyArn"]
    return changed


def _counts_events(groups: Sequence[str]) -> bool:
    for group in groups:
        if group != EVENT_COUNT:
            raise InvalidParameterValue(
                f"MetricsConfig: {group} is for Apache Kafka event sources; streams and queues have {EVENT_COUNT}."
            )
    return bool(groups)


def describe(options: Options) -> Document:
    """The key is shown and encrypts nothing: there is no KMS here, so who may see a mapping sees its filters."""
    document: Document = {
        "BatchSize": options.batch_size,
        "MaximumBatchingWindowInSeconds": options.batching_window_seconds,
        "FunctionResponseTypes": [REPORT_ITEM_FAILURES] if options.reports_item_failures else [],
    }
    if options.filters:
        document["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in options.filters]}
    if options.counts_events:
        document["MetricsConfig"] = {"Metrics": [EVENT_COUNT]}
    if options.kms_key_arn:
        document["KMSKeyArn"] = options.kms_key_arn
    return document
