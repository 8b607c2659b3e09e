"""What a site wants that the function does not have: told if its build fails over it, beside hugo's own words.   (pure)

Themes name more than they use (a remote picture that may be, a stylesheet of a variant), so hugo's errors decide which
of these wants matter.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from sitebuilder import statics

_IMPORTS = re.compile(r"\bimports\b", re.IGNORECASE)
_NODE = re.compile(r"\b(css\.(?:PostCSS|TailwindCSS)|postCSS|js\.Babel|babel|resources\.PostCSS)\b")
_REMOTE = re.compile(r"\bresources\.GetRemote\b|\bget(?:JSON|CSV)\b")
_OF_NODE = re.compile(r"postcss|tailwindcss|babel", re.IGNORECASE)
_OF_REMOTE = re.compile(r"GetRemote|error calling get(?:JSON|CSV)")
_OF_MODULES = re.compile(r"failed to (?:load|download) modules")
_OF_SASS = re.compile(r"TOCSS-DART|dart-?sass", re.IGNORECASE)
_NO_MODULE = re.compile(r'module "([^"]+)" not found')
_NO_FUNCTION = re.compile(
    r'function "[^"]+" not defined|can\'t evaluate field \w+ in type (?:page\.|\*?hugolib\.|hugo\.)'
)
_TOO_OLD = re.compile(r'Module "([^"]+)" is not compatible with this Hugo version: (?:Min )?([^;\n]*)')


def unmet(
    texts: Mapping[str, str], keys: Iterable[str], errors: Iterable[str], warnings: Iterable[str] = ()
) -> tuple[str, ...]:
    """`texts` are the configuration's and the templates' contents; `errors` and `warnings` are hugo's."""
    said = "\n".join(errors)
    return (*_of_modules(texts, keys, said), *_of_templates(texts, said), *_of_versions(said, "\n".join(warnings)))


def _of_modules(texts: Mapping[str, str], keys: Iterable[str], said: str) -> Iterator[str]:
    if not _OF_MODULES.search(said):
        return
    vendored = any(key.startswith("_vendor/") for key in keys)
    importing = [key for key, text in sorted(texts.items()) if statics.is_configuration(key) and _IMPORTS.search(text)]
    for key in importing if not vendored else ():
        yield f"{key} imports hugo modules, and the function sees no network: run `hugo mod vendor` and upload _vendor/"
    for module in dict.fromkeys(_NO_MODULE.findall(said)) if not importing else ():
        yield f"themes/{module}/ is not among the sources: a theme has to be uploaded with the site, submodules too"


def _of_templates(texts: Mapping[str, str], said: str) -> Iterator[str]:
    if _OF_SASS.search(said):
        yield 'the function has no Dart Sass: use `transpiler` "libsass", or build the stylesheet and upload the result'
    for key, text in sorted(texts.items()):
        if not statics.is_template(key):
            continue
        if _OF_NODE.search(said) and (node := _NODE.search(text)):
            yield (
                f"{key} uses {node[0]}, which needs Node.js: it is not in the function; "
                "build that stylesheet beforehand and upload the result"
            )
        if _OF_REMOTE.search(said) and (remote := _REMOTE.search(text)):
            yield f"{key} uses {remote[0]}, which needs the network: keep a copy among the sources"


def _of_versions(said: str, warned: str) -> Iterator[str]:
    for module, version in dict.fromkeys(_TOO_OLD.findall(warned)):
        yield f"{module} asks for hugo {version.strip()}, which the function's is not: use a version of it that fits"
    if _NO_FUNCTION.search(said):
        yield "if that template is a theme's, the theme was written for another version of hugo than the function's"
