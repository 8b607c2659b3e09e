"""Terms that are spelt in several ways: `DevOps` here, `devops` there.                                   (pure)

To hugo they are one term, whose title is the spelling of whichever page it happens to see first: pages flip between
builds of the same sources. A page for the term with a title of its own (`content/tags/devops/_index.md`) ends it.
"""

import functools
import re
from collections.abc import Collection, Iterable, Mapping

#: hugo's own, where a site configures none.
TAXONOMIES = ("tags", "categories")
_FRONT_MATTER = re.compile(
    r"\A\ufeff?(?:---\s*\n(.*?)\n---\s*$|\+\+\+\s*\n(.*?)\n\+\+\+\s*$)", re.DOTALL | re.MULTILINE
)
Term = tuple[str, str]


def terms(text: str, taxonomies: Collection[str] = TAXONOMIES) -> tuple[Term, ...]:
    """(taxonomy, spelling) of one page's front matter."""
    if not taxonomies:
        return ()
    front = _FRONT_MATTER.match(text)
    found = []
    for match in _lists(tuple(taxonomies)).finditer((front[1] or front[2] or "") if front else ""):
        listed = match["flow"].split(",") if match["flow"] else (match["block"] or match["single"] or "").split("\n")
        spelt = (word.strip().removeprefix("- ").strip().strip("\"'") for word in listed)
        found += [(match["taxonomy"].lower(), word) for word in spelt if word]
    return tuple(found)


def conflicts(pages: Mapping[str, Iterable[Term]], keys: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each term that has several spellings and no page to settle it."""
    seen: dict[Term, dict[str, str]] = {}
    for key in sorted(pages):
        for taxonomy, spelling in pages[key]:
            seen.setdefault((taxonomy, name(spelling)), {}).setdefault(spelling, key)
    settled = {key.lower() for key in keys if key.endswith("/_index.md")}
    return tuple(
        f"{taxonomy}: one term spelt in {len(spellings)} ways, so its title differs from build to build: "
        + ", ".join(f'"{spelling}" ({key})' for spelling, key in sorted(spellings.items()))
        + f"; spell it alike, or give it a title in content/{taxonomy}/{path}/_index.md"
        for (taxonomy, path), spellings in sorted(seen.items())
        if len(spellings) > 1 and f"content/{taxonomy}/{path}/_index.md" not in settled
    )


def name(spelling: str) -> str:
    """Terms of one name are one to hugo."""
    return re.sub(r"\s+", "-", spelling.lower())


@functools.lru_cache(maxsize=8)
def _lists(taxonomies: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        rf"^[\"']?(?P<taxonomy>{'|'.join(map(re.escape, taxonomies))})[\"']?[ \t]*[:=][ \t]*"
        r"(?:\[(?P<flow>[^\]]*)\]|(?P<block>(?:\n\s*-[ \t]+[^\n]+)+)|(?P<single>[^\[\n]\S.*)?)",
        re.MULTILINE | re.IGNORECASE,
    )
