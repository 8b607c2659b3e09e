"""What a site wants that the function does not have: told when its build fails, beside hugo's own words.    (pure)"""

import re
from collections.abc import Iterable, Mapping

from sitebuilder import statics

_IMPORTS = re.compile(r"\bimports\b", re.IGNORECASE)
_NODE = re.compile(r"\b(css\.(?:PostCSS|TailwindCSS)|postCSS|js\.Babel|babel|resources\.PostCSS)\b")
_REMOTE = re.compile(r"\bresources\.GetRemote\b|\bget(?:JSON|CSV)\b")


def unmet(texts: Mapping[str, str], keys: Iterable[str]) -> tuple[str, ...]:
    """`texts` are the configuration's and the templates' contents."""
    vendored = any(key.startswith("_vendor/") for key in keys)
    found = []
    for key, text in sorted(texts.items()):
        if statics.is_configuration(key) and _IMPORTS.search(text) and not vendored:
            found.append(
                f"{key} imports hugo modules, and the function sees no network: "
                "run `hugo mod vendor` and upload _vendor/"
            )
        if statics.is_template(key) and (node := _NODE.search(text)):
            found.append(
                f"{key} uses {node[0]}, which needs Node.js: it is not in the function; "
                "build that stylesheet beforehand and upload the result"
            )
        if statics.is_template(key) and (remote := _REMOTE.search(text)):
            found.append(f"{key} uses {remote[0]}, which needs the network: keep a copy among the sources")
    return tuple(found)
