"""What a client calls a function: a name, a partial or full ARN, each perhaps with a qualifier.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters lists the forms.
"""

from dataclasses import replace

from lambent.kit.frozen import frozen
from lambent.services.lambda_.errors import AccessDenied, InvalidParameterValue, ResourceNotFound
from lambent.wire.errors import ValidationError

LATEST = "$LATEST"

#: The length of a function's name alone; the model's limit of 140 is for the ARN form.
MAX_NAME_LENGTH = 64


@frozen
class FunctionKey:
    """Which function, in which account and region; its row's primary key."""

    account_id: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.name}"


@frozen
class FunctionReference:
    """A function as a request addressed it. `qualifier` is "" where none was given."""

    key: FunctionKey
    qualifier: str

    @property
    def arn(self) -> str:
        """With the qualifier, if there is one."""
        return f"{self.key.arn}:{self.qualifier}" if self.qualifier else self.key.arn


def parse_reference(text: str, qualifier: str, *, account_id: str, region: str) -> FunctionReference:
    """`account_id` and `region` are the caller's: what the text leaves out, and what it may not contradict.

    Raises ResourceNotFound, InvalidParameterValue, ValidationError.
    """
    reference = _parse(text, account_id, region)
    if len(reference.key.name) > MAX_NAME_LENGTH:
        raise ValidationError(
            f"1 validation error detected: Value '{reference.key.name}' at 'functionName' failed to satisfy "
            f"constraint: Member must have length less than or equal to {MAX_NAME_LENGTH}"
        )
    if reference.key.region != region:
        raise ResourceNotFound(f"Functions from '{reference.key.region}' are not reachable in this region ('{region}')")
    if not qualifier:
        return reference
    if reference.qualifier and reference.qualifier != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return replace(reference, qualifier=qualifier)


def require_own(reference: FunctionReference, account_id: str) -> FunctionReference:
    """Raises AccessDenied for a function of another account: only invoking can be permitted to strangers."""
    if reference.key.account_id != account_id:
        raise refused(reference, account_id)
    return reference


def refused(reference: FunctionReference, account_id: str) -> AccessDenied:
    return AccessDenied(
        f"User: arn:aws:iam::{account_id}:root is not authorized to perform this action on resource: {reference.arn} "
        "because no resource-based policy allows it"
    )


def require_latest(reference: FunctionReference) -> FunctionKey:
    """The function, unless a version or alias was asked for: none can be published yet, so none exists."""
    if reference.qualifier in {"", LATEST}:
        return reference.key
    if reference.qualifier.isdecimal():
        raise ResourceNotFound(f"Function not found: {reference.arn}")
    raise ResourceNotFound(f"Cannot find alias arn: {reference.arn}")


def parse_arn(arn: str) -> FunctionReference | None:
    """A full function ARN, as kept in rows and configurations; None for any other text."""
    parts = arn.split(":")
    if len(parts) not in {7, 8} or parts[0] != "arn" or parts[2] != "lambda" or parts[5] != "function":
        return None
    if not (parts[3] and parts[4] and parts[6]):
        return None
    key = FunctionKey(account_id=parts[4], region=parts[3], name=parts[6])
    return FunctionReference(key, parts[7] if len(parts) == 8 else "")


def _parse(text: str, account_id: str, region: str) -> FunctionReference:
    """`name`, `account:function:name`, `function:name`, a full ARN; each with `:qualifier` or without."""
    if text.startswith("arn:"):
        reference = parse_arn(text)
        if reference is None:
            raise InvalidParameterValue(f"Invalid function ARN: {text}")
        return reference
    head, separator, tail = text.rpartition("function:")
    if separator and head:
        account_id = head.removesuffix(":").rpartition(":")[2] or account_id
    name, _, qualifier = (tail if separator else text).partition(":")
    return FunctionReference(FunctionKey(account_id, region, name), qualifier)
