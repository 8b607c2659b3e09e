"""Lambda's error codes (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html#API_CreateFunction_Errors)."""

from collections.abc import Mapping
from typing import Any

from lambent.wire.errors import ServiceError


class LambdaError(ServiceError):
    """Every error document of Lambda also says whose fault it is: `Type` is `User` for what the caller can mend."""

    def __init__(
        self,
        message: str,
        *,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, members={"Type": "User", **(members or {})}, headers=headers)


class InvalidParameterValue(LambdaError):
    """A parameter is well-formed but not acceptable, alone or together with others."""

    code = "InvalidParameterValueException"
    status = 400


class ResourceNotFound(LambdaError):
    """The function, policy, statement or configuration does not exist."""

    code = "ResourceNotFoundException"
    status = 404


class ResourceConflict(LambdaError):
    """It exists already, or another change to it is under way."""

    code = "ResourceConflictException"
    status = 409


class PreconditionFailed(LambdaError):
    """The RevisionId given is not the current one."""

    code = "PreconditionFailedException"
    status = 412


class PolicyLengthExceeded(LambdaError):
    """The function's resource policy would become larger than 20 KB."""

    code = "PolicyLengthExceededException"
    status = 400


class InvalidRequestContent(LambdaError):
    """The event is not JSON, or the client context is not base64 of JSON."""

    code = "InvalidRequestContentException"
    status = 400


class TooManyRequests(LambdaError):
    """No concurrency left; `Reason` says whether the function's reserve or the account's limit is used up."""

    code = "TooManyRequestsException"
    status = 429


class PayloadTooLarge(LambdaError):
    """The event is larger than its invocation type allows.

    The wire carries this code although the model names the shape RequestTooLargeException (seen in many clients'
    error reports, e.g. github.com/ASFHyP3/hyp3/issues/2241).
    """

    code = "RequestEntityTooLargeException"
    status = 413


class RequestTooLarge(LambdaError):
    """The deployment package is larger than a direct upload may be."""

    code = "RequestEntityTooLargeException"
    status = 413
