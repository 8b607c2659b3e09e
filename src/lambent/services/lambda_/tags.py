"""Tags: what may be put on a function or an event source mapping.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from collections.abc import Mapping

from lambent.services.lambda_.errors import InvalidParameterValue

MAX_TAGS = 50


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises InvalidParameterValue."""
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValue("Number of tags exceeds resource tag limit.")
    if any(name.lower().startswith("aws:") for name in tags):
        raise InvalidParameterValue("Tag keys must not begin with aws:, which is reserved.")
