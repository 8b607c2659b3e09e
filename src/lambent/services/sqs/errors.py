"""SQS's errors: a code of the JSON protocol each, and the one that the query protocol has for it.

The service model names the errors of the JSON protocol. The codes of the query protocol are what SDKs still show
(`x-amzn-query-error`); they stood in the model of before November 2023 and in the API reference, "Common Errors".
"""

from lambent.wire.errors import ServiceError

_NAMESPACE = "AWS.SimpleQueueService."


class QueueDoesNotExist(ServiceError):
    """There is no queue of that name, or no longer."""

    code = "QueueDoesNotExist"
    query_code = f"{_NAMESPACE}NonExistentQueue"
    query_message = "The specified queue does not exist for this wsdl version."
    status = 400

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist.")


class QueueNameExists(ServiceError):
    """A queue of that name has other attributes."""

    code = "QueueNameExists"
    query_code = "QueueAlreadyExists"
    status = 400


class PurgeQueueInProgress(ServiceError):
    """The queue was purged less than a minute ago."""

    code = "PurgeQueueInProgress"
    query_code = f"{_NAMESPACE}PurgeQueueInProgress"
    status = 403


class OverLimit(ServiceError):
    """Too many messages in flight, permissions or tags."""

    code = "OverLimit"
    status = 403


class MessageNotInflight(ServiceError):
    """The visibility of a message that is visible cannot be changed."""

    code = "MessageNotInflight"
    query_code = f"{_NAMESPACE}MessageNotInflight"
    status = 400


class ReceiptHandleIsInvalid(ServiceError):
    """It is no receipt handle of this queue."""

    code = "ReceiptHandleIsInvalid"
    status = 404

    def __init__(self, handle: str) -> None:
        super().__init__(f'The input receipt handle "{handle[:200]}" is not a valid receipt handle.')


class InvalidMessageContents(ServiceError):
    """A character outside the allowed set."""

    code = "InvalidMessageContents"
    status = 400


class InvalidAttributeName(ServiceError):
    """There is no queue attribute of that name, or it cannot be set, or not with another one."""

    code = "InvalidAttributeName"
    status = 400


class InvalidAttributeValue(ServiceError):
    """A queue attribute has a value outside its range."""

    code = "InvalidAttributeValue"
    status = 400


class InvalidAddress(ServiceError):
    """The queue URL is none."""

    code = "InvalidAddress"
    status = 404


class UnsupportedOperation(ServiceError):
    """It cannot be done to this kind of queue, or with what is "reserved for future use"."""

    code = "UnsupportedOperation"
    query_code = f"{_NAMESPACE}UnsupportedOperation"
    status = 400


class ResourceNotFound(ServiceError):
    """Message move tasks: there is no such queue or task."""

    code = "ResourceNotFoundException"
    status = 404


class EmptyBatchRequest(ServiceError):
    """A batch without entries."""

    code = "EmptyBatchRequest"
    query_code = f"{_NAMESPACE}EmptyBatchRequest"
    status = 400

    def __init__(self, entry: str) -> None:
        super().__init__(f"There should be at least one {entry} in the request.")


class TooManyEntriesInBatchRequest(ServiceError):
    """A batch of more than ten entries."""

    code = "TooManyEntriesInBatchRequest"
    query_code = f"{_NAMESPACE}TooManyEntriesInBatchRequest"
    status = 400


class BatchEntryIdsNotDistinct(ServiceError):
    """Two entries of a batch have the same id."""

    code = "BatchEntryIdsNotDistinct"
    query_code = f"{_NAMESPACE}BatchEntryIdsNotDistinct"
    status = 400


class InvalidBatchEntryId(ServiceError):
    """An entry's id is not 1 to 80 letters, digits, hyphens and underscores."""

    code = "InvalidBatchEntryId"
    query_code = f"{_NAMESPACE}InvalidBatchEntryId"
    status = 400


class BatchRequestTooLong(ServiceError):
    """The messages of a batch are too long together."""

    code = "BatchRequestTooLong"
    query_code = f"{_NAMESPACE}BatchRequestTooLong"
    status = 400


class InvalidParameterValue(ServiceError):
    """A parameter does not fit; it has no shape in the model."""

    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"
    status = 400


class MissingParameter(ServiceError):
    """A parameter that is empty, or that this kind of queue needs."""

    code = "MissingRequiredParameterException"
    query_code = "MissingParameter"
    status = 400


class AccessDenied(ServiceError):
    """The queue's policy does not allow it."""

    code = "AccessDeniedException"
    query_code = "AccessDenied"
    status = 403


def unknown_attribute(name: str) -> InvalidAttributeName:
    return InvalidAttributeName(f"Unknown Attribute {name}.")


def invalid_parameter(name: str, value: object, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {value} for parameter {name} is invalid. Reason: {reason}")
