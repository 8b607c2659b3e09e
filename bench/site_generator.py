"""A site of any size with a theme as they are found in the wild: a paginated home page, sections, tags, a sidebar of
recent posts on every page, neighbours, related posts by tag, feeds and a fingerprinted style sheet."""

import random
from collections.abc import Mapping
from pathlib import Path

CONFIG = """baseURL = "http://example.test/"
title = "Generated"
[pagination]
pagerSize = 10
[taxonomies]
tag = "tags"
category = "categories"
[outputs]
home = ["html", "rss"]
section = ["html"]
taxonomy = ["html"]
term = ["html", "rss"]
[services.rss]
limit = 20
"""
BASE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ .Title }} | {{ site.Title }}</title>
{{ with resources.Get "css/site.css" | minify | fingerprint }}
<link rel="stylesheet" href="{{ .RelPermalink }}">{{ end }}
</head><body><nav><a href="/">Home</a> <a href="/posts/">Posts</a> <a href="/tags/">Tags</a></nav>
<main>{{ block "main" . }}{{ end }}</main>
<aside>{{ range site.Taxonomies.tags.ByCount }}
<a href="{{ .Page.RelPermalink }}">{{ .Page.LinkTitle }} {{ .Count }}</a> {{ end }}
<ul>{{ range first 5 site.RegularPages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul></aside>
</body></html>
"""
PAGE = """{{ define "main" }}<article><h1>{{ .Title }}</h1><time>{{ .Date.Format "2006-01-02" }}</time>
{{ .TableOfContents }}<p>{{ .ReadingTime }} minutes</p>
{{ .Content }}
{{ range .GetTerms "tags" }}<a href="{{ .RelPermalink }}">{{ .LinkTitle }}</a> {{ end }}
{{ with .NextInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
{{ with .PrevInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
{{ range first 3 (site.RegularPages.Related .) }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
</article>{{ end }}
"""
HOME = """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ $pages := where site.RegularPages "Type" "in" (slice "posts") }}
{{ range (.Paginate $pages).Pages }}<h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>
%s{{ range .GetTerms "tags" }}<a href="{{ .RelPermalink }}">{{ .LinkTitle }}</a> {{ end }}{{ end }}
{{ partial "pager.html" . }}{{ end }}
"""
LIST = """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ range (.Paginate (where .RegularPagesRecursive "Type" "posts")).Pages }}
<h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>
%s{{ end }}{{ partial "pager.html" . }}{{ end }}
"""
PAGER = (
    """{{ with .Paginator }}{{ range first 5 .Pagers }}<a href="{{ .URL }}">{{ .PageNumber }}</a>{{ end }}{{ end }}"""
)
FEED = """<rss><channel><title>{{ .Title }}</title>{{ range first 20 .RegularPages }}<item><title>{{ .Title }}</title>
<link>{{ .Permalink }}</link></item>{{ end }}</channel></rss>
"""
WORDS = [
    first + second
    for first in ("ba", "ke", "li", "mo", "nu", "ra", "so", "ti")
    for second in ("den", "lor", "min", "sta")
]


def make(pages: int, *, summaries: bool = False) -> dict[str, bytes]:
    """All sources, by key; the same number gives the same site."""
    rng = random.Random(pages)
    summary = "<p>{{ .Summary }}</p>" if summaries else ""
    files = {
        "hugo.toml": CONFIG,
        "assets/css/site.css": "main { max-width: 40em; }\n" * 20,
        "layouts/baseof.html": BASE,
        "layouts/page.html": PAGE,
        "layouts/home.html": HOME % summary,
        "layouts/list.html": LIST % summary,
        "layouts/_partials/pager.html": PAGER,
        "layouts/rss.xml": FEED,
        "content/_index.md": "---\ntitle: Home\n---\n",
        "content/posts/_index.md": "---\ntitle: Posts\n---\n",
        "content/about.md": "---\ntitle: About\n---\nNothing to tell.\n",
    }
    files |= {post(number): _post(number, rng) for number in range(pages)}
    return {key: text.encode() for key, text in files.items()}


def write(folder: Path, sources: Mapping[str, bytes]) -> None:
    for key, content in sources.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def post(number: int) -> str:
    return f"content/posts/{number // 500:02}/post-{number:05}.md"


def url(number: int) -> str:
    return f"/{post(number).removeprefix('content/').removesuffix('.md')}/"


def _post(number: int, rng: random.Random) -> str:
    tags = ", ".join(sorted({f"tag{rng.randrange(120):03}" for _ in range(3)}))
    paragraphs = "\n\n".join(
        " ".join(rng.choice(WORDS) for _ in range(90)) + f" *{rng.choice(WORDS)}*." for _ in range(6)
    )
    date = f"{2010 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    front = f"title: Post number {number}\ndate: {date}\ntags: [{tags}]\ncategories: [cat{number % 12}]"
    return f"---\n{front}\n---\n\n## A beginning\n\n{paragraphs}\n"
