"""What in the templates makes partial rendering, or stubs, unsafe?                                        (pure)

The templates are only searched, never understood: a word in the wrong place costs time, not truth.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: What one page's rendering leaves for another's, or the whole site's for one file: only a whole build has it all.
_WHOLE = re.compile(
    r"templates\.Defer|\bPostProcess\b|\bjs\.Batch\b"
    r"|(?:\b(?:hugo|site)|\.(?:Site|Home|Parent|CurrentSection|FirstSection)|\))\.(?:Store|Scratch)\b"
    r"|\b(?:newScratch|collections\.NewScratch)\b.*\bsite\b"
)
_STATS = re.compile(r"writeStats|buildStats", re.IGNORECASE)
#: What differs from build to build whatever the sources are.
_FLUID = re.compile(r"\bnow\b|\btime\.Now\b|\bshuffle\b|\bmath\.(?:Rand|Counter)\b|\bcollections\.Shuffle\b")
#: A year or a day, as of a copyright: two builds show the same one, and canaries tell when it is another.
_DAY = r'"(?:(?!15|03|04|05|:|PM)[^"\n])*"'
_NOW = r"\(?(?:\bnow\b|\btime\.Now\b)\)?"
OF_DAY = re.compile(
    rf"{_NOW}(?:\.Year\b|\.Format\s+{_DAY}|\s*\|\s*(?:dateFormat|time\.Format)\s+{_DAY})|(?:dateFormat|time\.Format)\s+{_DAY}\s+{_NOW}"
)
#: What reads a page's text past the trap.
_BLIND = re.compile(
    r"\.RawContent\b|\.HasShortcode\b|\b(?:os\.)?(?:readFile|readDir|fileExists|ReadFile|ReadDir|FileExists|Stat)\b"
)
#: What gets at the files of a page, or at files by their names: then hugo may open them for more than to copy them.
_FILES = re.compile(r"Resources|\bimageConfig\b|\bimages\.Config\b|\bresources\.")
_MOUNTS = re.compile(r"\bmounts\b|\bimports\b", re.IGNORECASE)
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`')
_CONFIG = re.compile(r"(?:^|/)(?:hugo|config)\.(?:toml|ya?ml|json)$|^config/")
_TEMPLATE_SUFFIXES = (
    ".html",
    ".htm",
    ".xml",
    ".json",
    ".txt",
    ".css",
    ".scss",
    ".js",
    ".ts",
    ".md",
    ".svg",
    ".ics",
    ".rss",
)


@dataclass(frozen=True, slots=True)
class Findings:
    """Each with the file where it stands, for people."""

    whole: tuple[str, ...] = ()
    fluid: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def may_be_partial(self) -> bool:
        return not self.whole and not self.fluid

    @property
    def may_be_stubbed(self) -> bool:
        return self.may_be_partial and not self.blind

    @property
    def only_copies_files(self) -> bool:
        """The files of a page go to the website as they are, and no template can tell what is in them."""
        return not self.files


def is_searched(key: str) -> bool:
    """Assets as well as layouts: any of them may be executed as a template, and any folder mounted as layouts."""
    if key.startswith(("content/", "static/", "archetypes/", "i18n/")) or "/static/" in key:
        return _CONFIG.search(key) is not None
    return key.endswith(_TEMPLATE_SUFFIXES) or _CONFIG.search(key) is not None


def search(files: Mapping[str, bytes]) -> Findings:
    found: dict[str, list[str]] = {"whole": [], "fluid": [], "blind": [], "files": []}
    for key in sorted(files):
        text = files[key].decode(errors="replace")
        if _CONFIG.search(key) and _STATS.search(text):
            found["whole"].append(f"{key}: build stats")
        if _CONFIG.search(key) and _MOUNTS.search(text):
            found["files"].append(f"{key}: mounts")
        for action in _ACTION.findall(_COMMENT.sub("", text)):
            for kind, pattern in (("whole", _WHOLE), ("blind", _BLIND), ("files", _FILES)):
                if hit := pattern.search(action):
                    found[kind].append(f"{key}: {hit[0]}")
            if hit := _FLUID.search(_QUOTED.sub("", OF_DAY.sub("", action))):
                found["fluid"].append(f"{key}: {hit[0]}")
    return Findings(*(tuple(dict.fromkeys(found[kind])) for kind in ("whole", "fluid", "blind", "files")))
