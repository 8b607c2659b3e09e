"""The AWS SDKs for JavaScript, installed once by npm beside their lockfile, and Node to run them with."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lambent.sandbox import node_runtimes

DIRECTORY = Path(__file__).parent / "javascript"
INSTALL_SECONDS = 300
RUN_SECONDS = 60


def newest_node() -> Path:
    search_path = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep)]
    nodes = node_runtimes.installed(search_path, Path.home())
    assert nodes, "no Node here: pip install 'lambent[node]' brings one"
    return max(nodes, key=lambda node: node.version).program


def install(directory: Path = DIRECTORY, *, described: Path = DIRECTORY) -> Path:
    """The directory itself; its node_modules then has what `described` asks for. One process at a time."""
    with (described / "package-lock.json").open("rb") as lockfile:
        fcntl.flock(lockfile, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lockfile.read()).hexdigest()
        stamp = directory / "node_modules" / ".installed"
        if not stamp.is_file() or stamp.read_text() != wanted:
            _install(directory, described)
            stamp.write_text(wanted)
    return directory


def _install(directory: Path, described: Path) -> None:
    if directory != described:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(described / name, directory)
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=_environment({})
    )
    assert result.returncode == 0, f"npm could not install the packages: {result.stdout}{result.stderr}"


def run(script: str, *arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [newest_node(), DIRECTORY / script, *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env=_environment(environment),
    )


def _npm() -> list[str]:
    """npm as it comes with the Node we use, else the one on the PATH."""
    node = newest_node()
    own = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if own.is_file():
        return [str(node), str(own)]
    found = shutil.which("npm")
    assert found, "no npm here: pip install 'lambent[node]' brings one"
    return [found]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Without the developer's own AWS settings."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**mine, "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1", **extra}
