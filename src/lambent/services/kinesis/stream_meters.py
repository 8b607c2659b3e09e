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

    __slots__ = ("_age", "_bytes_in", "_bytes_out", "_many", "_one", "_records_in", "_records_out")

    def __init__(self, meter: Meter, key: StreamKey) -> None:
        place = (key.account_id, key.region, NAMESPACE)
        dimensions = ((("StreamName", key.name),),)
        self._records_in = meter.series(Series(*place, "IncomingRecords", dimensions))
        self._bytes_in = meter.series(Series(*place, "IncomingBytes", dimensions, "Bytes"))
        self._one = meter.series(Series(*place, "PutRecord.Success", dimensions))
        self._many = meter.series(Series(*place, "PutRecords.Success", dimensions))
        self._records_out = meter.series(Series(*place, "GetRecords.Records", dimensions))
        self._bytes_out = meter.series(Series(*place, "GetRecords.Bytes", dimensions, "Bytes"))
        self._age = meter.series(Series(*place, "GetRecords.IteratorAgeMilliseconds", dimensions, "Milliseconds"))

    def took(self, records: int, size_bytes: int) -> None:
        """What came in, by whatever way."""
        self._records_in.add(records)
        self._bytes_in.add(size_bytes)

    def put_record(self, *, succeeded: bool) -> None:
        self._one.add(1.0 if succeeded else 0.0)

    def put_records(self, *, succeeded: bool) -> None:
        """`succeeded`: with at least one of its records."""
        self._many.add(1.0 if succeeded else 0.0)

    def got(self, records: Sequence[LogRecord], size_bytes: int, now_ms: int) -> None:
        """The age is that of the last record handed out; 0: there was nothing more to read."""
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
