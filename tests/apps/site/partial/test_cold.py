"""A partial build from stubs, with the real hugo: what it asks for, and that its bytes are a whole build's."""

import math
import time
from pathlib import Path

import pytest

import package
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
    prefix = cold.read_prefix(read)
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
