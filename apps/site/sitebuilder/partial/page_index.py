"""Every page of the site as hugo itself sees it, written by hugo through an output format of our own.     (pure)

Only hugo knows what a page's path, terms and neighbours are: cascades, permalinks, languages and mounts all have their
say. A page of ours writes it, which no list shows. Where content is mounted otherwise, so that hugo does not see that
page, the home page does: its formats come through environment variables then, which win over the site's configuration,
and are not its own in the index. The output format comes so in any case. What such a run makes is thrown away.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

FORMAT = "lambentindex"
OUTPUT = "lambent-index.json"
VARIABLES = (
    ("HUGO_OUTPUTFORMATS_LAMBENTINDEX_BASENAME", OUTPUT.removesuffix(".json")),
    ("HUGO_OUTPUTFORMATS_LAMBENTINDEX_ISPLAINTEXT", "true"),
    ("HUGO_OUTPUTFORMATS_LAMBENTINDEX_MEDIATYPE", "application/json"),
    ("HUGO_OUTPUTFORMATS_LAMBENTINDEX_NOTALTERNATIVE", "true"),
)
AT_HOME = ("HUGO_OUTPUTS_HOME", FORMAT)
LAYOUT_FILES = (f"layouts/home.{FORMAT}.json", f"layouts/page.{FORMAT}.json")
#: Once for all languages: by our page, or on the home page of the first. One JSON document, for minified sites.
LAYOUT = b"""
{{- if or (ne .Kind "home") (eq site.Language.Lang (index hugo.Sites 0).Language.Lang) -}}
[{{- $comma := "" -}}
{{- range $s := hugo.Sites -}}
{{- $plurals := slice -}}
{{- range $plural, $_ := $s.Taxonomies -}}{{- $plurals = $plurals | append $plural -}}{{- end -}}
{{- range $p := $s.Pages -}}
{{- $terms := slice -}}{{- $spelt := slice -}}
{{- range $plural := $plurals -}}
{{- range $p.GetTerms . -}}{{- $terms = $terms | append .Path -}}{{- end -}}
{{- with index $p.Params . -}}
{{- range slice | append . -}}{{- $spelt = $spelt | append (print $plural "/" .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $outputs := slice -}}{{- range $p.OutputFormats -}}{{- $outputs = $outputs | append .RelPermalink -}}{{- end -}}
{{- $up := slice -}}{{- range $p.Ancestors -}}{{- $up = $up | append .Path -}}{{- end -}}
{{- $beside := slice -}}
{{- range slice $p.Next $p.Prev $p.NextInSection $p.PrevInSection -}}
{{- with . -}}{{- $beside = $beside | append .Path -}}{{- end -}}
{{- end -}}
{{- $url := $p.RelPermalink -}}{{- if eq $p.Kind "home" -}}{{- $url = print $s.LanguagePrefix "/" -}}{{- end -}}
{{- $file := "" -}}{{- with $p.File -}}{{- $file = .Filename -}}{{- end -}}
{{- $comma }}{{ jsonify (dict "path" $p.Path "lang" $p.Language.Lang "kind" $p.Kind "type" $p.Type "layout" $p.Layout
  "file" $file "base" $s.BaseURL "url" $url "outputs" $outputs "terms" $terms "spelt" $spelt "up" $up
  "beside" $beside) }}
{{ $comma = "," -}}
{{- end -}}
{{- end -}}
]
{{- end -}}
"""
#: In content/, or the language's folder below it.
WRITER_FILE, WRITER_PATH = "lambent-index.md", "/lambent-index"
WRITER = json.dumps({"outputs": [FORMAT], "draft": False, "build": {"list": "never", "render": "always"}}).encode()


class Unusable(Exception):
    """The index does not say what the partial build has to know; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    lang: str
    kind: str
    type: str
    layout: str
    source: str
    """Its key among the sources; "" where it has none."""
    outputs: tuple[str, ...]
    """Paths of the website, without those of further pagers."""
    terms: tuple[str, ...]
    spelt: tuple[str, ...]
    """Its terms as its front matter has them, each after its taxonomy: "tags/Go"."""
    up: tuple[str, ...]
    beside: tuple[str, ...]

    @property
    def group(self) -> tuple[str, str, str, str]:
        """Pages that are rendered by the same template, as far as can be told from outside."""
        return (self.kind, self.type, self.layout, self.lang)


def read(text: str, source_folder: str) -> tuple[Page, ...]:
    try:
        documents = json.loads(text)
    except ValueError as error:
        raise Unusable("a template of the site writes something else in place of the page index") from error
    bases = {urlsplit(document["base"]) for document in documents}
    if len(bases) > 1:
        raise Unusable("each language has a host of its own")
    prefix = next((base.path for base in bases), "").rstrip("/")
    return tuple(
        sorted((_page(document, source_folder, prefix) for document in documents), key=lambda p: (p.path, p.lang))
    )


def term_spellings(pages: Iterable[Page]) -> dict[tuple[str, str], set[str]]:
    """Terms spelt in more than one way: whichever page hugo meets first names the term, which changes from build to
    build (hugo is parallel), unless the term has a page of its own that does. Each language has its own terms, and to
    hugo nothing but case and spaces is a matter of spelling: `c`, `c++` and `c#` are three."""
    spellings: dict[tuple[str, str], set[str]] = {}
    for page in pages:
        for text in page.spelt:
            spellings.setdefault((page.lang, re.sub(r"[\s-]+", "-", text.lower()).strip("-")), set()).add(text)
    return {name: texts for name, texts in spellings.items() if len(texts) > 1}


def published_path(url: str, prefix: str) -> str:
    path = unquote(urlsplit(url).path).removeprefix(prefix).lstrip("/")
    return f"{path}index.html" if path.endswith("/") or not path else path


def _page(document: dict[str, object], source_folder: str, prefix: str) -> Page:
    file = str(document["file"])
    inside = file.startswith(f"{source_folder}/")
    outputs = tuple(
        sorted({published_path(url, prefix) for url in (*_texts(document["outputs"]), str(document["url"])) if url})
    )
    return Page(
        path=str(document["path"]),
        lang=str(document["lang"]),
        kind=str(document["kind"]),
        type=str(document["type"]),
        layout=str(document["layout"]),
        source=file.removeprefix(f"{source_folder}/") if inside else "",
        outputs=tuple(path for path in outputs if not path.endswith(OUTPUT)),
        terms=tuple(sorted(set(_texts(document["terms"])))),
        spelt=_texts(document["spelt"]),
        up=_texts(document["up"]),
        beside=tuple(sorted(set(_texts(document["beside"])))),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
