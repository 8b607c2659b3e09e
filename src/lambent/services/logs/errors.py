"""The errors of the CloudWatch Logs API (Amazon CloudWatch Logs API Reference, "Common errors" of each action)."""

from lambent.wire.errors import ServiceError


class ResourceNotFound(ServiceError):
    """The log group or log stream named does not exist."""

    code = "ResourceNotFoundException"
    status = 400


class ResourceAlreadyExists(ServiceError):
    """CreateLogGroup or CreateLogStream with a name that is taken."""

    code = "ResourceAlreadyExistsException"
    status = 400


class InvalidParameter(ServiceError):
    """A parameter breaks a rule that the model does not express."""

    code = "InvalidParameterException"
    status = 400


class AccessDenied(ServiceError):
    """A subscription filter for a function of another account."""

    code = "AccessDeniedException"
    status = 400


class TooManyTags(ServiceError):
    """More than 50 tags on one resource."""

    code = "TooManyTagsException"
    status = 400


class ValidationFailed(ServiceError):
    """DeleteLogGroup on a log group whose deletion protection is on; a group named twice (as at AWS)."""

    code = "ValidationException"
    status = 400


class InvalidOperation(ServiceError):
    """A subscription filter for a log group of a class that has none."""

    code = "InvalidOperationException"
    status = 400


class LimitExceeded(ServiceError):
    """More live tail sessions than allowed at once, or a third subscription filter."""

    code = "LimitExceededException"
    status = 400


class SessionTimeout(ServiceError):
    """The last message of a live tail that has lasted three hours."""

    code = "SessionTimeoutException"
    status = 408


def group_not_found() -> ResourceNotFound:
    return ResourceNotFound("The specified log group does not exist.")


def stream_not_found() -> ResourceNotFound:
    return ResourceNotFound("The specified log stream does not exist.")
