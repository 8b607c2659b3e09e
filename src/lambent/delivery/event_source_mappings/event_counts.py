"""What becomes of a mapping's events, for CloudWatch: the metrics of a mapping whose MetricsConfig has EventCount.

"Event source mapping metrics", https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html: under
AWS/Lambda by EventSourceMappingUUID. Deliveries are at least once, so an event that comes again is counted again.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Fate
from lambent.kit.arn import Arn
from lambent.kit.meter import Dimensions, Meter, Sample, Series
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.services.lambda_.metrics import NAMESPACE

#: Terms of the parcel that tells of a discarded batch, if its events are counted: of which mapping, and how many.
MAPPING_UUID = "mappingUuid"
EVENTS = "events"


class EventMetric(Enum):
    """Values are AWS's."""

    #: Read from the source; 0 for a minute in which nothing came.
    POLLED = "PolledEventCount"
    #: That no filter wanted; 0 for those that one did. Without filters, nothing.
    FILTERED_OUT = "FilteredOutEventCount"
    #: The function was to be invoked with them; each attempt counts.
    INVOKED = "InvokedEventCount"
    #: Of those, the ones of an invocation that failed or did not come to the function, or that it reported as failed.
    FAILED = "FailedInvokeEventCount"
    #: Discarded by a mapping's limits, without a destination that has taken them.
    DROPPED = "DroppedEventCount"
    #: Discarded, and their destination has been told.
    DELIVERED_ON_FAILURE = "OnFailureDestinationDeliveredEventCount"
    #: Handled, and deleted from the queue.
    DELETED = "DeletedEventCount"


class EventCounts:
    """Of one mapping; one that has not asked for them counts nothing."""

    def __init__(self, meter: Meter, mapping: EventSourceMapping) -> None:
        self._counted = {}
        if mapping.options.counts_events:
            place = (mapping.account_id, mapping.region, NAMESPACE)
            dimensions = (dimensions_of(mapping.uuid),)
            self._counted = {one: meter.series(Series(*place, one.value, dimensions)) for one in EventMetric}

    def add(self, metric: EventMetric, events: int) -> None:
        if self._counted:
            self._counted[metric].add(events)


def note_idle(meter: Meter, mapping: EventSourceMapping) -> None:
    """That the mapping lives: AWS's pollers say 0 after every poll that brings nothing."""
    EventCounts(meter, mapping).add(EventMetric.POLLED, 0)


def pollers(mapping: EventSourceMapping, running: int) -> Iterable[Sample]:
    """ProvisionedPollers, which a mapping in provisioned mode has without asking for it."""
    if running:
        dimensions = (dimensions_of(mapping.uuid),)
        place = (mapping.account_id, mapping.region, NAMESPACE)
        yield Series(*place, "ProvisionedPollers", dimensions), float(running)


def dimensions_of(mapping_uuid: str) -> Dimensions:
    return (("EventSourceMappingUUID", mapping_uuid),)


def terms_of(mapping: EventSourceMapping, events: int) -> dict[str, Any]:
    """What a parcel about so many discarded events must know, so that its end can be counted (`count_end`)."""
    return {MAPPING_UUID: mapping.uuid, EVENTS: events} if events and mapping.options.counts_events else {}


def count_end(meter: Meter, parcel: Parcel, end: End) -> None:
    """If it was about discarded events: delivered, or dropped when their destination is given up."""
    uuid = parcel.terms.get(MAPPING_UUID)
    if uuid is None or end.fate is Fate.KEPT:
        return
    metric = EventMetric.DELIVERED_ON_FAILURE if end.fate is Fate.TAKEN else EventMetric.DROPPED
    function = Arn.parse(parcel.message.sender.arn)
    meter.count(
        NAMESPACE,
        metric.value,
        dimensions_of(uuid),
        parcel.terms[EVENTS],
        account_id=function.account_id,
        region=function.region,
    )
