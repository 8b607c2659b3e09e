"""Python runtimes: the interpreters found on this machine, and the AWS SDK that every one of them is given.

Interpreters are looked for on PATH, beside the one we run on, in pyenv's and uv's directories and in the usual
places; a file called python3.12 is taken at its word, nothing is started. The SDK is our own copy of boto3, pure
Python, shown inside at /var/runtime.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lambent.sandbox.runtimes import Bind, Dialect, Runtime, Start

_VERSIONS = tuple(f"python3.{minor}" for minor in range(9, 15))
_SDK_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_COMMON_DIRECTORIES = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_VERSION_MANAGERS = (".pyenv/versions", ".local/share/uv/python")
LAUNCH_FILE_INSIDE = "/var/runtime/lambent/launch.py"
SDK_INSIDE = "/var/runtime"


def discover(search_path: Iterable[Path], home: Path) -> dict[str, Runtime]:
    """By name, `python3.9` to `python3.14`, those that are here. `search_path`: the directories of PATH."""
    interpreters: dict[str, Path] = {}
    for directory in _directories(search_path, home):
        for name in _VERSIONS:
            if name not in interpreters and os.access(directory / name, os.X_OK):
                interpreters[name] = Path(os.path.realpath(directory / name))
    sdk = _sdk_binds()
    return {name: _runtime(name, interpreters[name], sdk) for name in _VERSIONS if name in interpreters}


def _directories(search_path: Iterable[Path], home: Path) -> Iterator[Path]:
    """The shims of pyenv are shell scripts, not interpreters: its versions are looked at directly."""
    yield Path(sys.base_exec_prefix) / "bin"
    for entry in search_path:
        if "shims" not in entry.parts:
            yield entry
    yield Path(sys.executable).parent
    for manager in _VERSION_MANAGERS:
        yield from sorted((home / manager).glob("*/bin"), reverse=True)
    for common in _COMMON_DIRECTORIES:
        yield Path(common)


def _runtime(name: str, interpreter: Path, sdk: tuple[Bind, ...]) -> Runtime:
    prefix = interpreter.parent.parent
    own = () if prefix.is_relative_to("/usr") else (Bind(prefix, str(prefix)),)
    return Runtime(
        name=name,
        start=Start.FORK,
        dialect=Dialect.FRAMES,
        program=interpreter,
        argv=(str(interpreter), "-S", "-B", LAUNCH_FILE_INSIDE, "runtime", SDK_INSIDE),
        binds=own + sdk,
        execution_environment=f"AWS_Lambda_{name}",
    )


def _sdk_binds() -> tuple[Bind, ...]:
    """Where our own packages are, without importing them."""
    found = []
    for name in _SDK_MODULES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            origin = Path(spec.origin)
            host = origin.parent if spec.submodule_search_locations else origin
            found.append(Bind(host, f"{SDK_INSIDE}/{host.name}"))
    return tuple(found)
