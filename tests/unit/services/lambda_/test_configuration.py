from dataclasses import replace
from typing import Any

import pytest

from lambent.services.lambda_.configuration import FunctionConfiguration, check_configuration, check_environment
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.wire.errors import ServiceError, ValidationError

GOOD = FunctionConfiguration(runtime="python3.11", handler="app.handler", role_arn="arn:aws:iam::000000000000:role/r")
INSTALLED = {"python3.11", "provided.al2023"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"memory_mb": 128, "timeout_seconds": 1, "tmp_mb": 512},
        {"memory_mb": 10_240, "timeout_seconds": 900, "tmp_mb": 10_240},
        {"runtime": "provided.al2023"},
        {"environment": {"KEY": "value", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper", "TZ": "Europe/Berlin"}},
    ],
)
def test_accepted(changes: dict[str, Any]) -> None:
    check_configuration(replace(GOOD, **changes), INSTALLED)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"memory_mb": 127}, ValidationError, "'127' at 'memorySize'.*greater than or equal to 128"),
        ({"memory_mb": 10_241}, ValidationError, "'10241' at 'memorySize'.*less than or equal to 10240"),
        ({"timeout_seconds": 0}, ValidationError, "'0' at 'timeout'.*greater than or equal to 1"),
        ({"timeout_seconds": 901}, ValidationError, "'901' at 'timeout'.*less than or equal to 900"),
        ({"tmp_mb": 511}, ValidationError, "'511' at 'ephemeralStorage.size'"),
        ({"tmp_mb": 10_241}, ValidationError, "'10241' at 'ephemeralStorage.size'"),
        ({"handler": ""}, InvalidParameterValue, "Runtime and Handler are mandatory"),
        ({"runtime": ""}, InvalidParameterValue, "Runtime and Handler are mandatory"),
        ({"runtime": "python2.7"}, InvalidParameterValue, r"\[provided.al2023, python3.11\]"),
    ],
)
def test_refused(changes: dict[str, Any], error: type[ServiceError], message: str) -> None:
    with pytest.raises(error, match=message):
        check_configuration(replace(GOOD, **changes), INSTALLED)


def test_reserved_variables_are_named() -> None:
    with pytest.raises(InvalidParameterValue, match=r"used in this request: AWS_REGION, _HANDLER$"):
        check_environment({"_HANDLER": "x", "FINE": "y", "AWS_REGION": "z"})


def test_the_environment_may_measure_4_kb_and_no_more() -> None:
    frame = len('{"KEY":""}')
    check_environment({"KEY": "x" * (4096 - frame)})
    with pytest.raises(InvalidParameterValue, match="exceeded the 4KB limit"):
        check_environment({"KEY": "x" * (4097 - frame)})
