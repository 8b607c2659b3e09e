"""A partial build from stubs, with the real hugo: what it asks for, and that its bytes are a whole build's."""

import hashlib
import math
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

import package
from site_edits import png
from sitebuilder import hugo
from sitebuilder.hugo import Succeeded
from sitebuilder.partial import cold, fast, pack, runs, survey
from sitebuilder.partial.cold import Range, StubRuns
from sitebuilder.partial.fast import Ready
from sitebuilder.partial.graph import Graph
from sitebuilder.partial.runs import Runs
from sitebuilder.settings import Settings
from sitebuilder.sources import Source

TEXTS = {
    "yaml": b"---\ntitle: yaml\n---\nA *text*.\n",
    "toml": b'\xef\xbb\xbf+++\ntitle = "toml"\n+++\nA text.\n\n## Section\n',
    "json": b'{"title": "json", "brace": "}"}\nA text.\n',
    "empty": b"---\n---\n",
    "plain": b"Only text.\n",
    "heading": b"\n\nText, then\n\n# a heading\n",
    "cjk": "---\ntitle: cjk\n---\n漢字かな交じり文。\n".encode(),
    "brace": b"---\ntitle: brace\n---\n{ not json }\n",
}
LAYOUTS = {
    "titles": "{{ range site.RegularPages }}<a href='{{ .RelPermalink }}'>{{ .Title }}</a>{{ end }}",
    "texts": "{{ range site.RegularPages }}{{ .Plain }}{{ .WordCount }}{{ end }}",
    "one": '{{ with site.GetPage "/posts/toml" }}{{ .TableOfContents }}{{ end }}',
    "chain": '{{ with site.GetPage "/posts/first" }}{{ .Content }}{{ end }}',
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    program = package.installed_hugo()
    assert program is not None
    return Settings(
        input_bucket="in",
        output_bucket="out",
        state_bucket="state",
        base_url="http://cold.test/",
        package_digest="",
        hugo=program,
        workspace=tmp_path,
        hugo_variables=(),
    )


def sources(layout: str) -> dict[str, bytes]:
    files = {
        "hugo.toml": b'title = "cold"\nhasCJKLanguage = true\ndisableKinds = ["rss"]\n',
        "layouts/page.html": b"{{ .Title }} {{ .Content }}",
        "layouts/list.html": b"{{ .Title }}",
        "layouts/hub.html": f"{{{{ .Content }}}}{LAYOUTS[layout]}".encode(),
        "layouts/_shortcodes/include.html": b"{{ (site.GetPage (.Get 0)).Content }}",
        "content/hub.md": b"---\ntitle: hub\nlayout: hub\n---\nOld.\n",
        "content/posts/first.md": b'---\ntitle: first\n---\n{{% include "/posts/second" %}}\n',
        "content/posts/second.md": b'---\ntitle: second\n---\n{{% include "/posts/yaml" %}}\n',
    }
    return files | {f"content/posts/{name}.md": text for name, text in TEXTS.items()}


def whole(settings: Settings, name: str, files: dict[str, bytes]) -> Path:
    """The folder of a whole build, made from nothing."""
    for key, content in files.items():
        file = settings.workspace / name / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    work = settings.workspace
    made = hugo.build(settings, source=work / name, destination=work / f"{name}-out", cache=work / "cache", seconds=60)
    assert isinstance(made, Succeeded), made
    return work / f"{name}-out"


def run_on(settings: Settings, name: str) -> Runs:
    work = settings.workspace
    return Runs(settings, work / name, work / f"{name}-partial", work / "cache", time.time() + 60)


def surveyed(settings: Settings, files: dict[str, bytes], wanted: dict[str, Source]) -> tuple[Graph, dict[str, str]]:
    output = whole(settings, "before", files)
    built = runs.digests(output)
    graph = survey.make(run_on(settings, "before"), wanted, output=output, built=built, recipe="", seconds=9.0)
    assert graph.refusal == ""
    return graph, built


@pytest.mark.parametrize(
    ("layout", "restarts", "demanded"),
    [
        ("titles", 0, set()),
        ("texts", 2, {*TEXTS, "first", "second"}),
        ("one", 1, {"toml"}),
        ("chain", 3, {"first", "second", "yaml"}),
    ],
)
def test_only_what_is_wanted_is_fetched(settings: Settings, layout: str, restarts: int, demanded: set[str]) -> None:
    files = sources(layout)
    wanted = {key: Source(str(hash(content)), 1.0) for key, content in files.items()}
    graph, built = surveyed(settings, files, wanted)
    packed = pack.encode(wanted, files)
    edited = files | {"content/hub.md": b"---\ntitle: hub\nlayout: hub\n---\nNew.\n"}
    now = wanted | {"content/hub.md": Source("new", 1.0)}
    read = Range(lambda first, end: packed[first:end])
    prefix = cold.read_prefix(read, pack.prefix_end(packed))
    assert prefix is not None
    texts = {"content/hub.md": edited["content/hub.md"]}
    stubbed = StubRuns(run_on(settings, "stubs"), prefix, read, now, texts, graph.pages, lambda _: None, built)
    stubbed.lay_out()
    found = fast.build(graph, now, texts, stubbed, built, max_share=math.inf)
    assert isinstance(found, Ready), found
    clean = runs.digests(whole(settings, "after", edited))
    assert dict(found.publish) == {path: clean[path] for path in found.publish}
    assert found.publish["hub/index.html"] != built["hub/index.html"]
    assert stubbed.restarts <= restarts
    asked = {Path(key).stem for key in stubbed.demanded}
    assert asked <= demanded
    assert layout == "titles" or asked


HOOK = "[goldmark.renderHooks.image]\nuseEmbedded = 'always'\n"
GET_OTHER = '(site.GetPage "/other").Resources.Get "p.png"'
#: What the templates do with pictures, and whose pictures are opened if the page "mine" is edited.
PICTURES = {
    "copied": ({"layouts/page.html": "{{ .Content }}"}, set()),
    "found by hugo's own hook": (
        {"layouts/page.html": "{{ .Content }}", "config/_default/markup.toml": HOOK},
        set(),
    ),
    "resized": (
        {"layouts/page.html": '{{ with .Resources.Get "p.png" }}{{ (.Resize "4x").RelPermalink }}{{ end }}'},
        {"mine"},
    ),
    "looked at by a hook": (
        {
            "layouts/page.html": "{{ .Content }}",
            "layouts/_markup/render-image.html": "{{ (.PageInner.Resources.Get .Destination).Width }}",
        },
        {"mine"},
    ),
    "shown by another page": (
        {"layouts/page.html": f"{{{{ with {GET_OTHER} }}}}{{{{ .Content | md5 }}}}{{{{ end }}}}"},
        {"mine", "other"},
    ),
    "fingerprinted by another page": (
        {"layouts/page.html": f"{{{{ with {GET_OTHER} | fingerprint }}}}{{{{ .RelPermalink }}}}{{{{ end }}}}"},
        {"mine", "other"},
    ),
    "an asset": (
        {"layouts/page.html": '{{ with resources.Get "p.png" }}{{ (.Crop "3x3").RelPermalink }}{{ end }}'},
        {"mine", "assets"},
    ),
    "measured": (
        {"layouts/page.html": "{{ range site.RegularPages }}{{ range .Resources }}{{ .Height }}{{ end }}{{ end }}"},
        {"mine", "other", "third"},
    ),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pictures_are_fetched_as_hugo_opens_them(settings: Settings, case: str) -> None:
    templates, opened = PICTURES[case]
    files = {
        "hugo.toml": b'title = "cold"\ndisableKinds = ["rss", "taxonomy", "term", "404"]\n',
        "layouts/all.html": b"{{ .Title }}",
        **{key: text.encode() for key, text in templates.items()},
        **{f"content/{name}/index.md": _text(name, "Old.") for name in ("mine", "other", "third")},
        **{f"content/{name}/p.png": _picture(name) for name in ("mine", "other", "third")},
        "assets/p.png": _picture("assets"),
    }
    wanted = {key: Source(hashlib.md5(content).hexdigest(), 1.0, len(content)) for key, content in files.items()}
    graph, built = surveyed(settings, files, wanted)
    packed = pack.encode(wanted, {key: content for key, content in files.items() if not key.endswith(".png")})
    edited = {"content/mine/index.md": _text("mine", "New.")}
    now = wanted | {"content/mine/index.md": Source("new", 1.0)}
    read = Range(lambda first, end: packed[first:end])
    prefix = cold.read_prefix(read, pack.prefix_end(packed))
    assert prefix is not None

    def download(keys: Iterable[str]) -> None:
        for key in keys:
            (settings.workspace / "stubs" / key).write_bytes(files[key])

    stubbed = StubRuns(
        run_on(settings, "stubs"),
        prefix,
        read,
        now,
        edited,
        graph.pages,
        download,
        built,
        only_copies_files=graph.findings.only_copies_files,
    )
    stubbed.lay_out()
    chosen = frozenset({"/mine"})
    made = runs.digests(stubbed.render_pages(chosen))
    clean = runs.digests(whole(settings, "after", files | edited))
    assert {path: clean[path] for path in made} == made
    assert "mine/index.html" in made
    assert {key.split("/")[-2] for key in stubbed.downloaded} == opened


def _text(title: str, text: str) -> bytes:
    return f"---\ntitle: {title}\n---\n{text} ![a picture](p.png)\n".encode()


def _picture(name: str) -> bytes:
    return png(Random(name)) + Random(name).randbytes(3000)
