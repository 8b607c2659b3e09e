"""Tags of rules and buses: a list of keys and values to clients, a mapping to us."""

from collections.abc import Mapping, Sequence

from lambent.services.events.errors import ValidationException

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-tagging.html
MAX_TAGS = 50


def requested_tags(listed: Sequence[Mapping[str, str]], present: Mapping[str, str] | None = None) -> dict[str, str]:
    """With what was there before. Raises ValidationException."""
    if len({tag["Key"] for tag in listed}) < len(listed):
        raise ValidationException("Invalid parameter: Duplicated keys are not allowed.")
    if any(tag["Key"].lower().startswith("aws:") for tag in listed):
        raise ValidationException("System tags cannot be added/updated by requester")
    tags = {**(present or {}), **{tag["Key"]: tag["Value"] for tag in listed}}
    if len(tags) > MAX_TAGS:
        raise ValidationException(f"A resource can have at most {MAX_TAGS} tags.")
    return tags


def listed_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
