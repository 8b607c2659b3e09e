"""Which adapter makes a source of a mapping's ARN: by the service that the ARN names."""

from lambent.delivery.event_source_mappings import dynamodb_source, kinesis_source
from lambent.delivery.event_source_mappings.sources import LogSource
from lambent.kit.arn import Arn
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.transaction import Transaction


def find(tx: Transaction, mapping: EventSourceMapping) -> LogSource | None:
    """None if there is no such stream, or the mapping may not read it."""
    match _service_of(mapping.source_arn):
        case "dynamodb":
            return dynamodb_source.find(tx, mapping)
        case "kinesis":
            return kinesis_source.find(tx, mapping)
    return None


def _service_of(arn: str) -> str:
    """Empty if it is no ARN."""
    try:
        return Arn.parse(arn).service
    except ValueError:
        return ""
