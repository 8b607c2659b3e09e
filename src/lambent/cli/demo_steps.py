"""What a demonstration says while it is going on, and what it comes to. `demo` prints it; the applications make it."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from lambent.cli.deployment import Endpoint
from lambent.kit.frozen import frozen

STEP_WIDTH = 62


@frozen
class Shown:
    """An application that can be looked at."""

    sentence: str
    website_url: str
    fallback_url: str
    what_to_type: str
    problem: str = ""
    """Why it is not what it should be, though it is online."""


class StepLine:
    def __init__(self, sentence: str, status: Any) -> None:
        self.sentence = sentence
        self._status = status

    def show(self, sentence: str) -> None:
        """How far it is."""
        self.sentence = sentence
        self._status.update(f"{sentence} …")


class Steps:
    """One line per step: what it does while it does it, and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, sentence: str) -> Iterator[StepLine]:
        begun = time.monotonic()
        with self._console.status(f"{sentence} …") as status:
            line = StepLine(sentence, status)
            yield line
        taken = f"{time.monotonic() - begun:.1f} s"
        self._console.print(f"  [green]✓[/] {line.sentence:<{STEP_WIDTH}} [dim]{taken:>7}[/]", soft_wrap=True)


#: Puts an application on the platform. The folder is for what it wants to keep; DeploymentError holds a sentence.
Demonstration = Callable[[Endpoint, Path, Steps], Shown]


def get_as_browser(port: int, host: str, path: str) -> tuple[int, bytes]:
    """By address: not every system resolves names below localhost, as browsers do."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def variables_to_export(endpoint: Endpoint) -> str:
    return f"""\
    export AWS_ENDPOINT_URL={endpoint.url} AWS_DEFAULT_REGION={endpoint.region}
    export AWS_ACCESS_KEY_ID={endpoint.access_key_id} AWS_SECRET_ACCESS_KEY={endpoint.secret_access_key}
"""
