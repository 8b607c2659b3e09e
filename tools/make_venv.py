"""Make a virtual environment with pip, also where the system's Python comes without ensurepip (Debian, Ubuntu).

    python3 tools/make_venv.py .venv

Needs nothing but the standard library. Where ensurepip is missing, pip's own wheel is taken from the package index
(PIP_INDEX_URL, else pypi.org) and run from the zip file, which is how pip installs itself.
"""

import html.parser
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import venv
from pathlib import Path

OLDEST = (3, 11)


class Links(html.parser.HTMLParser):
    """The hrefs of a simple index page (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def main() -> int:
    if sys.version_info < OLDEST:
        print(f"Lambent needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 ...")
        return 1
    target = Path(sys.argv[1])
    if (target / "bin" / "pip").exists():
        return 0
    try:
        import ensurepip  # noqa: F401, PLC0415 - whether it is there is the question
    except ImportError:
        venv.create(target, symlinks=True)
        install_pip(target / "bin" / "python")
    else:
        venv.create(target, symlinks=True, with_pip=True)
    return 0


def install_pip(python: Path) -> None:
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    links = Links()
    with urllib.request.urlopen(index) as page:
        links.feed(page.read().decode())
    wheels = [link for link in links.found if link.partition("#")[0].endswith("-py3-none-any.whl")]
    newest = max(wheels, key=version)
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / newest.partition("#")[0].rpartition("/")[2]
        urllib.request.urlretrieve(urllib.parse.urljoin(index, newest), wheel)
        subprocess.run([python, f"{wheel}/pip", "install", "--quiet", wheel], check=True)


def version(link: str) -> tuple[int, ...]:
    """`.../pip-25.1.1-py3-none-any.whl` -> (25, 1, 1); pre-releases last."""
    text = link.partition("#")[0].rpartition("/")[2].split("-")[1]
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (0,)


if __name__ == "__main__":
    sys.exit(main())
