"""Custom runtimes: the package (or a layer) brings its own `bootstrap`, which speaks the HTTP Runtime API.

Nothing has to be installed for them, so every one of AWS's names is served; they differ in the operating system that
AWS puts below, where we show the host's /usr. The other end of the API is `runtime_api.py`.
"""

from pathlib import Path

from lambent.sandbox.runtimes import Dialect, Runtime, Start

#: `go1.x` is not among them: its program is named by the handler and speaks an older protocol.
NAMES = ("provided", "provided.al2", "provided.al2023")


def discover() -> dict[str, Runtime]:
    return {
        name: Runtime(
            name=name,
            start=Start.LAUNCH,
            dialect=Dialect.RUNTIME_API,
            program=Path(),
            environment={"PATH": "/usr/bin:/bin", "LANG": "en_US.UTF-8"},
        )
        for name in NAMES
    }
