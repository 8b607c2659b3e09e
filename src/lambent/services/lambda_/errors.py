"""Lambda's error codes (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html#API_CreateFunction_Errors)."""

from lambent.wire.errors import ServiceError


class InvalidParameterValue(ServiceError):
    """A parameter is well-formed but not acceptable, alone or together with others."""

    code = "InvalidParameterValueException"
    status = 400


class AccessDenied(ServiceError):
    """The function is another account's, and its policy does not let the caller in."""

    code = "AccessDeniedException"
    status = 403


class ResourceNotFound(ServiceError):
    """The function, policy, statement or configuration does not exist."""

    code = "ResourceNotFoundException"
    status = 404


class ResourceConflict(ServiceError):
    """It exists already, or another change to it is under way."""

    code = "ResourceConflictException"
    status = 409


class ResourceInUse(ServiceError):
    """An event source mapping that is being deleted is to be changed."""

    code = "ResourceInUseException"
    status = 400


class PreconditionFailed(ServiceError):
    """The RevisionId given is not the current one."""

    code = "PreconditionFailedException"
    status = 412


class PolicyLengthExceeded(ServiceError):
    """The function's resource policy would become larger than 20 KB."""

    code = "PolicyLengthExceededException"
    status = 400


class InvalidRequestContent(ServiceError):
    """The event is not JSON, or the client context is not base64 of JSON."""

    code = "InvalidRequestContentException"
    status = 400


class RecursiveInvocation(ServiceError):
    """The chain of events that this belongs to has run the function too often."""

    code = "RecursiveInvocationException"
    status = 400


class TooManyRequests(ServiceError):
    """No concurrency left; `Reason` says whether the function's reserve or the account's limit is used up."""

    code = "TooManyRequestsException"
    status = 429


class ServiceFailure(ServiceError):
    """The platform could not run the function (no environment could be made); the caller may try again."""

    code = "ServiceException"
    status = 500


class PayloadTooLarge(ServiceError):
    """The event is larger than its invocation type allows.

    The wire carries this code although the model names the shape RequestTooLargeException (seen in many clients'
    error reports, e.g. github.com/ASFHyP3/hyp3/issues/2241).
    """

    code = "RequestEntityTooLargeException"
    status = 413


class RequestTooLarge(ServiceError):
    """The deployment package is larger than a direct upload may be."""

    code = "RequestEntityTooLargeException"
    status = 413
