"""Names of topics and subscriptions, and the ARNs that name them in requests."""

import re

from lambent.kit.frozen import frozen
from lambent.services.sns.errors import InvalidParameter

FIFO_SUFFIX = ".fifo"

#: "uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters
#: long. For a FIFO topic, the name must end with the .fifo suffix" (CreateTopic).
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.fifo)?")
_MAX_NAME = 256

_ARN_ELEMENTS = 6


@frozen
class TopicKey:
    account_id: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.account_id}:{self.name}"


def check_name(name: str, *, is_fifo: bool) -> None:
    """Raises InvalidParameter."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name) or name.endswith(FIFO_SUFFIX) != is_fifo:
        raise InvalidParameter("Topic Name")


def topic_key(arn: str, region: str, *, parameter: str = "TopicArn") -> TopicKey:
    """Raises InvalidParameter for anything but a topic of this region: requests for others never get here at AWS."""
    elements = _elements(arn, parameter)
    if len(elements) != _ARN_ELEMENTS or elements[3] != region:
        raise InvalidParameter(parameter)
    return TopicKey(account_id=elements[4], region=elements[3], name=elements[5])


def region_of_topic(arn: str) -> str:
    """Of a topic's ARN; "" of anything else."""
    elements = arn.split(":")
    is_one = len(elements) == _ARN_ELEMENTS and elements[0] == "arn" and elements[2] == "sns"
    return elements[3] if is_one else ""


def topic_of_subscription(arn: str, *, parameter: str = "SubscriptionArn") -> TopicKey:
    """Raises InvalidParameter for anything but a subscription's ARN: `<topic's>:<uuid>`, whose words are measured."""
    elements = _elements(arn, parameter)
    if len(elements) != _ARN_ELEMENTS + 1 or not elements[6]:
        raise InvalidParameter("SubscriptionId")
    return TopicKey(account_id=elements[4], region=elements[3], name=elements[5])


def _elements(arn: str, parameter: str) -> list[str]:
    elements = arn.split(":")
    if len(elements) < _ARN_ELEMENTS:
        raise InvalidParameter(f"{parameter} Reason: An ARN must have at least 6 elements, not {len(elements)}")
    if elements[0] != "arn" or elements[2] != "sns":
        raise InvalidParameter(parameter)
    return elements
