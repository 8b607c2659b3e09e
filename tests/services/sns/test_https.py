"""An https endpoint of one's own: whoever starts the platform says whose certificates are to be trusted."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import posts
from certificates import Authority
from platform_process import PlatformProcess
from services.sns.conftest import until


@pytest.fixture
def received() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, received: list[dict[str, Any]]) -> Iterator[str]:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        received.append(json.loads(body))
        handler.send_response(200)
        handler.end_headers()

    with posts.listening(answer, authority.server()) as url:
        yield url


def test_ones_own_authority_is_named_by_the_environment(
    tmp_path: Path, url: str, received: list[dict[str, Any]]
) -> None:
    with PlatformProcess.started(tmp_path / "data") as platform:
        sns = platform.client("sns")
        topic = sns.create_topic(Name="sealed")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=url)
        until(lambda: received)
        sns.confirm_subscription(TopicArn=topic, Token=received[0]["Token"])
        sns.publish(TopicArn=topic, Message="hello")
        until(lambda: received[-1].get("Message") == "hello")
