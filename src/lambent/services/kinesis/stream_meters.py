"""What goes through streams, for CloudWatch: AWS/Kinesis, on the path of every request; metrics are kept at hand.

"Basic stream-level metrics", https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html. Reads are
those of GetRecords: mappings read the log itself.
"""

from collections.abc import Sequence

from lambent.kit.meter import Meter, Series
from lambent.services.kinesis.names import StreamKey
from lambent.storage.log import LogRecord

NAMESPACE = "AWS/Kinesis"

#: Streams whose metrics are at hand.
MAX_STREAMS = 10_000


class StreamMeter:
    """The metrics of one stream."""

    __slots__ = (
        *("_age", "_bytes_in", "_bytes_out", "_many", "_many_bytes", "_many_taken", "_many_throttled", "_many_total"),
        *("_one", "_one_bytes", "_read", "_reads_refused", "_records_in", "_records_out", "_writes_refused"),
    )

    def __init__(self, meter: Meter, key: StreamKey) -> None:
        place = (key.account_id, key.region, NAMESPACE)
        dimensions = ((("StreamName", key.name),),)
        self._records_in = meter.series(Series(*place, "IncomingRecords", dimensions))
        self._bytes_in = meter.series(Series(*place, "IncomingBytes", dimensions, "Bytes"))
        self._one = meter.series(Series(*place, "PutRecord.Success", dimensions))
        self._one_bytes = meter.series(Series(*place, "PutRecord.Bytes", dimensions, "Bytes"))
        self._many = meter.series(Series(*place, "PutRecords.Success", dimensions))
        self._many_bytes = meter.series(Series(*place, "PutRecords.Bytes", dimensions, "Bytes"))
        self._many_total = meter.series(Series(*place, "PutRecords.TotalRecords", dimensions))
        self._many_taken = meter.series(Series(*place, "PutRecords.SuccessfulRecords", dimensions))
        self._many_throttled = meter.series(Series(*place, "PutRecords.ThrottledRecords", dimensions))
        self._writes_refused = meter.series(Series(*place, "WriteProvisionedThroughputExceeded", dimensions))
        self._reads_refused = meter.series(Series(*place, "ReadProvisionedThroughputExceeded", dimensions))
        self._read = meter.series(Series(*place, "GetRecords.Success", dimensions))
        self._records_out = meter.series(Series(*place, "GetRecords.Records", dimensions))
        self._bytes_out = meter.series(Series(*place, "GetRecords.Bytes", dimensions, "Bytes"))
        self._age = meter.series(Series(*place, "GetRecords.IteratorAgeMilliseconds", dimensions, "Milliseconds"))

    def took(self, records: int, size_bytes: int) -> None:
        """What came in, by whatever way."""
        self._records_in.add(records)
        self._bytes_in.add(size_bytes)

    def put_record(self, size_bytes: int | None) -> None:
        """By PutRecord; None: it was throttled."""
        self._one.add(0.0 if size_bytes is None else 1.0)
        if size_bytes is None:
            self._writes_refused.add()
            return
        self._one_bytes.add(size_bytes)
        self.took(1, size_bytes)

    def put_records(self, sizes: Sequence[int], *, throttled: int) -> None:
        """By PutRecords, which succeeded with at least one record; `sizes`: of those that were taken."""
        total = sum(sizes)
        self._many.add(1.0 if sizes else 0.0)
        self._many_bytes.add(total)
        self._many_total.add(len(sizes) + throttled)
        self._many_taken.add(len(sizes))
        self._many_throttled.add(throttled)
        if throttled:
            self._writes_refused.add(throttled)
        if sizes:
            self.took(len(sizes), total)

    def refused_to_read(self) -> None:
        """A GetRecords, which was throttled."""
        self._read.add(0.0)
        self._reads_refused.add()

    def got(self, records: Sequence[LogRecord], size_bytes: int, now_ms: int) -> None:
        """The age is that of the last record handed out; 0: there was nothing more to read."""
        self._read.add()
        self._records_out.add(len(records))
        self._bytes_out.add(size_bytes)
        self._age.add(max(now_ms - records[-1].time_ms, 0) if records else 0.0)


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
