"""Requests as bytes, signed ahead of time by botocore's own signer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True)
class Target:
    """Where and as whom."""

    endpoint: str
    access_key_id: str = "test"
    secret_access_key: str = "test"
    region: str = "us-east-1"
    pid: int | None = None
    """The server's process, where its CPU time can be looked at."""
    host: str = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        object.__setattr__(self, "host", parts.hostname or "127.0.0.1")
        object.__setattr__(self, "port", parts.port or 80)

    def request(
        self, service: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """A whole HTTP/1.1 request with a signature that is good for fifteen minutes."""
        request = AWSRequest(method, self.endpoint + path, data=body, headers=dict(headers or {}))
        credentials = Credentials(self.access_key_id, self.secret_access_key)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        request.context["payload_signing_enabled"] = True
        signer(credentials, service, self.region).add_auth(request)
        prepared = request.prepare()
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.host}:{self.port}"]
        lines += [f"{name}: {_text(value)}" for name, value in prepared.headers.items() if name.lower() != "host"]
        if body and "content-length" not in {name.lower() for name in prepared.headers}:
            lines.append(f"content-length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
