"""Output: what several commands print alike. Colours only on a terminal, and not where NO_COLOR is set."""

import json
import os
import sys
import time
from typing import Any


def has_colours() -> bool:
    """https://no-color.org: any non-empty value means no."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_json(value: Any) -> None:
    """One line, at once: the reader may be following."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def clock_time(time_ms: int) -> str:
    """`14:03:22.123`, in the reader's time zone; with the date if it is not today."""
    moment = time.localtime(time_ms / 1000)
    text = time.strftime("%H:%M:%S", moment) + f".{time_ms % 1000:03d}"
    if moment[:3] != time.localtime()[:3]:
        text = time.strftime("%Y-%m-%d ", moment) + text
    return text
