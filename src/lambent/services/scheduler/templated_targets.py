"""Templated targets: the ARNs of what a schedule sends to itself, without naming a call of an API.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html, of which these are served. A log
group is none, though a rule may send to one.
"""

import re

from lambent.kit.arn import Arn

_RESOURCES = {
    "events": re.compile(r"event-bus/[\w./-]{1,256}"),
    "kinesis": re.compile(r"stream/[\w.-]{1,128}"),
    "lambda": re.compile(r"function:[\w-]{1,64}(:[\w$-]{1,128})?"),
    "sns": re.compile(r"[\w-]{1,256}(\.fifo)?"),
    "sqs": re.compile(r"[\w-]{1,80}(\.fifo)?"),
}

_ACCOUNT = re.compile(r"\d{12}")


def is_one(text: str) -> bool:
    try:
        arn = Arn.parse(text)
    except ValueError:
        return False
    resource = _RESOURCES.get(arn.service)
    is_placed = bool(arn.region) and _ACCOUNT.fullmatch(arn.account_id) is not None
    return is_placed and resource is not None and resource.fullmatch(arn.resource) is not None
