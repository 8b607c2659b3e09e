"""Clients of the shared platform, names that nobody else has, and an HTTP endpoint that people could subscribe."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.config import Config

import fresh
from platform_process import PlatformProcess

ACCOUNT = "000000000000"
PATIENCE_SECONDS = 15.0

CreateTopic = Callable[..., str]


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class Inbox:
    """A real HTTP server; answers with the next of `statuses`, then with 200."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def wait(self, count: int) -> list[Post]:
        until(lambda: len(self.posts) >= count)
        return self.posts


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            box.posts.append(Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(box.statuses.pop(0) if box.statuses else 200)
            for name, value in box.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        box.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield box
        server.shutdown()


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


@pytest.fixture(scope="session")
def sns(platform: PlatformProcess) -> Any:
    # Parameters are not checked here, so that the platform gets to see the wrong ones.
    return platform.client("sns", config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))


@pytest.fixture
def unique() -> str:
    return fresh.name("sns")


@pytest.fixture
def create(sns: Any) -> Iterator[CreateTopic]:
    """Makes a topic of its own name; returns its ARN."""
    made: list[str] = []

    def create_topic(**attributes: str) -> str:
        suffix = ".fifo" if attributes.get("FifoTopic") == "true" else ""
        made.append(sns.create_topic(Name=fresh.name("topic") + suffix, Attributes=attributes)["TopicArn"])
        return made[-1]

    yield create_topic
    for arn in made:
        sns.delete_topic(TopicArn=arn)


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
