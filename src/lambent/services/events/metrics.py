"""EventBridge's own metrics: what CloudWatch shows under AWS/Events for a rule, and for the account as a whole.

"Metrics that specify only the RuleName dimension refer to the default event bus", all others name their bus as well:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from lambent.kit.meter import Dimensions, Distribution, Meter, Series
from lambent.services.events.names import DEFAULT_BUS, RuleKey

NAMESPACE = "AWS/Events"


def of_rule(meter: Meter, key: RuleKey, metric: str) -> Distribution:
    """Counted for the rule and for the account."""
    by_rule: Dimensions = (("RuleName", key.name),)
    if key.bus != DEFAULT_BUS:
        by_rule = (("EventBusName", key.bus), *by_rule)
    return meter.series(Series(key.account_id, key.region, NAMESPACE, metric, (by_rule, ())))


def of_account(meter: Meter, account_id: str, region: str, metric: str, unit: str = "Count") -> Distribution:
    return meter.series(Series(account_id, region, NAMESPACE, metric, ((),), unit))
