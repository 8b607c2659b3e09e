"""Settings: what a person may choose, frozen at start. The only reader of the environment and of the config file.

A value comes from the command line, else from the environment (`LAMBENT_PORT`), else from the config file (TOML, the
same names: `port = 4566`), else from the default here. `SETTINGS` is the one table: docs/settings.md is checked by it.
"""

import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_PORT = 4566
DEFAULT_ACCOUNT_ID = "000000000000"


class SettingsError(Exception):
    """A setting cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A long-lived key pair; its caller is the root of `account_id`."""

    access_key_id: str
    secret_access_key: str
    account_id: str = DEFAULT_ACCOUNT_ID

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:root"


#: The pair that every local AWS tool already uses; good on loopback only.
BUILT_IN_CREDENTIAL = Credential("test", "test")


@dataclass(frozen=True, slots=True)
class Settings:
    data: Path
    """Everything durable; one Lambent at a time."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0 takes a free one."""
    auth: bool = True
    """Check signatures. Off: any credentials are taken."""
    credentials: tuple[Credential, ...] = (BUILT_IN_CREDENTIAL,)
    region: str = "us-east-1"
    """For what has no region of its own: anonymous requests, the CLI's own calls."""
    account_id: str = DEFAULT_ACCOUNT_ID
    isolation: str = "auto"
    """auto (the strongest that works; never `process`), full, userns, process."""
    cpu_quota: bool = False
    """Hold every function to its share of the CPU even when nobody else wants it, as AWS does."""
    pool_size: int = 2
    """Execution environments kept ready per runtime that is in use."""
    max_environments: int = 200
    """Execution environments alive at once, of all functions."""
    idle_seconds: float = 600.0
    """An environment unused for so long is ended."""
    concurrency: int = 1000
    """Invocations at once in the account, AWS's default quota."""
    async_concurrency: int = 64
    """Asynchronous invocations run at once."""
    retry_delays_seconds: tuple[float, ...] = (60.0, 120.0)
    """Waits before the first and the second retry of a failed asynchronous invocation."""
    drain_seconds: float = 10.0
    """How long requests under way may go on after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: its name in Settings, how its text is read, and a line for the documentation."""

    name: str
    parse: Callable[[Any], Any]
    description: str

    @property
    def variable(self) -> str:
        return f"LAMBENT_{self.name.upper()}"


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
    return words[str(value).lower()]


def _one_of(*choices: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"choose one of {', '.join(choices)}")
        return str(value)

    return parse


def _at_least(kind: type[int] | type[float], low: float) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        number = kind(value)
        if number < low:
            raise ValueError(f"must be at least {low:g}")
        return number

    return parse


def _port(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= 65535:
        raise ValueError("must be 0 to 65535")
    return number


def _seconds_list(value: Any) -> tuple[float, ...]:
    """`60,120` or `[60, 120]`"""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(float(part) for part in parts)


def _credentials(value: Any) -> tuple[Credential, ...]:
    """`KEY:SECRET[:ACCOUNT],...` or TOML tables with access_key_id, secret_access_key, account_id."""
    if isinstance(value, str):
        rows = [dict(zip(_CREDENTIAL_FIELDS, part.split(":"), strict=False)) for part in value.split(",")]
    else:
        rows = value
    found = tuple(Credential(**row) for row in rows)
    if any(len(c.account_id) != 12 or not c.account_id.isdigit() for c in found):
        raise ValueError("an account id has 12 digits")
    if any(not c.access_key_id or not c.secret_access_key for c in found):
        raise ValueError("an access key id and its secret are both needed")
    return found


_CREDENTIAL_FIELDS = ("access_key_id", "secret_access_key", "account_id")


def _account_id(value: Any) -> str:
    if len(str(value)) != 12 or not str(value).isdigit():
        raise ValueError("an account id has 12 digits")
    return str(value)


SETTINGS = (
    Setting("data", lambda value: Path(value).expanduser().absolute(), "directory of everything durable"),
    Setting("host", str, "address to listen on"),
    Setting("port", _port, "port to listen on; 0 takes a free one"),
    Setting("auth", _boolean, "on: signatures are checked; off: any credentials are taken"),
    Setting("credentials", _credentials, "key pairs that may sign: `KEY:SECRET[:ACCOUNT],...`, or TOML tables"),
    Setting("region", str, "region of what names none"),
    Setting("account_id", _account_id, "account of the built-in credentials"),
    Setting("isolation", _one_of("auto", "full", "userns", "process"), "how functions are kept apart"),
    Setting("cpu_quota", _boolean, "on: a function never has more CPU than its memory buys; off: what is idle is its"),
    Setting("pool_size", _at_least(int, 0), "execution environments kept ready per runtime in use"),
    Setting("max_environments", _at_least(int, 1), "execution environments alive at once"),
    Setting("idle_seconds", _at_least(float, 1), "an environment unused for so long is ended"),
    Setting("concurrency", _at_least(int, 1), "invocations at once in the account"),
    Setting("async_concurrency", _at_least(int, 1), "asynchronous invocations run at once"),
    Setting("retry_delays_seconds", _seconds_list, "waits before the two retries of a failed asynchronous invocation"),
    Setting("drain_seconds", _at_least(float, 0), "how long requests under way may go on after SIGTERM"),
)


@dataclass(slots=True)
class _Sources:
    given: Mapping[str, Any]
    environ: Mapping[str, str]
    file: Mapping[str, Any] = field(default_factory=dict)
    file_path: Path | None = None

    def find(self, setting: Setting) -> tuple[Any, str] | None:
        """The value and where it was said, or None."""
        if self.given.get(setting.name) is not None:
            return self.given[setting.name], f"--{setting.name.replace('_', '-')}"
        if setting.variable in self.environ:
            return self.environ[setting.variable], setting.variable
        if setting.name in self.file:
            return self.file[setting.name], f"{setting.name} in {self.file_path}"
        return None


def load(given: Mapping[str, Any], environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Raises SettingsError. `given`: what the command line says, None for what it leaves open."""
    config = config or (Path(environ["LAMBENT_CONFIG"]) if environ.get("LAMBENT_CONFIG") else None)
    sources = _Sources(given, environ, _read_file(config) if config else {}, config)
    values: dict[str, Any] = {"data": _default_data(environ)}
    for setting in SETTINGS:
        found = sources.find(setting)
        if found is not None:
            values[setting.name] = _parse(setting, *found)
    if "account_id" in values and "credentials" not in values:
        values["credentials"] = (Credential("test", "test", values["account_id"]),)
    settings = Settings(**values)
    _refuse_unsafe(settings)
    return settings


def _parse(setting: Setting, value: Any, said: str) -> Any:
    try:
        return setting.parse(value)
    except (ValueError, KeyError, TypeError) as error:
        why = str(error) if isinstance(error, ValueError) else "not understood"
        hint = f"{setting.name}: {setting.description}"
        raise SettingsError(f"{said}: {value!r} cannot be used: {why} ({hint})") from error


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the config file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the config file {path} is not valid TOML: {error}") from error
    known = {setting.name for setting in SETTINGS}
    for name in values:
        if name not in known:
            raise SettingsError(f"the config file {path} sets {name!r}, which is not a setting; see docs/settings.md")
    return values


def _default_data(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_DATA_HOME")
    home = Path(environ.get("HOME") or "~").expanduser()
    return (Path(base) if base else home / ".local" / "share") / "lambent"


def _refuse_unsafe(settings: Settings) -> None:
    """The built-in credentials are public knowledge: never on an address that others can reach."""
    if is_loopback(settings.host):
        return
    public = {(BUILT_IN_CREDENTIAL.access_key_id, BUILT_IN_CREDENTIAL.secret_access_key)}
    own = {(c.access_key_id, c.secret_access_key) for c in settings.credentials}
    if settings.auth and own and not own & public:
        return
    raise SettingsError(
        f"{settings.host} can be reached by others, so Lambent needs credentials of your own before it listens there: "
        "set LAMBENT_CREDENTIALS=KEY:SECRET, or credentials in the config file, and leave --auth on"
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
