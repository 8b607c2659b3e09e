"""The sources of a site of any number of pages, as a blog has them: dates, tags, sections, summaries, a theme with a
sidebar, pages of pages, feeds and a site map. The same number gives the same site.
"""

from random import Random

_WORDS = """
bucket event function build page index change upload list order shard record stream queue topic rule
clock trace sandbox memory lane slot header body cache digest manifest release theme template
summary author reader week year
"""
WORDS = tuple(_WORDS.split())
TAGS = tuple(f"tag-{word}" for word in WORDS[:24])

_THEME = {
    "hugo.toml": 'title = "Bench"\ntheme = "bench"\n[pagination]\npagerSize = 10\n',
    "themes/bench/layouts/baseof.html": (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{{ .Title }}</title>'
        '{{ with resources.Get "bench.css" | minify | fingerprint }}<link rel="stylesheet" href="{{ .RelPermalink }}">'
        '{{ end }}</head><body>{{ block "main" . }}{{ end }}{{ partial "sidebar.html" . }}</body></html>\n'
    ),
    "themes/bench/layouts/_partials/sidebar.html": (
        "<aside>{{ range first 5 site.RegularPages.ByDate.Reverse }}"
        '<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}'
        '{{ range site.Taxonomies.tags.ByCount }}<a href="{{ .Page.RelPermalink }}">{{ .Page.Title }}</a>{{ end }}'
        "</aside>\n"
    ),
    "themes/bench/layouts/page.html": (
        '{{ define "main" }}<h1>{{ .Title }}</h1>{{ .Content }}'
        '{{ with .PrevInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}'
        '{{ with .NextInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}{{ end }}\n'
    ),
    "themes/bench/layouts/list.html": (
        '{{ define "main" }}<h1>{{ .Title }}</h1>{{ range (.Paginate .Pages).Pages }}'
        '<h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>{{ .Summary }}{{ end }}{{ end }}\n'
    ),
    "themes/bench/layouts/home.html": (
        '{{ define "main" }}{{ range (.Paginate site.RegularPages).Pages }}'
        '<h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>{{ .Summary }}{{ end }}{{ end }}\n'
    ),
    "themes/bench/assets/bench.css": "body { margin: 0 auto; max-width: 40rem }\n",
    "themes/bench/static/robots.txt": "User-agent: *\nAllow: /\n",
    "static/favicon.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>\n',
}


def post(number: int) -> str:
    return f"content/section-{number % 8}/post-{number:05}.md"


def url(number: int) -> str:
    return f"/section-{number % 8}/post-{number:05}/"


def make(pages: int) -> dict[str, bytes]:
    choice = Random(pages)
    site = {key: text.encode() for key, text in _THEME.items()}
    for number in range(pages):
        day = f"20{10 + number % 14}-{1 + number % 12:02}-{1 + number % 28:02}"
        tags = ", ".join(choice.sample(TAGS, 3))
        paragraphs = "\n\n".join(_paragraph(choice) for _ in range(12))
        text = f"---\ntitle: Post {number}\ndate: {day}\ntags: [{tags}]\n---\n\n{paragraphs}\n"
        site[post(number)] = text.encode()
    return site


def _paragraph(choice: Random) -> str:
    return " ".join(choice.choices(WORDS, k=50)).capitalize() + "."
