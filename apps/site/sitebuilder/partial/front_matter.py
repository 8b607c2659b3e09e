"""Where does a page's front matter end, and which of its fields are dangerous to guess about?           (pure)

hugo's own lexer decides; this one only has to agree with it where it answers at all. Whatever is unusual is None, and
costs a whole build or a whole download instead of a guess.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

_BOM = b"\xef\xbb\xbf"
_START = re.compile(rb"\A(?:\xef\xbb\xbf)?[ \t\r\n]*")
_FENCED = {
    mark: re.compile(rb"%b[ \t]*\r?\n(?P<text>(?:.*\r?\n)*?)%b[ \t]*(?:\r?\n|\Z)" % (re.escape(mark), re.escape(mark)))
    for mark in (b"---", b"+++")
}
_YAML_KEY = re.compile(r"""(?P<quote>["']?)(?P<key>[A-Za-z_][\w.-]*)(?P=quote)[ \t]*:(?:[ \t]|$)""")
#: An anchor, an alias or a merge, which let a field say what another one has, wherever YAML allows one. Emphasis in a
#: sentence (`a *great* day`) is none, nor is anything in quotes.
_YAML_REFERENCE = re.compile(r"(?:^[ \t]*|[:-][ \t]+|[\[{,][ \t]*|![^ \t\n]*[ \t]+)[&*]\w|<<:", re.MULTILINE)
_YAML_QUOTED = re.compile(
    r"""((?:^|[,\[{]|[:-][ \t])[ \t]*)(?:"(?:\\.|[^"\\\n])*"|'(?:''|[^'\n])*')(?=[ \t]*(?:$|[,\]}:#]))""", re.MULTILINE
)
#: Fields that change other pages than the page's own neighbours, or take something off the website.
SENSITIVE = frozenset(
    {"_build", "aliases", "build", "cascade", "draft", "expirydate", "headless", "lang", "markup", "menu", "menus"}
    | {"outputs", "path", "pubdate", "publishdate", "published", "resources", "sitemap", "slug", "translationkey"}
    | {"unpublishdate", "url"}
)


@dataclass(frozen=True, slots=True)
class Split:
    front: bytes
    """With its fences, and everything before it."""
    body: bytes
    fields: dict[str, str] | None
    """Lower-cased name to its text as it stands; None where the fields cannot be told apart with certainty."""

    @property
    def sensitive(self) -> str | None:
        """Equal texts, equally sensitive fields. None: unknown."""
        if self.fields is None:
            return None
        return repr(sorted((name, text) for name, text in self.fields.items() if name in SENSITIVE))


def split(content: bytes) -> Split | None:
    """None: hugo may see something here that we do not."""
    start = _START.match(content)
    begun = start.end() if start else 0
    mark = content[begun : begun + 3]
    if mark in _FENCED:
        fenced = _FENCED[mark].match(content, begun)
        return fenced and _fenced(content, fenced)
    if content[begun : begun + 1] == b"{":
        return _json(content, begun)
    if content[begun : begun + 1] in (b"-", b"+", b"#"):
        # An Org file's header, or a fence that is none: only hugo knows. A heading ("# Title") is one of them.
        return None
    return Split(b"", content, {})


def _fenced(content: bytes, fenced: re.Match[bytes]) -> Split | None:
    try:
        text = fenced["text"].decode()
    except UnicodeDecodeError:
        return None
    fields = _yaml_fields(text) if fenced[0].startswith(b"-") else _toml_fields(text)
    return Split(content[: fenced.end()], content[fenced.end() :], fields)


def _json(content: bytes, begun: int) -> Split | None:
    try:
        text = content[begun:].decode()
        document, length = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    end = begun + len(text[:length].encode())
    return Split(content[:end], content[end:], _texts(document))


def _toml_fields(text: str) -> dict[str, str] | None:
    try:
        return _texts(tomllib.loads(text))
    except ValueError:
        return None


def _texts(document: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): repr(value) for name, value in document.items()}


def _yaml_fields(text: str) -> dict[str, str] | None:
    """Of plain block mappings: each field is its line and the indented ones below. Anchors and the rest: None."""
    fields: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _YAML_KEY.match(line)
        if found:
            current = fields.setdefault(found["key"].lower(), [])
            current.append(line[found.end() :].strip())
        elif line[0] in " \t-" and current is not None:
            current.append(line.rstrip())
        else:
            return None
    if _YAML_REFERENCE.search(_YAML_QUOTED.sub(r"\1", text)):
        return None
    return {name: "\n".join(lines) for name, lines in fields.items()}
