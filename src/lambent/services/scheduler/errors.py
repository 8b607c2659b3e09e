"""The errors of the EventBridge Scheduler API (API Reference, "Errors" of each action)."""

from lambent.wire.errors import ServiceError, ValidationError


class Conflict(ServiceError):
    """A name that is taken, or a group that is being deleted."""

    code = "ConflictException"
    status = 409


class ResourceNotFound(ServiceError):
    """No such schedule or schedule group."""

    code = "ResourceNotFoundException"
    status = 404


class ServiceQuotaExceeded(ServiceError):
    """More tags than a schedule group may have."""

    code = "ServiceQuotaExceededException"
    status = 402


def invalid(message: str) -> ValidationError:
    """A parameter breaks a rule that the model does not express."""
    return ValidationError(message)


def schedule_not_found(name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Schedule {name} does not exist.")


def group_not_found(name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Schedule Group {name} does not exist.")
