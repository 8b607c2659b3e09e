"""A real Chromium without a window, driven over the DevTools protocol.

Messages are JSON ended by a zero byte, over two pipes (`--remote-debugging-pipe`), so no WebSocket library is needed.
Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import contextlib
import itertools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 20.0
#: Between two looks at a page that is not yet as it should be.
LOOK_SECONDS = 0.02
#: The sandbox of the browser itself needs rights that a container does not give; it sees our own pages only.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class PageError(AssertionError):
    """A script of the page threw, or the browser refused a command."""


class Browser:
    """One tab."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = ""
        self._loads = 0
        #: What scripts of the pages threw or could not load, and what they wrote to the console as an error.
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                break
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Until it is loaded, with its scripts run."""
        before = self._loads
        answer = self.send("Page.navigate", url=url)
        if "errorText" in answer:
            raise PageError(f"{url}: {answer['errorText']}")
        while "loaderId" in answer and self._loads == before:
            self._receive()

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression in the page; a promise is awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Until the expression is true, in JavaScript's sense."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(PageError):  # between two pages
                if self.value(f"Boolean({condition})"):
                    return
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"never came true: {condition}; the page says: {self.text()}")

    def text(self, selector: str = "body") -> str:
        found: str = self.value(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            code = {"Enter": 13, "Tab": 9, " ": 32, "Escape": 27}.get(key, 0)
            more = {"text": text} if text and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def resize(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(answer["data"]))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise PageError("the browser is gone")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        self._listen(received)
        return received

    def _listen(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        self._loads += message.get("method") == "Page.loadEventFired"
        if message.get("method") == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        if message.get("method") == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")


@contextlib.contextmanager
def started(program: Path, folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`."""
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    # The browser reads from descriptor 3 and writes to 4.
    script = f'exec "$0" "$@" 3<&{command_read} 4>&{answer_write}'
    arguments = ["bash", "-c", script, str(program), *_FLAGS, f"--user-data-dir={folder}"]
    with subprocess.Popen(
        arguments,
        pass_fds=(command_read, answer_write),
        # The npm package brings the libraries of a bare system beside the program; elsewhere there is no such folder.
        env={**os.environ, "LD_LIBRARY_PATH": str(program.parent / "lib")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(command_read)
        os.close(answer_write)
        try:
            yield Browser(command_write, answer_read)
        finally:
            process.terminate()
            process.wait()
            os.close(command_write)
            os.close(answer_read)
