"""Client: a running platform, as commands see it: signed requests, answers, and errors as sentences.

Plain `http.client`, not boto3, which takes longer to import than any of these commands to run. Where the platform is
and who asks comes from the same variables that AWS's own tools read; they are read here and nowhere else.
"""

import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from lambent.cli.failure import USAGE, Failure
from lambent.cli.signing import Credentials, Unsigned, sign
from lambent.kit.frozen import frozen

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
DEFAULT_REGION = "us-east-1"
#: Time to connect; an answer may take as long as a function may run (Lambda: 15 minutes).
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 960.0

EndpointOption = Annotated[
    str,
    typer.Option(
        "--endpoint",
        metavar="URL",
        envvar=["LAMBENT_ENDPOINT", "AWS_ENDPOINT_URL"],
        help="Where the platform is.",
    ),
]
RegionOption = Annotated[
    str,
    typer.Option("--region", metavar="REGION", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="Region to look at."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"null")


@frozen
class Call:
    """One request: `service` is the name it is signed for."""

    service: str
    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Failure):
    """The platform answered with an error; `code` is AWS's."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Client:
    def __init__(self, endpoint: str, region: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Failure(f"{endpoint!r} is not an endpoint; write one like {DEFAULT_ENDPOINT}", exit_code=USAGE)
        self.endpoint = endpoint.rstrip("/")
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._authority = parts.netloc.rpartition("@")[2]
        self._credentials = _credentials(region)
        self.region = region

    def request(self, call: Call) -> Reply:
        """Raises Failure if nobody answers, Refused for an error."""
        connection, response = self._send(call)
        try:
            return Reply(response.status, _lower(response), response.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        finally:
            connection.close()

    def lines(self, call: Call) -> Iterator[bytes]:
        """A body without end, line by line as it comes. Raises Failure when the platform goes away."""
        connection, response = self._send(call)
        try:
            while line := response.readline():
                yield line
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        finally:
            connection.close()
        raise Failure(f"Lambent at {self.endpoint} has stopped")

    def _send(self, call: Call) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        unsigned = Unsigned(call.method, self._authority, call.target, call.headers, call.body)
        headers = sign(unsigned, self._credentials, service=call.service, now=time.time())
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.request(call.method, call.target, call.body, headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _refusal(response.status, _lower(response), response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._absent(error) from error
        except Refused:
            connection.close()
            raise
        return connection, response

    def _absent(self, error: Exception) -> Failure:
        if isinstance(error, ConnectionRefusedError):
            return Failure(f"No Lambent answers at {self.endpoint}. Start one with: lambent up")
        return Failure(f"No Lambent answers at {self.endpoint} ({error}). Is it a Lambent's address?")

    def _lost(self, error: Exception) -> Failure:
        return Failure(f"Lambent at {self.endpoint} went away in the middle of an answer ({error})")


def _credentials(region: str) -> Credentials:
    """AWS's variables, else the pair that every local AWS tool uses."""
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        return Credentials("test", "test", "", region)
    return Credentials(
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        os.environ.get("AWS_SESSION_TOKEN", ""),
        region,
    )


def _lower(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refused:
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    code = str(headers.get("x-amzn-errortype") or document.get("__type") or status).partition(":")[0].rpartition("#")[2]
    message = document.get("message") or document.get("Message") or body.decode("utf-8", "replace")[:500]
    if code in _WRONG_CREDENTIALS:
        message = f"{message} Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to credentials of this Lambent."
    return Refused(f"{message} ({code})", code=code, status=status)


_WRONG_CREDENTIALS = frozenset(
    ("UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidAccessKeyId")
)
