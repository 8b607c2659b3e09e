"""The context object a Python handler receives, with the fields AWS documents.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


class Client:
    """The mobile application behind a client context."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.installation_id = fields.get("installation_id")
        self.app_title = fields.get("app_title")
        self.app_version_name = fields.get("app_version_name")
        self.app_version_code = fields.get("app_version_code")
        self.app_package_name = fields.get("app_package_name")


class ClientContext:
    def __init__(self, fields: dict[str, Any]) -> None:
        self.client = Client(fields["client"]) if isinstance(fields.get("client"), dict) else None
        self.custom = fields.get("custom")
        self.env = fields.get("env")


class CognitoIdentity:
    """Always empty: requests here do not come through Cognito."""

    def __init__(self) -> None:
        self.cognito_identity_id = None
        self.cognito_identity_pool_id = None


class LambdaContext:
    def __init__(self, meta: dict[str, Any]) -> None:
        self.aws_request_id: str = meta["aws_request_id"]
        self.invoked_function_arn: str = meta["invoked_function_arn"]
        self._deadline_ms: int = meta["deadline_ms"]
        environment = os.environ
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = CognitoIdentity()
        self.tenant_id = None
        client_context = meta.get("client_context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"LambdaContext({fields})"
