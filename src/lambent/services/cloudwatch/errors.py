"""CloudWatch's error codes: by their shapes for JSON and CBOR, and as the query protocol has always called them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html and the service model.
"""

from lambent.wire.errors import ServiceError


class InvalidParameterValue(ServiceError):
    """A value is out of range or not of the right form."""

    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"
    status = 400


class InvalidParameterCombination(ServiceError):
    """Parameters exclude each other, or ask for too much together."""

    code = "InvalidParameterCombinationException"
    query_code = "InvalidParameterCombination"
    status = 400


class MissingParameter(ServiceError):
    """One that is needed is not there."""

    code = "MissingRequiredParameterException"
    query_code = "MissingParameter"
    status = 400


class InvalidNextToken(ServiceError):
    """A token that none of our answers gave."""

    code = "InvalidNextToken"
    status = 400


class ValidationError(ServiceError):
    """GetMetricData: a query is wrong, above all its expression."""

    code = "ValidationError"
    status = 400
