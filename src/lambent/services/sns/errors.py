"""The errors of the SNS API (Amazon SNS API Reference, "Errors" of each action; codes as in its model)."""

from lambent.wire.errors import ServiceError


class InvalidParameter(ServiceError):
    """A parameter breaks a rule that the model does not express. `about` says which, and perhaps why."""

    code = "InvalidParameter"
    status = 400

    def __init__(self, about: str) -> None:
        super().__init__(f"Invalid parameter: {about}")


class InvalidToken(ServiceError):
    """ConfirmSubscription with something that never was a token: the same code without the usual words in front."""

    code = "InvalidParameter"
    status = 400


class InvalidParameterValue(ServiceError):
    """A message attribute is wrong."""

    code = "ParameterValueInvalid"
    status = 400


class NotFound(ServiceError):
    """The topic or the subscription does not exist."""

    code = "NotFound"
    status = 404


class ResourceNotFound(ServiceError):
    """The operations on tags say it in another way."""

    code = "ResourceNotFound"
    status = 404


class AuthorizationError(ServiceError):
    """The topic's policy, or who owns a subscription, forbids it."""

    code = "AuthorizationError"
    status = 403


class TagLimitExceeded(ServiceError):
    """More than 50 tags on one topic."""

    code = "TagLimitExceeded"
    status = 400


class SubscriptionLimitExceeded(ServiceError):
    """More subscriptions on one topic than are taken."""

    code = "SubscriptionLimitExceeded"
    status = 403


class FilterPolicyLimitExceeded(ServiceError):
    """More filter policies on one topic than are taken."""

    code = "FilterPolicyLimitExceeded"
    status = 403


class EmptyBatchRequest(ServiceError):
    """PublishBatch without entries."""

    code = "EmptyBatchRequest"
    status = 400


class TooManyEntriesInBatchRequest(ServiceError):
    """PublishBatch with more than ten entries."""

    code = "TooManyEntriesInBatchRequest"
    status = 400


class BatchEntryIdsNotDistinct(ServiceError):
    """Two entries of a batch have the same id."""

    code = "BatchEntryIdsNotDistinct"
    status = 400


class InvalidBatchEntryId(ServiceError):
    """An entry's id has other characters than letters, digits, hyphens and underscores, or more than 80."""

    code = "InvalidBatchEntryId"
    status = 400


class BatchRequestTooLong(ServiceError):
    """All messages of a batch together are longer than one message may be."""

    code = "BatchRequestTooLong"
    status = 400


def topic_not_found() -> NotFound:
    return NotFound("Topic does not exist")


def subscription_not_found() -> NotFound:
    return NotFound("Subscription does not exist")
