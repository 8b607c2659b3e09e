"""How a function's asynchronous invocations are treated: retries, age, destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html (retries, age) and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations).
"""

from lambent.kit.frozen import frozen
from lambent.services.lambda_ import destination_arns
from lambent.services.lambda_.destination_arns import DestinationKind
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
    dead_letters: str = ""
    """ARN of the queue or topic for events that are given up, of the function's own configuration."""
    disabled: bool = False
    """Reserved concurrency 0: events go to the failure destination without an attempt."""


def policy_of(
    config: EventInvokeConfig | None, *, reserved_concurrency: int | None, dead_letters: str = ""
) -> AsyncPolicy:
    disabled = reserved_concurrency == 0
    if config is None:
        return AsyncPolicy(dead_letters=dead_letters, disabled=disabled)
    retries, age = config.maximum_retry_attempts, config.maximum_age_seconds
    return AsyncPolicy(
        maximum_retry_attempts=MAX_RETRY_ATTEMPTS if retries is None else retries,
        maximum_age_seconds=MAX_AGE_SECONDS if age is None else age,
        on_success=config.on_success,
        on_failure=config.on_failure,
        dead_letters=dead_letters,
        disabled=disabled,
    )


def check_destination(
    arn: str, *, option: str, kinds: frozenset[DestinationKind], function_arn: str = ""
) -> DestinationKind | None:
    """`option` as AWS spells it, for the refusal. None for "", which means no destination.

    Raises InvalidParameterValue: nothing of these kinds, or the function itself.
    """
    if not arn:
        return None
    kind = destination_arns.kind_of(arn)
    if kind not in kinds:
        raise InvalidParameterValue(
            f"The provided destination config {option} is invalid: {arn} is not the ARN of: "
            f"{destination_arns.described(kinds)}."
        )
    if arn == function_arn:
        raise InvalidParameterValue("You can't specify the function as a destination for itself.")
    return kind
