"""Terms that are spelt in several ways: `DevOps` here, `devops` there.                                   (pure)

To hugo they are one term, whose title is the spelling of whichever page it happens to see first: pages flip between
builds of the same sources. A page for the term with a title of its own (`content/tags/devops/_index.md`) ends it.
"""

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

#: hugo's own, where a site configures none.
TAXONOMIES = ("tags", "categories")
_FRONT_MATTER = re.compile(
    r"\A\ufeff?(?:---\s*\n(.*?)\n---\s*$|\+\+\+\s*\n(.*?)\n\+\+\+\s*$)", re.DOTALL | re.MULTILINE
)
_TERM_PAGE = re.compile(r"content/(?:[^/]+/)?([^/]+/[^/]+)/_index(?:\.[^/.]+)?\.md")
Term = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a site's terms are filed under."""

    taxonomies: tuple[str, ...] = TAXONOMIES
    """As front matter names them, those of every language."""
    languages: tuple[str, ...] = ()
    """All but the default one."""
    folders: tuple[str, ...] = ()
    """Of languages that have one: "content/de"."""

    def language(self, key: str) -> str:
        """Of a page; languages share no terms. "" is the default one, where it has no folder."""
        folder = next((folder for folder in self.folders if key.startswith(f"{folder}/")), "")
        suffix = f".{key}".rsplit(".", 2)[1]
        return suffix if suffix in self.languages else folder


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
    settled = {found[1] for key in keys if (found := _TERM_PAGE.fullmatch(key.lower()))}
    return tuple(
        f"{taxonomy}: one term spelt in {len(spellings)} ways, so its title differs from build to build: "
        + ", ".join(f'"{spelling}" ({key})' for spelling, key in sorted(spellings.items()))
        + f"; spell it alike, or give it a title in content/{taxonomy}/{path}/_index.md"
        for (taxonomy, path), spellings in sorted(seen.items())
        if len(spellings) > 1 and f"{taxonomy}/{path}" not in settled
    )


def by_language(pages: Mapping[str, Iterable[Term]], vocabulary: Vocabulary) -> tuple[dict[str, Iterable[Term]], ...]:
    found: dict[str, dict[str, Iterable[Term]]] = {}
    for key, listed in pages.items():
        found.setdefault(vocabulary.language(key), {})[key] = listed
    return tuple(found[language] for language in sorted(found))


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
