"""Universal targets, `arn:aws:scheduler:::aws-sdk:<service>:<action>`: any call of an API, with Input as its request.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

import re

from lambent.kit.frozen import frozen

_FORM = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-z0-9]+):([a-z][A-Za-z0-9]*)")

#: "EventBridge Scheduler does not support read-only API actions ... that begin with the following list of prefixes".
_READING = re.compile(
    "(get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet|batchDescribe"
    "|batchRead|transactGet|adminGet|adminList|testMigration|retrieve|testConnection|translateDocument|isAuthorized"
    "|invokeModel)(?![a-z])"
)

#: Names of the SDK for Java, where they differ from botocore's.
_SERVICES = {"eventbridge": "events", "cloudwatchlogs": "logs", "sfn": "stepfunctions"}


@frozen
class ApiAction:
    service: str
    """By botocore's name."""
    action: str
    """`sendMessage`."""

    @property
    def only_reads(self) -> bool:
        return _READING.match(self.action) is not None


def parse(arn: str) -> ApiAction | None:
    """None if it is no universal target."""
    found = _FORM.fullmatch(arn)
    return ApiAction(_SERVICES.get(found[1], found[1]), found[2]) if found else None
