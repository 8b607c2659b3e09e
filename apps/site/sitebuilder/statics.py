"""Which sources go to the website as they are, without passing through hugo or the sandbox?              (pure)

A file under `static/`, of the site or of a theme it uses, becomes the object of the same name. S3 can copy it by
itself, unless something could tell the difference: a configuration that mounts folders otherwise, languages with hosts
of their own, or a template that reads static files. Then hugo gets them, as it does on anybody's machine.
"""

import re
from collections.abc import Iterable, Mapping

from sitebuilder import sources

_MOUNTED_OTHERWISE = re.compile(r"\b(mounts|imports|static[-_]?dir\w*|ignorefiles|themesdir)\b", re.IGNORECASE)
_BASE_URL = re.compile(r"^\s*[\"']?baseurl\b", re.IGNORECASE | re.MULTILINE)
_READS_FILES = re.compile(r"\b(readFile|readDir|fileExists|imageConfig|os\.\w+|images\.Config)\b")
_OTHERWISE_BY_VARIABLE = re.compile(r"STATIC|MODULE|THEME|LANGUAGES")
_CANDIDATE = re.compile(r"(?:themes/([^/]+)/)?static/(.+)", re.DOTALL)
_THEME_CONFIGURATION = re.compile(r"themes/[^/]+/(?:(?:hugo|config|theme)\.(?:toml|yaml|yml|json)|config/.+)")


def is_candidate(key: str) -> bool:
    return _CANDIDATE.fullmatch(key) is not None


def is_decisive(key: str) -> bool:
    """May this source's content forbid the copying?"""
    return is_configuration(key) or is_template(key)


def is_configuration(key: str) -> bool:
    return sources.has_configuration([key]) or bool(_THEME_CONFIGURATION.fullmatch(key))


def is_template(key: str) -> bool:
    return key.startswith("layouts/") or bool(re.match(r"themes/[^/]+/layouts/", key)) or "_content." in key


def may_be_copied(texts: Mapping[str, str], keys: Iterable[str], variables: Iterable[str]) -> bool:
    """`texts` are the decisive sources' contents."""
    configuration = [text for key, text in texts.items() if is_configuration(key)]
    templates = [text for key, text in texts.items() if is_template(key)]
    own = [text for key, text in texts.items() if sources.has_configuration([key])]
    return not (
        any(_MOUNTED_OTHERWISE.search(text) for text in configuration)
        or sum(len(_BASE_URL.findall(text)) for text in own) > 1
        or any(_READS_FILES.search(text) for text in templates)
        or any(key == "go.mod" or key.startswith("_vendor/") for key in keys)
        or any(_OTHERWISE_BY_VARIABLE.search(name) for name in variables)
    )


def targets(keys: Iterable[str], themes: Iterable[str]) -> dict[str, str]:
    """Path to key. The site's own file goes before a theme's, an earlier theme's before a later one's."""
    order = {theme: number for number, theme in enumerate(themes, 1)}
    chosen: dict[str, tuple[int, str]] = {}
    for key in keys:
        found = _CANDIDATE.fullmatch(key)
        if found is None:
            continue
        theme, path = found.groups()
        rank = order.get(theme) if theme else 0
        if rank is not None and (path not in chosen or rank < chosen[path][0]):
            chosen[path] = (rank, key)
    return {path: key for path, (_, key) in chosen.items()}
