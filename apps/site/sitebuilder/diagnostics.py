"""What hugo printed, made fit for a log: `layouts/home.html:2:3`, not a path inside the sandbox.          (pure)"""

import re
from dataclasses import dataclass
from pathlib import Path

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: What hugo prints in every build, its table of figures included.
_ORDINARY = re.compile(r"Start building sites|hugo v\d|Built in \d|Total in \d|.*[│┼]")


@dataclass(frozen=True, slots=True)
class Diagnostics:
    errors: tuple[str, ...]
    """One entry per ERROR, with the lines that belong to it."""
    warnings: tuple[str, ...]


def read(printed: str, source: Path) -> Diagnostics:
    """hugo writes `ERROR ...` and `WARN  ...`, each perhaps followed by lines that show the place."""
    errors: list[str] = []
    warnings: list[str] = []
    current: list[str] | None = None
    for line in _COLOURS.sub("", printed).replace(f"{source}/", "").splitlines():
        if _ORDINARY.match(line):
            current = None
        elif line.startswith(("ERROR ", "Error: ")):
            current = errors
            errors.append(line.split(" ", 1)[1].strip())
        elif line.startswith("WARN "):
            current = warnings
            warnings.append(line.split(" ", 1)[1].strip())
        elif current and line.strip():
            current[-1] += "\n" + line.rstrip()
    return Diagnostics(tuple(errors), tuple(warnings))
