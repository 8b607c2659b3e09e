"""What a site's builder has learned from the misses of partial builds, as lines for people.               (pure)

`learned.json` in the state bucket is apps/site's own (`sitebuilder/partial/learning.py`).
"""

from collections.abc import Mapping
from typing import Any

from lambent.cli.output import clock_time

_EDITS = {"body": "texts", "fields": "front matter"}


def lines(learned: Mapping[str, Any] | None) -> list[str]:
    if not learned:
        return []
    told = [_closed(kind, each) for kind, each in sorted(learned["kinds"].items()) if each["closed_at"]]
    if learned["rules"]:
        told.append(f"partial builds follow {len(learned['rules'])} rules learned from misses")
    if learned["wrong"]:
        told.append(f"a partial build published wrong bytes ({learned['wrong']}): none until the templates change")
    return told


def _closed(kind: str, standing: Mapping[str, Any]) -> str:
    edit, _, of = kind.partition("|")
    since = clock_time(round(standing["closed_at"] * 1000))
    return (
        f"edits of {_EDITS.get(edit, edit)} of the type {of!r} are built whole since {since}: partial builds missed "
        f"pages or came to nothing; {standing['clean']} of {standing['needed']} edits in succession "
        "would have missed none"
    )
