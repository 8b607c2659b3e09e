"""What the function's environment variables say, checked once, when the execution environment starts.

SITE_INPUT_BUCKET    the sources: hugo's own folder layout, at the root of the bucket
SITE_OUTPUT_BUCKET   the website
SITE_STATE_BUCKET    whose turn it is to build, and what was published; private, so neither of the other two
SITE_BASE_URL        optional: hugo's baseURL, where the sources should not have to know it

Three different buckets, or the function refuses to start: writing into the input bucket would wake the function again,
for ever, and the state has no place among public objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Written into the deployment package by `package.py`: a new package means a new build.
PACKAGE_DIGEST_FILE = "package-digest.txt"


class Misconfigured(Exception):
    """The environment variables cannot work; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    input_bucket: str
    output_bucket: str
    state_bucket: str
    base_url: str | None
    package_digest: str
    hugo: Path
    workspace: Path
    hugo_variables: tuple[tuple[str, str], ...]
    """HUGO_* variables are hugo's own way of overriding a site's configuration; they are passed on."""

    @property
    def recipe(self) -> str:
        """Everything but the sources that decides what the site looks like."""
        return repr((self.package_digest, self.base_url, self.hugo_variables))


def from_environment(variables: Mapping[str, str]) -> Settings:
    task_root = Path(variables.get("LAMBDA_TASK_ROOT", "/var/task"))
    input_bucket, output_bucket, state_bucket = (
        _required(variables, name) for name in ("SITE_INPUT_BUCKET", "SITE_OUTPUT_BUCKET", "SITE_STATE_BUCKET")
    )
    if len({input_bucket, output_bucket, state_bucket}) < 3:
        raise Misconfigured(
            "SITE_INPUT_BUCKET, SITE_OUTPUT_BUCKET and SITE_STATE_BUCKET must name three different buckets, but are "
            f"{input_bucket!r}, {output_bucket!r} and {state_bucket!r}: a build that writes where it reads would "
            "start itself again and again."
        )
    return Settings(
        input_bucket=input_bucket,
        output_bucket=output_bucket,
        state_bucket=state_bucket,
        base_url=variables.get("SITE_BASE_URL") or None,
        package_digest=_package_digest(task_root),
        hugo=task_root / "hugo",
        workspace=Path(variables.get("TMPDIR", "/tmp")) / "site" / output_bucket,
        hugo_variables=tuple(sorted((name, value) for name, value in variables.items() if name.startswith("HUGO_"))),
    )


def _required(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name, "").strip()
    if not value:
        raise Misconfigured(f"The environment variable {name} is missing: set it in the function's configuration.")
    return value


def _package_digest(task_root: Path) -> str:
    file = task_root / PACKAGE_DIGEST_FILE
    return file.read_text(encoding="ascii").strip() if file.exists() else "unpackaged"
