"""What goes through streams, for CloudWatch: AWS/Kinesis, on the path of every request; metrics are kept at hand.

"Basic stream-level metrics", https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html. Reads are
those of GetRecords: mappings read the log itself.
"""

from collections.abc import Sequence

from lambent.kit.meter import Distribution, Meter, Series
from lambent.services.kinesis.names import StreamKey
from lambent.storage.log import LogRecord

NAMESPACE = "AWS/Kinesis"

#: Streams whose metrics are at hand.
MAX_STREAMS = 10_000


class StreamMeter:
    """The metrics of one stream, each made when it has its first value: a stream is rarely used in every way."""

    __slots__ = ("_known", "_meter", "_place")

    def __init__(self, meter: Meter, key: StreamKey) -> None:
        self._meter = meter
        self._place = key
        self._known: dict[str, Distribution] = {}

    def took(self, records: int, size_bytes: int) -> None:
        """What came in, by whatever way."""
        self._add("IncomingRecords", records)
        self._add("IncomingBytes", size_bytes)

    def put_record(self, size_bytes: int | None) -> None:
        """By PutRecord; None: it was throttled."""
        self._add("PutRecord.Success", 0.0 if size_bytes is None else 1.0)
        if size_bytes is None:
            self._add("WriteProvisionedThroughputExceeded", 1.0)
            return
        self._add("PutRecord.Bytes", size_bytes)
        self.took(1, size_bytes)

    def put_records(self, sizes: Sequence[int], *, throttled: int) -> None:
        """By PutRecords, which succeeded with at least one record; `sizes`: of those that were taken."""
        total = sum(sizes)
        self._add("PutRecords.Success", 1.0 if sizes else 0.0)
        self._add("PutRecords.Bytes", total)
        self._add("PutRecords.TotalRecords", len(sizes) + throttled)
        self._add("PutRecords.SuccessfulRecords", len(sizes))
        if throttled:
            self._add("PutRecords.ThrottledRecords", throttled)
            self._add("WriteProvisionedThroughputExceeded", throttled)
        if sizes:
            self.took(len(sizes), total)

    def refused_to_read(self) -> None:
        """A GetRecords, which was throttled."""
        self._add("GetRecords.Success", 0.0)
        self._add("ReadProvisionedThroughputExceeded", 1.0)

    def got(self, records: Sequence[LogRecord], size_bytes: int, now_ms: int) -> None:
        """The age is that of the last record handed out; 0: there was nothing more to read."""
        self._add("GetRecords.Success", 1.0)
        self._add("GetRecords.Records", len(records))
        self._add("GetRecords.Bytes", size_bytes)
        self._add("GetRecords.IteratorAgeMilliseconds", max(now_ms - records[-1].time_ms, 0) if records else 0.0)

    def _add(self, metric: str, value: float) -> None:
        found = self._known.get(metric)
        if found is None:
            key, dimensions = self._place, ((("StreamName", self._place.name),),)
            series = Series(key.account_id, key.region, NAMESPACE, metric, dimensions, _unit(metric))
            found = self._known[metric] = self._meter.series(series)
        found.add(value)


def _unit(metric: str) -> str:
    """A metric's name ends with it, unless it is a number."""
    return next((unit for unit in ("Bytes", "Milliseconds") if metric.endswith(unit)), "Count")


class StreamMeters:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._known: dict[StreamKey, StreamMeter] = {}

    def of(self, key: StreamKey) -> StreamMeter:
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_STREAMS:
                self._known.clear()
            found = self._known[key] = StreamMeter(self._meter, key)
        return found
