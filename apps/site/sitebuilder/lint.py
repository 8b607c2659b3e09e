"""What an author may not have meant: terms that are nearly the same, and templates that never come out alike. (pure)

Advice, not errors: it stands in the report of a whole build. Spellings that hugo itself takes for one term are worse,
and are told as warnings (`spellings`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from sitebuilder import spellings, statics
from sitebuilder.partial import tokens
from sitebuilder.spellings import Term

MAX_SENTENCES = 20
#: What is left of a plural: shorter words are no singular.
_SHORTEST_STEM = 3
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`')
#: In templates: the word, and what follows from it.
_HABITS = (
    (re.compile(r"\b(?:time\.Now|now)\b"), "depends on the time of the build: its pages may differ with every build"),
    (
        re.compile(r"\b(?:collections\.Shuffle|shuffle|math\.Rand|math\.Counter)\b"),
        "is different each time: its pages differ with every build",
    ),
    (
        re.compile(r"(?:\bsite|\.Site)\.(?:Lastmod|LastChange)\b"),
        "changes with every edit: each edit changes all pages that show it",
    ),
    (re.compile(r"\.GitInfo\b"), "is empty: no git repository is among the sources"),
)
_GIT = re.compile(r"^\s*[\"']?enableGitInfo[\"']?\s*[:=]\s*true", re.IGNORECASE | re.MULTILINE)


def advice(languages: Iterable[Mapping[str, Iterable[Term]]], texts: Mapping[str, str]) -> tuple[str, ...]:
    """`languages` are the pages of each; `texts` are the configuration's and the templates' contents."""
    near = (sentence for pages in languages for sentence in _near_terms(pages))
    return (*near, *_habits(texts))[:MAX_SENTENCES]


def stem(spelling: str) -> str:
    """Equal for terms that differ in case, accents, hyphens and spaces, or in being a plural."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelling.casefold()) if not unicodedata.combining(c))
    word = re.sub(r"[\s_.-]+", "", plain)
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and not (ending == "s" and word.endswith("ss")):
            shorter = word.removesuffix(ending) + singular
            return shorter if len(shorter) >= _SHORTEST_STEM else word
    return word


def _near_terms(pages: Mapping[str, Iterable[Term]]) -> Iterator[str]:
    """Terms of which hugo makes pages of their own, though they read alike."""
    seen: dict[Term, dict[str, tuple[str, str]]] = {}
    for key in sorted(pages):
        for taxonomy, spelling in pages[key]:
            names = seen.setdefault((taxonomy, stem(spelling)), {})
            names.setdefault(spellings.name(spelling), (spelling, key))
    for (taxonomy, _), names in sorted(seen.items()):
        if len(names) > 1:
            told = ", ".join(f'"{spelling}" ({key})' for spelling, key in sorted(names.values()))
            yield f"{taxonomy}: {told} read alike, and each has a page of its own: spell them alike if they are one"


def _habits(texts: Mapping[str, str]) -> Iterator[str]:
    for key, text in sorted(texts.items()):
        if statics.is_configuration(key) and _GIT.search(text):
            yield f"{key}: enableGitInfo: no git repository is among the sources, so nothing is known of commits"
        if not statics.is_template(key):
            continue
        for pattern, meaning in _HABITS:
            found = next(filter(None, (_find(pattern, action) for action in _ACTION.finditer(text))), None)
            if found is not None:
                word, at = found
                yield f"{key}:{text.count(chr(10), 0, at) + 1}: {word} {meaning}"


def _find(pattern: re.Pattern[str], action: re.Match[str]) -> tuple[str, int] | None:
    """The word, and where in the text; what stands in quotes is no word, and the year of a copyright no time."""
    undated = tokens.OF_DAY.sub(_blank, action[0])
    found = pattern.search(_QUOTED.sub(_blank, undated))
    return (found[0], action.start() + found.start()) if found else None


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
