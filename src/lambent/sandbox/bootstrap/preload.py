"""What a zygote loads before it forks, so that no environment has to: the interpreter's trimmings and the AWS SDK.

botocore reads and parses megabytes of JSON for every client. The zygote makes the usual clients once and remembers
what was read; environments share those pages. The remembering patches botocore's loader, which is not its public
interface: should it change, functions merely start slower.
"""

from __future__ import annotations

import contextlib
import functools
import os
import site
import sys
import time
from typing import Any, Callable

#: Lambda's time zone, unless a function sets another.
UTC = ":UTC"
#: What botocore reads when a session is made, not when a client is.
_READ_BY_A_SESSION = ("AWS_DATA_PATH", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE")


def prepare_interpreter(path: list[str]) -> None:
    """`path`: where the SDK is, after the standard library and after everything a function brings."""
    os.environ["TZ"] = UTC
    time.tzset()
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.path[:] = [entry for entry in sys.path if "site-packages" not in entry and "dist-packages" not in entry]
    sys.path += [entry for entry in path if entry not in sys.path]
    sys.path_importer_cache.clear()


def load_sdk(services: list[str]) -> frozenset[str]:
    """Answers with the top-level modules this brought along; AWS's runtime would not have them (handlers.py)."""
    before = frozenset(sys.modules)
    with contextlib.suppress(Exception):  # an interpreter too old for our copy: functions bring their own
        import boto3

        with contextlib.suppress(Exception):
            _remember_models()
        _make_clients(services)
        with contextlib.suppress(Exception):
            _make_default_session(boto3)
    return frozenset(name.partition(".")[0] for name in sys.modules) - before


def rehearse_sdk() -> None:
    """Makes a client and forgets it, in an environment that will make one: its memory is then copied already."""
    with contextlib.suppress(Exception):
        _make_clients(["s3"])


def _make_clients(services: list[str]) -> None:
    import boto3

    session = boto3.session.Session(
        aws_access_key_id="unused",
        aws_secret_access_key="unused",  # noqa: S106
        region_name="us-east-1",
    )
    for name in services:
        with contextlib.suppress(Exception):
            session.client(name)


def forget_default_session(environment: dict[str, str]) -> None:
    """A function that configures the SDK itself has its session made afresh, from its own variables."""
    boto3 = sys.modules.get("boto3")
    if boto3 is not None and any(name in environment for name in _READ_BY_A_SESSION):
        setattr(boto3, "DEFAULT_SESSION", None)  # noqa: B010 - a module nobody here knows statically


def _make_default_session(boto3: Any) -> None:
    """What `boto3.client(...)` would do first, a third of its time. Variables are read when a client is made.

    What the session has read of configuration files, which is nothing, it must not remember.
    """
    boto3.setup_default_session()
    core = boto3.DEFAULT_SESSION._session  # noqa: SLF001 - see the module's docstring
    if core._credentials is not None:  # noqa: SLF001
        boto3.DEFAULT_SESSION = None
        return
    core._config = core._profile_map = None  # noqa: SLF001


def _remember_models() -> None:
    from botocore.loaders import JSONFileLoader, Loader

    setattr(JSONFileLoader, "load_file", _once_per_path(JSONFileLoader.load_file))  # noqa: B010 - a patch, said so
    for name in ("list_available_services", "list_api_versions", "determine_latest_version"):
        setattr(Loader, name, _once_per_search_path(getattr(Loader, name)))


def _once_per_path(load: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    known: dict[str, Any] = {}

    @functools.wraps(load)
    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in known:
            known[file_path] = load(self, file_path)
        return known[file_path]

    return load_file


def _once_per_search_path(ask: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[Any, Any] = {}

    @functools.wraps(ask)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        key = (tuple(self.search_paths), args, tuple(kwargs.items()))
        if key not in known:
            known[key] = ask(self, *args, **kwargs)
        found = known[key]
        return list(found) if isinstance(found, list) else found

    return answer
