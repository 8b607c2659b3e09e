"""The errors of the EventBridge API (Amazon EventBridge API Reference, "Errors" of each action)."""

from lambent.wire.errors import ServiceError


class ResourceNotFound(ServiceError):
    """A bus, rule, archive or replay that is named does not exist."""

    code = "ResourceNotFoundException"
    status = 400


class ResourceAlreadyExists(ServiceError):
    """CreateEventBus, CreateArchive or StartReplay with a name that is taken."""

    code = "ResourceAlreadyExistsException"
    status = 400


class ValidationException(ServiceError):
    """A parameter breaks a rule that the model does not express."""

    code = "ValidationException"
    status = 400


class InvalidEventPattern(ServiceError):
    """An event pattern that cannot be compiled."""

    code = "InvalidEventPatternException"
    status = 400


class LimitExceeded(ServiceError):
    """More buses, rules or targets than an account has room for."""

    code = "LimitExceededException"
    status = 400


class PolicyLengthExceeded(ServiceError):
    """A bus policy of more than 10 KB."""

    code = "PolicyLengthExceededException"
    status = 400


class IllegalStatus(ServiceError):
    """CancelReplay of a replay that has ended."""

    code = "IllegalStatusException"
    status = 400


class AccessDenied(ServiceError):
    """PutEvents to a bus whose policy does not let the caller."""

    code = "AccessDeniedException"
    status = 400


def limit_exceeded() -> LimitExceeded:
    return LimitExceeded("The requested resource exceeds the maximum number allowed.")


def bad_arn(arn: str) -> ValidationException:
    return ValidationException(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
