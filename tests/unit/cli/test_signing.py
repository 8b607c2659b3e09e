"""Our signatures are those that botocore makes."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from lambent.cli.signing import Credentials, Unsigned, sign

NOW = 1_764_000_000.0


@pytest.mark.parametrize("token", ["", "a-token"])
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/", b'{"a": 1}'),
        ("GET", "/2015-03-31/functions/?Marker=a%2Fb&MaxItems=5", b""),
        (
            "POST",
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations",
            b"{}",
        ),
        ("GET", "/_lambent/tail?group=%2Faws%2Flambda%2Ff&filter=a+%22b%22&region=us-east-1", b""),
    ],
)
def test_signatures_agree_with_botocore(
    method: str, target: str, body: bytes, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    )
    request = AWSRequest(method, f"http://127.0.0.1:4566{target.replace('+', '%20')}", {"content-type": "x/y"}, body)
    SigV4Auth(BotocoreCredentials("key", "secret", token or None), "lambda", "eu-west-1").add_auth(request)
    unsigned = Unsigned(method, "127.0.0.1:4566", target, {"content-type": "x/y"}, body)
    headers = sign(unsigned, Credentials("key", "secret", token, "eu-west-1"), service="lambda", now=NOW)
    assert headers["authorization"] == request.headers["Authorization"]
