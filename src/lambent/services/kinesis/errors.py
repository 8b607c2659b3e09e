"""The errors of the Kinesis Data Streams API (API Reference, errors of each action)."""

from lambent.wire.errors import ServiceError


class ResourceNotFound(ServiceError):
    """The stream, shard or consumer named does not exist, or not in this account and Region."""

    code = "ResourceNotFoundException"
    status = 400


class ResourceInUse(ServiceError):
    """The name is taken, the shard is closed already, consumers are left, or the subscription is somebody's."""

    code = "ResourceInUseException"
    status = 400


class InvalidArgument(ServiceError):
    """A parameter breaks a rule that the model does not express."""

    code = "InvalidArgumentException"
    status = 400


class ValidationException(ServiceError):
    """The operation is not for streams of this capacity mode."""

    code = "ValidationException"
    status = 400


class LimitExceeded(ServiceError):
    """More shards, streams, consumers or subscriptions than an account may have."""

    code = "LimitExceededException"
    status = 400


class ExpiredIterator(ServiceError):
    """A shard iterator is older than five minutes."""

    code = "ExpiredIteratorException"
    status = 400


class ExpiredNextToken(ServiceError):
    """The token of a listing is older than five minutes."""

    code = "ExpiredNextTokenException"
    status = 400


class ProvisionedThroughputExceeded(ServiceError):
    """A shard of a stream that throttles was asked for more than a shard gives."""

    code = "ProvisionedThroughputExceededException"
    status = 400


class AccessDenied(ServiceError):
    """The resource policy denies it, or does not allow it to another account."""

    code = "AccessDeniedException"
    status = 400


class DryRun(ServiceError):
    """DryRun was set, and the request would have succeeded."""

    code = "DryRunOperationException"
    status = 400

    def __init__(self) -> None:
        super().__init__("Request would have succeeded, but DryRun flag is set.")
