"""How a function's asynchronous invocations are treated: retries, age, destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html (retries, age) and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations).
"""

from lambent.kit.frozen import frozen
from lambent.services.lambda_ import names
from lambent.services.lambda_.errors import InvalidParameterValue

MAX_RETRY_ATTEMPTS = 2
MAX_AGE_SECONDS = 21_600


@frozen
class EventInvokeConfig:
    """As somebody configured it: None means the default."""

    modified_ms: int
    maximum_retry_attempts: int | None = None
    maximum_age_seconds: int | None = None
    on_success: str = ""
    on_failure: str = ""


@frozen
class AsyncPolicy:
    """What delivery goes by: an EventInvokeConfig with the defaults filled in."""

    maximum_retry_attempts: int = MAX_RETRY_ATTEMPTS
    maximum_age_seconds: int = MAX_AGE_SECONDS
    on_success: str = ""
    on_failure: str = ""
    disabled: bool = False
    """Reserved concurrency 0: events go to the failure destination without an attempt."""


def policy_of(config: EventInvokeConfig | None, *, reserved_concurrency: int | None) -> AsyncPolicy:
    disabled = reserved_concurrency == 0
    if config is None:
        return AsyncPolicy(disabled=disabled)
    retries, age = config.maximum_retry_attempts, config.maximum_age_seconds
    return AsyncPolicy(
        maximum_retry_attempts=MAX_RETRY_ATTEMPTS if retries is None else retries,
        maximum_age_seconds=MAX_AGE_SECONDS if age is None else age,
        on_success=config.on_success,
        on_failure=config.on_failure,
        disabled=disabled,
    )


def check_destination(arn: str, *, function_arn: str, option: str) -> None:
    """`option` is OnSuccess or OnFailure. Raises InvalidParameterValue. "" means no destination."""
    if not arn:
        return
    reference = names.parse_arn(arn)
    if reference is None:
        raise InvalidParameterValue(
            f"The provided destination config DestinationConfig.{option} is invalid: {arn} is not the ARN of a "
            "Lambda function. Queues, topics, event buses and buckets are not served as destinations yet."
        )
    if reference.key.arn == function_arn:
        raise InvalidParameterValue("You can't specify the function as a destination for itself.")
