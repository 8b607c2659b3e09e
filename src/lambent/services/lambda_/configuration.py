"""A function's configuration, the limits it must keep, and the function itself as it is stored.

Limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, environment variables:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html. What the service model already constrains
(patterns, lower bounds, enums) has been refused by the wire layer before this module is asked.
"""

from collections.abc import Collection, Mapping
from dataclasses import field

import orjson

from lambent.kit.frozen import frozen
from lambent.services.lambda_ import destination_arns, event_invoke
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.names import FunctionKey
from lambent.wire.errors import ValidationError

MEMORY_MB = range(128, 10_240 + 1)
TIMEOUT_SECONDS = range(1, 900 + 1)
TMP_MB = range(512, 10_240 + 1)

#: All names and values of the environment, measured as JSON.
MAX_ENVIRONMENT_BYTES = 4096

#: Set by the runtime, never by a function's configuration.
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


@frozen
class FunctionConfiguration:
    runtime: str
    handler: str
    role_arn: str
    description: str = ""
    timeout_seconds: int = 3
    memory_mb: int = 128
    tmp_mb: int = 512
    environment: Mapping[str, str] | None = None
    """None where none was ever given: AWS then leaves `Environment` out of its answers."""
    architecture: str = "x86_64"
    tracing_mode: str = "PassThrough"
    log_group: str = ""
    """"" for `/aws/lambda/<name>`."""
    snap_start: str = "None"
    """Takes effect on published versions only."""
    dead_letters: str = ""
    """ARN of the queue or topic for events that are given up; "" without one."""
    kms_key_arn: str = ""
    """For the environment variables; kept and shown: data lies on disk as its owner encrypts it."""


@frozen
class Function:
    """A function as it is stored: `$LATEST`, until versions can be published."""

    key: FunctionKey
    configuration: FunctionConfiguration
    package_sha256: str
    package_bytes: int
    revision_id: str
    modified_ms: int
    reserved_concurrency: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    recursive_loop: str = "Terminate"
    """Or `Allow` (`recursion`)."""

    @property
    def log_group(self) -> str:
        return self.configuration.log_group or f"/aws/lambda/{self.key.name}"


def check_configuration(configuration: FunctionConfiguration, installed_runtimes: Collection[str]) -> None:
    """Raises InvalidParameterValue or ValidationError in AWS's words."""
    if not configuration.runtime or not configuration.handler:
        raise InvalidParameterValue(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    if configuration.runtime not in installed_runtimes:
        installed = ", ".join(sorted(installed_runtimes))
        raise InvalidParameterValue(
            f"Value {configuration.runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{installed}] or be a valid ARN. These are the runtimes whose interpreters are "
            "installed on this machine."
        )
    _check_range("memorySize", configuration.memory_mb, MEMORY_MB)
    _check_range("timeout", configuration.timeout_seconds, TIMEOUT_SECONDS)
    _check_range("ephemeralStorage.size", configuration.tmp_mb, TMP_MB)
    check_environment(configuration.environment or {})
    event_invoke.check_destination(
        configuration.dead_letters, option="DeadLetterConfig.TargetArn", kinds=destination_arns.DEAD_LETTERS
    )


def check_environment(variables: Mapping[str, str]) -> None:
    """Raises InvalidParameterValue: a reserved name, or more than 4 KB in all."""
    reserved = sorted(RESERVED_VARIABLES.intersection(variables))
    if reserved:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you "
            "have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = orjson.dumps(dict(variables))
    if len(measured) > MAX_ENVIRONMENT_BYTES:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the 4KB limit. String measured: {measured.decode()}"
        )


def _check_range(member: str, value: int, allowed: range) -> None:
    if value in allowed:
        return
    bound = (
        f"greater than or equal to {allowed.start}"
        if value < allowed.start
        else f"less than or equal to {allowed.stop - 1}"
    )
    raise ValidationError(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must have value {bound}"
    )
