"""What an edit of a large site costs: the builder as a library over a local folder, each edit against a clean build.

The whole build, the partial one and the clean one it is compared with run one after the other, so the shares hold on
any machine. CPU is user and system time of this process and of hugo. A cold edit knows nothing but the state bucket's
objects: it reads the graph and, in ranges, the pack.
"""

import hashlib
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import report, site_generator
from lambent.cli import demo_site
from sitebuilder import hugo
from sitebuilder.hugo import Succeeded
from sitebuilder.partial import classification, cold, fast, pack, runs, survey
from sitebuilder.partial import graph as graphs
from sitebuilder.partial.fast import Ready
from sitebuilder.partial.runs import Runs
from sitebuilder.settings import Settings
from sitebuilder.sources import Source

#: The whole build of so many pages must cost so many times a body edit's first publication.
SHARES = {100: None, 1_000: 0.25, 10_000: 0.1}
LARGE = 10_000
COLD_SHARE = 0.15
SECONDS = 900.0


@dataclass
class Bench:
    """One generated site in a folder of its own, after its first whole build."""

    folder: Path
    pages: int
    source_bytes: int = 0
    whole_cpu: float = 0.0
    graph: bytes = b""
    packed: bytes = b""
    published: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, Source] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def settings(self) -> Settings:
        return Settings(
            input_bucket="source",
            output_bucket="website",
            state_bucket="state",
            base_url="http://example.test/",
            package_digest="",
            hugo=demo_site.installed_hugo(),
            workspace=self.folder,
            hugo_variables=(),
        )

    def runs(self, source: Path) -> Runs:
        return Runs(self.settings, source, self.folder / "partial", self.folder / "cache", time.time() + SECONDS)

    def build_whole(self) -> dict[str, str]:
        output = self.folder / "output"
        shutil.rmtree(output, ignore_errors=True)
        began = _cpu()
        outcome = hugo.build(
            self.settings, source=self.source, destination=output, cache=self.folder / "cache", seconds=SECONDS
        )
        made = runs.digests(output)
        self.whole_cpu = self.whole_cpu or _cpu() - began
        assert isinstance(outcome, Succeeded), outcome
        return made

    def start(self) -> None:
        sources = site_generator.make(self.pages)
        self.source_bytes = sum(map(len, sources.values()))
        site_generator.write(self.source, sources)
        self.published = self.build_whole()
        self.wanted = {key: Source(_digest(content), 1.0) for key, content in self.contents().items()}
        made = survey.make(
            self.runs(self.source),
            self.wanted,
            output=self.folder / "output",
            built=self.published,
            recipe="",
            seconds=SECONDS,
        )
        assert not made.refusal, made.refusal
        self.graph = graphs.encode(made)
        self.packed = pack.encode(self.wanted, self.contents())

    def contents(self) -> dict[str, bytes]:
        files = (file for file in self.source.rglob("*") if file.is_file())
        return {file.relative_to(self.source).as_posix(): file.read_bytes() for file in files}

    def edit(self, key: str, content: str) -> tuple[Ready | None, float]:
        """What the first phase publishes, and its CPU."""
        (self.source / key).write_text(content, encoding="utf-8")
        began = _cpu()
        graph, wanted, texts = self._changed()
        found = fast.build(graph, wanted, texts, self.runs(self.source), self.published)
        return (found if isinstance(found, Ready) else None), _cpu() - began

    def edit_cold(self) -> tuple[Ready | None, float, int]:
        """The same from nothing: and the bytes that were read."""
        folder = self.folder / "stubs"
        began = _cpu()
        graph, wanted, texts = self._changed()
        read = cold.Range(lambda first, end: self.packed[first:end])
        prefix = cold.read_prefix(read, pack.prefix_end(self.packed))
        assert prefix is not None
        stubbed = cold.StubRuns(
            self.runs(folder), prefix, read, wanted, texts, graph.pages, lambda _: None, self.published
        )
        stubbed.lay_out()
        found = fast.build(graph, wanted, texts, stubbed, self.published)
        weight = read.weight + len(self.graph) + sum(map(len, texts.values()))
        return (found if isinstance(found, Ready) else None), _cpu() - began, weight

    def _changed(self) -> tuple[graphs.Graph, Mapping[str, Source], Mapping[str, bytes]]:
        graph = graphs.decode(self.graph)
        assert graph is not None
        now = self.contents_digests()
        changed = classification.changed_keys(graph, now)
        assert classification.of_change(now, changed) is None
        return graph, now, {key: (self.source / key).read_bytes() for key in changed}

    def contents_digests(self) -> dict[str, Source]:
        """As a listing would say it: what was edited has another ETag."""
        key = site_generator.post(7)
        return {**self.wanted, key: Source(_digest((self.source / key).read_bytes()), 1.0)}


def measure(*, large: bool) -> Iterator[report.Figure]:
    for pages, share in SHARES.items():
        if pages < LARGE or large:
            with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
                yield from _site(Bench(Path(folder), pages), share)


def _site(bench: Bench, share: float | None) -> Iterator[report.Figure]:
    bench.start()
    key = site_generator.post(7)
    before = (bench.source / key).read_text(encoding="utf-8")
    of = f"of {bench.pages:,} pages"
    wrong = 0
    body, cpu = bench.edit(key, f"{before}\nOne *more* sentence.\n")
    assert body is not None
    yield report.Figure(
        f"text edit {of}: CPU to the first publication, share of a whole build",
        cpu / bench.whole_cpu,
        "",
        share,
        note=f"{cpu:.2f} s of {bench.whole_cpu:.2f} s, {len(body.reach.rendered)} pages rendered",
    )
    partly = dict(body.publish)
    from_nothing, cpu, weight = bench.edit_cold()
    clean = bench.build_whole()
    wrong += _wrong(partly, clean) + (_wrong(from_nothing.publish, clean) if from_nothing else 0)
    yield report.Figure(
        f"text edit {of}, cold: bytes read, share of the sources",
        weight / bench.source_bytes,
        "",
        COLD_SHARE,
        note=f"{weight / 1e6:.2f} of {bench.source_bytes / 1e6:.1f} MB, {cpu:.2f} s of CPU",
    )
    titled, cpu = bench.edit(key, before.replace("title: Post", "title: Another post"))
    if titled is not None:
        partly = dict(titled.publish)
        wrong += _wrong(partly, bench.build_whole())
    note = "whole at once" if titled is None else f"{len(titled.reach.rendered)} pages rendered"
    yield report.Figure(f"title edit {of}: CPU to the first publication", cpu, "s", note=note)
    yield report.Figure(f"edits {of}: objects published with wrong bytes", wrong, "", 0)


def _wrong(publish: Mapping[str, str], clean: Mapping[str, str]) -> int:
    return sum(clean.get(path) != digest for path, digest in publish.items())


def _digest(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
