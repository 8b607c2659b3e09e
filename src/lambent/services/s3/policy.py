"""Bucket policies: what may be stored as one, and S3's refusal of what may not."""

from lambent.services import policies
from lambent.services.policies import Policy
from lambent.services.policy_conditions import InvalidPolicy
from lambent.services.s3 import errors


def parse(text: str) -> Policy:
    """A stored policy. Raises MalformedPolicy."""
    try:
        return policies.parse(text)
    except InvalidPolicy as error:
        raise errors.MalformedPolicy(str(error)) from error


def parse_for_bucket(text: str, bucket: str) -> Policy:
    """A policy about to be stored: its resources must be the bucket's. Raises MalformedPolicy."""
    parsed = parse(text)
    arn = f"arn:aws:s3:::{bucket}"
    for statement in parsed.statements:
        if not all(_is_of_bucket(value, arn) for value in statement.resources.values):
            raise errors.MalformedPolicy("Policy has invalid resource")
        if not all(value == "*" or value.lower().startswith("s3:") for value in statement.actions.values):
            raise errors.MalformedPolicy("Policy has invalid action")
    return parsed


def _is_of_bucket(resource: str, arn: str) -> bool:
    return resource == arn or resource.startswith(arn + "/") or resource == arn + "*"
