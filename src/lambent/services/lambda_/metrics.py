"""Lambda's own metrics: what CloudWatch shows under AWS/Lambda for a function, and for the account as a whole.

"Types of metrics for Lambda functions", https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html.
Everything is published under FunctionName, under FunctionName and Resource, and for the account without dimensions.
What is a level, how much runs at once, is another number for the account than for the function.
"""

from lambent.kit.meter import Dimensions, Distribution, Meter, Series

NAMESPACE = "AWS/Lambda"
_MILLISECONDS = "Milliseconds"


class FunctionMeter:
    """The metrics of one function, at hand: an invocation adds to them without looking anything up."""

    __slots__ = (
        *("_dimension_sets", "_key", "_meter", "concurrency", "duration", "errors", "invocations", "throttles"),
        *("account_concurrency", "async_age", "async_received", "unreserved_concurrency"),
    )

    def __init__(self, meter: Meter, account_id: str, region: str, function: str, resource: str) -> None:
        """`resource`: `function`, or with the qualifier it was invoked by."""
        by_name: Dimensions = (("FunctionName", function),)
        self._dimension_sets = (by_name, (*by_name, ("Resource", resource)), ())
        self._meter = meter
        self._key = (account_id, region)
        self.invocations = self.series("Invocations")
        self.errors = self.series("Errors")
        self.duration = self.series("Duration", _MILLISECONDS)
        self.throttles = self.series("Throttles")
        self.concurrency = self._level("ConcurrentExecutions", *self._dimension_sets[:2])
        self.account_concurrency = self._level("ConcurrentExecutions", ())
        self.unreserved_concurrency = self._level("UnreservedConcurrentExecutions", ())
        self.async_received = self.series("AsyncEventsReceived")
        self.async_age = self.series("AsyncEventAge", _MILLISECONDS)

    def series(self, metric: str, unit: str = "Count") -> Distribution:
        return self._meter.series(Series(*self._key, NAMESPACE, metric, self._dimension_sets, unit))

    def _level(self, metric: str, *dimension_sets: Dimensions) -> Distribution:
        return self._meter.series(Series(*self._key, NAMESPACE, metric, dimension_sets))


def of_function(meter: Meter, function_arn: str) -> FunctionMeter:
    """Of a function known by its ARN, perhaps with a qualifier."""
    _, _, _, region, account_id, _, resource = function_arn.split(":", 6)
    return FunctionMeter(meter, account_id, region, resource.partition(":")[0], resource)
