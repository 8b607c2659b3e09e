"""The same sandboxes by unprivileged user namespaces: the escape corpus and the limits, as a user who owns nothing."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

USER = 65001
HERE = Path(__file__).parent
TRY = """
import asyncio
from lambent.sandbox.isolation.choice import IsolationPolicy, choose
from lambent.sandbox.isolation.contract import IsolationUnavailable, Level

async def main():
    try:
        isolation = await choose(IsolationPolicy(level=Level.USERNS))
    except IsolationUnavailable as unavailable:
        return print(unavailable)
    await isolation.close()

asyncio.run(main())
"""


def test_the_escape_corpus_and_the_limits_as_an_ordinary_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("we already are an ordinary user: the other tests are this one")
    interpreter = _interpreter_for_everybody()
    if interpreter is None:
        pytest.skip("no interpreter of this version that an ordinary user may execute")
    directory = Path(tempfile.mkdtemp(prefix="lambent-ordinary-"))
    try:
        os.chown(directory, USER, USER)
        refused = _as_ordinary_user([interpreter, "-B", "-c", TRY], directory).stdout.strip()
        if refused:
            pytest.skip(f"ordinary users may not make namespaces here: {refused}")
        files = [str(HERE / "test_escapes.py"), str(HERE / "test_limits.py")]
        chosen = "attempt or tree or memory or tmp or bomb or frozen"
        options = ["-q", "-k", chosen, "-p", "no:cacheprovider", "--basetemp", str(directory / "tests")]
        result = _as_ordinary_user([interpreter, "-B", "-m", "pytest", *options, *files], directory)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "6 passed" in result.stdout
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _as_ordinary_user(command: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        command,
        env={"PYTHONPATH": path, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(directory)},
        user=USER,
        group=USER,
        extra_groups=[],
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=100,
    )


def _interpreter_for_everybody() -> str | None:
    """The one that runs us may live where only root may look."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            asked = subprocess.run(
                [candidate, "-c", "import ctypes, ssl"], user=USER, group=USER, cwd="/", capture_output=True
            )
        except OSError:
            continue
        if asked.returncode == 0:
            return candidate
    return None
