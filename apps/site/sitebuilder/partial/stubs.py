"""A page without its text, which says so if anybody asks for the text.                                   (pure)

A stub is the page's own front matter and a call of the trap, a shortcode that hugo runs only when some rendered output
wants this page's content (or its summary, word count, table of contents, ...). What never springs the trap does not
depend on the text; the exceptions are found by `tokens`. The table: tests/apps/site/partial/test_traps.py.
"""

import re
from collections.abc import Iterable

from sitebuilder.partial import front_matter

SHORTCODE = "lambent-trap"
SHORTCODE_FILE = f"layouts/_shortcodes/{SHORTCODE}.html"
SHORTCODE_LAYOUT = b'{{ warnf "LAMBENT-TRAP|%s|" .Page.File.Filename }}'
#: The `%` form: the `<` form is replaced after rendering, so a table of contents is made without it.
CALL = b"\n\n{{% " + SHORTCODE.encode() + b" %}}\n"
#: hugo looks at the text to tell whether a page is in such a language (`hasCJKLanguage`).
_CJK = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u1100-\u11ff\uf900-\ufaff\U00020000-\U0002fa1f]"
)
_SPRUNG = re.compile(r"LAMBENT-TRAP\|([^|\n]*)\|")
SUFFIXES = (".md", ".markdown")
SUMMARY_DIVIDER = re.compile(rb"<!--\s*more\s*-->")


def is_text(key: str) -> bool:
    return key.startswith("content/") and key.lower().endswith(SUFFIXES)


def stub(content: bytes) -> bytes | None:
    """None: the page must be there as it is."""
    parts = front_matter.split(content)
    if parts is None:
        return None
    try:
        has_cjk = bool(_CJK.search(parts.body.decode()))
    except UnicodeDecodeError:
        return None
    # Without front matter the text must not begin with the trap's own brace: that would be front matter in JSON.
    begin = parts.front if parts.front.strip() else b"."
    return begin + CALL + ("\u5b57\n".encode() if has_cjk else b"")


def sprung(warnings: Iterable[str]) -> frozenset[str]:
    """The files whose text was asked for, as hugo names them."""
    return frozenset(found[1] for warning in warnings for found in _SPRUNG.finditer(warning))
