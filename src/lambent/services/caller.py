"""Caller: who asks, as the gateway has verified it; handed to every operation."""

from collections.abc import Callable
from typing import NamedTuple

from lambent.wire.http import stays

DEFAULT_ACCOUNT_ID = "000000000000"


class Caller(NamedTuple):
    account_id: str
    region: str
    """From the credential scope; `us-east-1` for anonymous requests."""
    arn: str
    """`arn:aws:iam::<account>:root`, `arn:aws:sts::<account>:assumed-role/<role>/<session>`, or "" when anonymous."""
    access_key_id: str
    """"" when anonymous."""
    request_id: str
    source_ip: str = "127.0.0.1"
    endpoint: str = "http://127.0.0.1:4566"
    """Scheme and authority the client used: for URLs in results."""
    trace: str = ""
    """The request's X-Amzn-Trace-Id (`kit.trace`), so that what follows from it can be told to; "" without one."""

    has_left: Callable[[], bool] = stays
    """Whether the client is gone by now: for operations that wait."""

    @property
    def is_anonymous(self) -> bool:
        return not self.access_key_id

    @property
    def principal_id(self) -> str:
        """What S3 event records carry as `principalId` (`AWS:<id>`; `Anonymous`)."""
        return f"AWS:{self.access_key_id}" if self.access_key_id else "Anonymous"
