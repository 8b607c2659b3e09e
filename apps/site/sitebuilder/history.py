"""The last builds, for people: one note each, the latest last.                                           (pure)"""

import json
from collections.abc import Mapping
from typing import Any

MAX_NOTES = 100


def appended(content: bytes | None, note: Mapping[str, Any]) -> bytes:
    """What cannot be read begins anew: it is for people, and must not stop the site."""
    try:
        notes = json.loads(content) if content else []
    except ValueError:
        notes = []
    kept = notes if isinstance(notes, list) else []
    return json.dumps([*kept, note][-MAX_NOTES:], ensure_ascii=False).encode()
