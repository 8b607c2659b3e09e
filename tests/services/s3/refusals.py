"""What a client sees when S3 says no."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, int]:
    """(code, HTTP status)"""
    error = refused(call, **request)
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


def refused(call: Callable[..., Any], **request: Any) -> Any:
    """The whole error response."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response
