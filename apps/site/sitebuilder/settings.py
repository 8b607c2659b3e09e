"""What the function's environment variables say, checked once, when the execution environment starts.

SITE_INPUT_BUCKET       the sources: hugo's own folder layout
SITE_OUTPUT_BUCKET      the website
SITE_STATE_BUCKET       whose turn it is to build, and what was published; private, so neither of the other two
SITE_BASE_URL           optional: hugo's baseURL, where the sources should not have to know it
SITE_PREVIEW_BUCKET     optional: a second website with drafts, future and expired posts, which search engines leave out
SITE_PREVIEW_BASE_URL   its baseURL
SITE_SCHEDULE_ROLE      optional: the role with which EventBridge Scheduler starts the function when a post is due
SITE_RELEASES           how many generations can be gone back to (default 10; 1: none)
SITE_ASSET_GRACE        seconds that a replaced fingerprinted file stays for open pages (default 0)
SITE_CACHE_MB           how much of hugo's processed images and styles is kept for cold environments (default 256)
SITE_QUICK_MS           a site whose whole build takes hugo no longer is always built whole (default 400)
SITES                   several sites: a JSON object, name of the source bucket (or bucket/prefix) -> {"output": bucket
                        or bucket/prefix, "base_url", "preview", "preview_base_url"}; instead of the first two

Input, output and state are different buckets, or the function refuses to start: writing into the input bucket would
wake the function again, for ever, and the state has no place among public objects.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Written into the deployment package by `package.py`: a new package means a new build.
PACKAGE_DIGEST_FILE = "package-digest.txt"
DEFAULT_RELEASES = 10
DEFAULT_CACHE_MB = 256
#: Where a whole build is as quick as this nobody notices that a partial one is quicker, and it needs verifying
#: (decision 0015).
DEFAULT_QUICK_MS = 400


class Misconfigured(Exception):
    """The environment variables cannot work; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, or a folder in one."""

    bucket: str
    prefix: str = ""

    @classmethod
    def read(cls, text: str) -> "Place":
        bucket, _, folder = text.strip().strip("/").partition("/")
        return cls(bucket, f"{folder}/" if folder else "")

    @property
    def name(self) -> str:
        return f"{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class Settings:
    """One site: sources in one place become a website in another."""

    input_bucket: str
    output_bucket: str
    state_bucket: str
    base_url: str | None
    package_digest: str
    hugo: Path
    workspace: Path
    hugo_variables: tuple[tuple[str, str], ...]
    """HUGO_* variables are hugo's own way of overriding a site's configuration; they are passed on."""
    input_prefix: str = ""
    output_prefix: str = ""
    is_preview: bool = False
    schedule_role: str | None = None
    releases: int = DEFAULT_RELEASES
    grace_seconds: float = 0.0
    cache_bytes: int = DEFAULT_CACHE_MB << 20
    quick_seconds: float = DEFAULT_QUICK_MS / 1000

    @property
    def site(self) -> str:
        """Its name: the website's place. What is remembered of it is under this prefix in the state bucket."""
        return f"{self.output_bucket}/{self.output_prefix}".rstrip("/")

    @property
    def recipe(self) -> str:
        """Everything but the sources that decides what the site looks like."""
        return repr((self.package_digest, self.base_url, self.hugo_variables, self.is_preview))


def from_environment(variables: Mapping[str, str]) -> tuple[Settings, ...]:
    """The function's sites; a preview comes after the site it belongs to, and is built after it."""
    state_bucket = _required(variables, "SITE_STATE_BUCKET")
    sites = tuple(_sites(variables, state_bucket))
    inputs, websites = {site.input_bucket for site in sites}, [site.output_bucket for site in sites]
    if inputs & {*websites, state_bucket} or state_bucket in websites:
        raise Misconfigured(
            "The sources, the website and the state must be in three different buckets, but are in "
            f"{sorted(inputs)}, {websites} and {state_bucket!r}: a build that writes where it reads would "
            "start itself again and again."
        )
    for one in sites:
        for other in sites:
            if one is not other and f"{one.site}/".startswith(f"{other.site}/"):
                raise Misconfigured(f"Two sites cannot be published into one place: {other.site} and {one.site}.")
    return sites


def _sites(variables: Mapping[str, str], state_bucket: str) -> Iterator[Settings]:
    if variables.get("SITES"):
        for source, described in _described(variables["SITES"]).items():
            yield from _site(variables, state_bucket, source, described)
        return
    described = {
        "output": _required(variables, "SITE_OUTPUT_BUCKET"),
        "base_url": variables.get("SITE_BASE_URL"),
        "preview": variables.get("SITE_PREVIEW_BUCKET"),
        "preview_base_url": variables.get("SITE_PREVIEW_BASE_URL"),
    }
    yield from _site(variables, state_bucket, _required(variables, "SITE_INPUT_BUCKET"), described)


def _described(text: str) -> dict[str, dict[str, Any]]:
    try:
        sites: dict[str, dict[str, Any]] = json.loads(text)
        described = {source: {"output": str(site["output"]), **site} for source, site in sites.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Misconfigured('SITES must be JSON like {"sources-bucket": {"output": "website-bucket"}}.') from error
    return described


def _site(
    variables: Mapping[str, str], state_bucket: str, source: str, described: Mapping[str, Any]
) -> Iterator[Settings]:
    yield _settings(variables, state_bucket, source, described["output"], described.get("base_url"), is_preview=False)
    if described.get("preview"):
        base_url = described.get("preview_base_url")
        yield _settings(variables, state_bucket, source, described["preview"], base_url, is_preview=True)


def _settings(
    variables: Mapping[str, str], state_bucket: str, source: str, output: str, base_url: str | None, *, is_preview: bool
) -> Settings:
    task_root = Path(variables.get("LAMBDA_TASK_ROOT", "/var/task"))
    come_from, goes_to = Place.read(source), Place.read(output)
    return Settings(
        input_bucket=come_from.bucket,
        output_bucket=goes_to.bucket,
        state_bucket=state_bucket,
        base_url=base_url or None,
        package_digest=_package_digest(task_root),
        hugo=task_root / "hugo",
        workspace=Path(variables.get("TMPDIR", "/tmp")) / "site" / goes_to.name.replace("/", "."),
        hugo_variables=tuple(sorted((name, value) for name, value in variables.items() if name.startswith("HUGO_"))),
        input_prefix=come_from.prefix,
        output_prefix=goes_to.prefix,
        is_preview=is_preview,
        schedule_role=variables.get("SITE_SCHEDULE_ROLE") or None,
        releases=_number(variables, "SITE_RELEASES", DEFAULT_RELEASES, least=1),
        grace_seconds=_number(variables, "SITE_ASSET_GRACE", 0, least=0),
        cache_bytes=_number(variables, "SITE_CACHE_MB", DEFAULT_CACHE_MB, least=0) << 20,
        quick_seconds=_number(variables, "SITE_QUICK_MS", DEFAULT_QUICK_MS, least=0) / 1000,
    )


def _required(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name, "").strip()
    if not value:
        raise Misconfigured(f"The environment variable {name} is missing: set it in the function's configuration.")
    return value


def _number(variables: Mapping[str, str], name: str, otherwise: int, *, least: int) -> int:
    value = variables.get(name, "").strip()
    if not value:
        return otherwise
    if not value.isdecimal() or int(value) < least:
        raise Misconfigured(f"{name} must be a whole number, {least} or more, but is {value!r}.")
    return int(value)


def _package_digest(task_root: Path) -> str:
    file = task_root / PACKAGE_DIGEST_FILE
    return file.read_text(encoding="ascii").strip() if file.exists() else "unpackaged"
