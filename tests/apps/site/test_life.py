"""A site's life: static files, redirects, releases, due posts, previews, large deletes, cold starts."""

import http.client
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from platform_process import PlatformProcess
from site_edits import png
from sitebuilder import former
from sitebuilder.buckets import Bucket, Traffic
from sitebuilder.caches import Caches
from sitebuilder.events import Build, Change, Look, Rollback
from sitebuilder.materials import Materials
from sitebuilder.rounds import NoSuchGeneration
from sitebuilder.state import State
from sitebuilder.timer import Timer
from small_site import Died, SmallSite
from two_phases import Noted


@pytest.fixture
def small(platform: PlatformProcess, tmp_path: Path) -> Iterator[SmallSite]:
    site = SmallSite(platform, tmp_path)
    yield site
    site.s3.close()


def page(title: str, *fields: str) -> str:
    return "\n".join(["---", f"title: {title}", *fields, "---", ""])


def test_static_files_are_copied_past_hugo(small: SmallSite, tmp_path: Path) -> None:
    small.put("static/data/a b&ü.json", "{}")
    small.put("static/a/index.html", "the page wins")
    (first,) = small.build()
    assert "data/a b&ü.json" in first.uploaded
    assert not (tmp_path / "warm/source/static").exists()
    assert small.digests() == small.clean_build()
    head = small.s3.head_object(Bucket=small.website.name, Key="data/a b&ü.json")
    assert (head["ContentType"], head["CacheControl"]) == (
        "application/json; charset=utf-8",
        "public, max-age=0, must-revalidate",
    )
    small.put("static/data/a b&ü.json", "[]")
    (second,) = small.build()
    assert (second.mode, second.uploaded, second.hugo_ms) == ("static", ("data/a b&ü.json",), 0)
    small.delete("static/data/a b&ü.json")
    assert [report.deleted for report in small.build()] == [("data/a b&ü.json",)]
    assert small.digests() == small.clean_build()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("layouts/home.html", '{{ readFile "static/x.txt" }}'),
        ("hugo.toml", 'title = "s"\nstaticDir = ["static", "more"]\n'),
        ("hugo.toml", 'title = "s"\n[[module.mounts]]\nsource = "static"\ntarget = "static/sub"\n'),
    ],
)
def test_hugo_gets_the_static_files_where_it_could_tell(key: str, text: str, small: SmallSite) -> None:
    small.put("static/x.txt", "x")
    small.put("more/y.txt", "y")
    small.build()
    small.put(key, text)
    small.build()
    assert small.digests() == small.clean_build()
    small.put("static/x.txt", "x2")
    small.build()
    assert small.digests() == small.clean_build()


def test_death_while_static_files_are_published_is_mended(small: SmallSite) -> None:
    small.put("static/a.txt", "a")
    small.build()
    for survived in range(1, 12, 2):
        small.put("static/a.txt", f"{survived}")
        small.put("static/b.txt", f"{survived}")
        small.life.steps_left = survived
        try:
            small.build()
        except Died:
            small.life.steps_left = 1_000_000
            small.build()
        small.life.steps_left = 1_000_000
        assert small.digests() == small.clean_build(), f"died after {survived} writes"


def test_aliases_are_redirects_of_the_website_endpoint(small: SmallSite, platform: PlatformProcess) -> None:
    small.s3.put_bucket_website(
        Bucket=small.website.name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    small.put("content/b.md", page("b", "aliases: [/old/b/, /old.html]"))
    small.build()
    assert small.digests() == small.clean_build(), "the page itself is hugo's"
    for path in ("/old/b/", "/old.html"):
        connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=10)
        connection.request("GET", path, headers={"Host": f"{small.website.name}.s3-website.localhost:{platform.port}"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"].rpartition("localhost")[2][-3:]) == (301, "/b/")
        connection.close()


def test_a_cold_start_reads_one_pack(small: SmallSite) -> None:
    for number in range(30):
        small.put(f"content/n{number}.md", page(f"n{number}"))
    small.build()
    small.put("content/n1.md", page("changed"))
    (report,) = small.build(workspace="cold")
    assert report.fetched == 1
    assert small.digests() == small.clean_build()
    small.s3.put_object(Bucket=small.state.name, Key=f"{small.website.name}/sources.pack", Body=b"sitepack-1\ndamaged")
    small.put("content/n2.md", page("changed, too"))
    (report,) = small.build(workspace="colder")
    assert report.fetched == 35
    assert small.digests() == small.clean_build()


def test_a_warm_edit_asks_for_nothing_but_the_list_and_what_changed(small: SmallSite) -> None:
    """Eight writes for one page: the turn, what is about to change, the page as it was, the page, what the generation
    consists of (twice), the commit, the note for people, the turn."""
    small.put("hugo.toml", 'title = "small"\ndisableKinds = ["taxonomy", "term", "rss", "sitemap"]\n')
    small.build()
    traffic = Traffic(small.s3)
    small.put("content/a.md", page("a") + "An edit.\n")
    news = Look((Change("content/a.md", small.source.list()["content/a.md"].etag),))
    before = traffic.counts()
    (report,) = small.build(wake=news)
    assert report.uploaded == ("a/index.html",)
    assert traffic.counts() - before == {
        ("ListObjectsV2", small.source.name): 1,
        ("GetObject", small.source.name): 1,
        ("PutObject", small.website.name): 1,
        ("CopyObject", small.state.name): 1,
        ("PutObject", small.state.name): 7,
    }


def test_an_event_that_tells_nothing_new_costs_one_request(small: SmallSite) -> None:
    small.build()
    news = Look((Change("content/a.md", small.source.list()["content/a.md"].etag),))
    traffic = Traffic(small.s3)
    assert [report.outcome for report in small.build(wake=news)] == ["seen"]
    assert traffic.counts() == {("GetObject", small.state.name): 1}


def test_verify_believes_nothing(small: SmallSite) -> None:
    small.build()
    small.s3.put_object(Bucket=small.website.name, Key="a/index.html", Body=b"tampered with")
    (report,) = small.build(wake=Build(cause="verify", from_nothing=True))
    assert (report.cause, report.uploaded, report.fetched) == ("verify", ("a/index.html",), 5)
    assert small.digests() == small.clean_build()


def test_back_to_a_generation_and_forward_with_the_next_edit(small: SmallSite) -> None:
    small.put("static/s.txt", "one")
    (first,) = small.build()
    before = small.digests()
    small.put("content/a.md", page("a2"))
    small.put("static/s.txt", "two")
    small.put("content/d.md", page("d"))
    small.build()
    (back,) = small.build(wake=Rollback(first.generation))
    assert (back.outcome, back.generation, back.deleted) == ("published", 3, ("d/index.html",))
    assert small.digests() == before
    assert [report.outcome for report in small.build()] == ["unchanged"], "pinned: no source has changed since"
    assert [report.outcome for report in small.build(wake=Build())] == ["pinned"]
    small.put("content/b.md", page("b2"))
    assert [report.outcome for report in small.build()] == ["published"]
    assert small.digests() == small.clean_build()
    small.build(wake=Rollback(1))
    assert small.digests() == before
    assert [report.outcome for report in small.build(wake=Build(unpin=True))] == ["published"]
    assert small.digests() == small.clean_build()
    with pytest.raises(NoSuchGeneration, match="generation 99 is not kept; there are: 1, 2, 3, 4, 5, 6"):
        small.build(wake=Rollback(99))


def test_death_during_a_rollback_is_mended_by_its_retry(small: SmallSite) -> None:
    small.build()
    before = small.digests()
    small.put("content/a.md", page("a2"))
    small.build()
    for survived in range(1, 9):
        small.life.steps_left = survived
        with pytest.raises(Died):
            small.build(wake=Rollback(1))
        small.life.steps_left = 1_000_000
    small.build(wake=Rollback(1))
    assert small.digests() == before


def test_old_generations_are_forgotten_with_what_only_they_need(
    small: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sitebuilder.publisher.SWEEP_EVERY", 2)
    small.more_settings = {"releases": 2}
    for number in range(4):
        small.put("content/a.md", page(f"a{number}"))
        small.build()
    names = [key.removeprefix(f"{small.website.name}/") for key in small.state.list()]
    kept = small.site().rounds.state.head()[0].releases
    assert {name[4:] for name in names if name.startswith("out/")} == {it for each in kept for it in each.manifests}
    assert (len(kept), len({each.whole for each in kept})) == (2, 1), "both are differences from the first"
    assert sum(name.startswith("blobs/") for name in names) == 5, "the pages that show the title, once"
    small.build(wake=Rollback(3))
    assert "a2" in small.s3.get_object(Bucket=small.website.name, Key="a/index.html")["Body"].read().decode()


def test_what_was_published_before_there_were_generations_is_taken_over(small: SmallSite) -> None:
    """And again by the retry of an attempt that died."""
    small.put("static/s.txt", "s")
    small.build()
    published = small.website.list()
    objects = {path: [there.etag, former.headers_digest(path), there.etag] for path, there in published.items()}
    objects["sitemap.xml"][1] = "of other rules"
    objects["gone/index.html"] = ["1", "2", "3"]
    small.s3.put_object(Bucket=small.website.name, Key="gone/index.html", Body=b"of a former build")
    small.state.delete(small.state.list())
    record = {"version": 1, "built_from": "f", "settled": True, "objects": objects}
    small.s3.put_object(
        Bucket=small.state.name, Key=f"{small.website.name}/published.json", Body=json.dumps(record).encode()
    )
    small.put("content/a.md", page("a") + "changed\n")
    small.life.steps_left = 4
    with pytest.raises(Died):
        small.build()
    small.life.steps_left = 1_000_000
    (report,) = small.build()
    assert (report.generation, report.deleted) == (1, ("gone/index.html",))
    assert set(report.uploaded) == {"a/index.html", "index.xml", "sitemap.xml"}
    assert small.digests() == small.clean_build()
    assert f"{small.website.name}/published.json" not in small.state.list()
    assert [report.outcome for report in small.build()] == ["unchanged"]


def test_replaced_fingerprinted_files_stay_for_their_grace_and_no_longer(
    small: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.more_settings = {"grace_seconds": 600}
    small.timer = noted = Noted()  # type: ignore[assignment]  # only the moment it is set to matters here
    small.put("layouts/page.html", '{{ with resources.Get "a.css" | fingerprint }}{{ .RelPermalink }}{{ end }}')
    small.put("assets/a.css", "a {}")
    small.build()
    before = small.digests()
    begun = time.time()
    small.put("assets/a.css", "b {}")
    (report,) = small.build()
    (stays,) = small.digests().keys() - small.clean_build().keys()
    assert (stays in before, report.deleted) == (True, ())
    assert noted.moment is not None
    assert begun + 600 <= noted.moment <= time.time() + 601
    small.put("content/a.md", page("a2"))
    small.build(workspace="another environment")
    assert noted.moment < begun + 602, "not from anew"
    assert small.digests().keys() - small.clean_build().keys() == {stays}
    small.put("assets/a.css", "a {}")
    small.build(workspace="another environment")
    (other,) = small.digests().keys() - small.clean_build().keys()
    assert other != stays, "it is wanted again"
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 602)
    (report,) = small.build(workspace="a third one", wake=Build(cause="timer"))
    assert report.deleted == (other,)
    assert small.digests() == small.clean_build(), "nothing stale, nothing missing"
    assert [report.outcome for report in small.build()] == ["unchanged"]


def test_a_large_delete_asks_first(small: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sitebuilder.publication.MAX_DELETED", 1)
    small.build()
    before = small.digests()
    for name in "abc":
        small.delete(f"content/{name}.md")
    (held,) = small.build()
    assert held.outcome == "held"
    assert f"3 of {len(before)} objects" in held.errors[0]
    assert f"lambent site confirm {small.website.name}" in held.errors[0]
    assert small.digests() == before
    assert [report.outcome for report in small.build(wake=Build(cause="confirmed", is_confirmed=True))] == ["published"]
    assert small.digests() == small.clean_build()


def test_a_due_post_sets_a_schedule_and_comes_when_it_is_time(
    small: SmallSite, platform: PlatformProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = boto3.client(
        "scheduler",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    arn, role = "arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:iam::000000000000:role/r"
    small.timer = Timer(scheduler, small.website.name, arn, role, small.website.name)
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    small.put("content/later.md", page("later", f"publishDate: {due.isoformat()}"))
    small.put("content/draft.md", page("draft", "draft: true", f"publishDate: {due.isoformat()}"))
    small.build()
    assert "later/index.html" not in small.digests()
    schedule = scheduler.get_schedule(Name=small.website.name)
    assert schedule["ScheduleExpression"] == f"at({due:%Y-%m-%dT%H:%M:%S})"
    assert (schedule["Target"]["Arn"], schedule["ActionAfterCompletion"]) == (arn, "DELETE")
    sooner = due - timedelta(hours=1)
    small.put("content/a.md", page("a", f"expiryDate: {sooner.isoformat()}"))
    small.build()
    assert f"{sooner:%H:%M:%S}" in scheduler.get_schedule(Name=small.website.name)["ScheduleExpression"]
    clock = f"{due + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    monkeypatch.setattr("sitebuilder.hugo.PREVIEW", ("--clock", clock))
    small.more_settings = {"is_preview": True}
    monkeypatch.setattr("sitebuilder.rendering.hide_from_search", lambda _: None)
    small.build(wake=Build(cause="timer"))
    assert "later/index.html" in small.digests()
    assert "a/index.html" not in small.digests()
    assert small.digests() == small.clean_build(None, "--clock", clock)
    small.more_settings = {}
    for name in ("later", "draft", "a"):
        small.delete(f"content/{name}.md")
    small.build()
    scheduler.close()


def test_a_preview_shows_drafts_and_hides_from_search(small: SmallSite) -> None:
    small.more_settings = {"is_preview": True}
    small.put("layouts/all.html", "<html><HEAD lang=en><title>{{ .Title }}</title></head></html>")
    small.put("content/draft.md", page("draft", "draft: true"))
    small.put("content/old.md", page("old", "expiryDate: 2001-01-01"))
    small.build()
    shown = small.s3.get_object(Bucket=small.website.name, Key="draft/index.html")["Body"].read()
    assert b'<HEAD lang=en><meta name="robots" content="noindex"><title>draft' in shown
    assert "old/index.html" in small.digests()
    assert b"Disallow: /" in small.s3.get_object(Bucket=small.website.name, Key="robots.txt")["Body"].read()


def test_a_term_spelt_in_two_ways_is_told_and_flaps_are_suppressed(small: SmallSite) -> None:
    small.put("hugo.toml", 'title = "small"\n')
    for number in range(8):
        small.put(f"content/p{number}.md", page(f"p{number}", f"tags: [{'DevOps' if number % 2 else 'devops'}]"))
    (first,) = small.build()
    assert any("spelt in 2 ways" in warning and '"DevOps" (content/p1.md)' in warning for warning in first.warnings)
    for number in range(2):
        small.put("content/a.md", page("a") + f"{number}\n")
        (report,) = small.build()
        assert "a/index.html" in report.uploaded
    small.put("content/tags/devops/_index.md", page("DevOps"))
    small.put("hugo.toml", 'title = "small"\n[taxonomies]\ntag = "tags"\ngenre = "genres"\n')
    small.put("content/b.md", page("b", "genres: [Café, Tools]"))
    small.put("content/c.md", page("c", "genres:", "  - cafe", "  - tool"))
    (report,) = small.build()
    assert not any("spelt" in warning for warning in report.warnings)
    assert [advice.partition(" (")[0] for advice in report.lint] == ['genres: "Café"', 'genres: "Tools"']
    assert small.digests() == small.clean_build()


def test_processed_images_are_carried_over_to_a_cold_environment(small: SmallSite, tmp_path: Path) -> None:

    small.put("layouts/page.html", '{{ with .Resources.GetMatch "*.png" }}{{ (.Resize "4x").RelPermalink }}{{ end }}')
    small.put("content/pic/index.md", page("pic"))
    small.put("content/pic/p.png", png(random.Random(1)))
    small.build()
    made = sorted(file.name for file in (tmp_path / "warm/source/resources/_gen").rglob("*.png"))
    assert made
    small.put("content/a.md", page("a2"))
    cold = small.site("cold").rounds.materials
    assert isinstance(cold, Materials)
    cold.workspace.empty()
    cold.caches.restore()
    assert sorted(file.name for file in (tmp_path / "cold/source/resources/_gen").rglob("*.png")) == made


def test_the_cache_of_images_is_bounded_and_never_fails_a_build(
    small: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image that no page shows any more goes first; without room none is kept; a damaged index begins anew."""
    small.put("layouts/page.html", '{{ with .Resources.GetMatch "*.png" }}{{ (.Resize "4x").RelPermalink }}{{ end }}')
    for number in range(3):
        small.put(f"content/pic{number}/index.md", page("pic"))
        small.put(f"content/pic{number}/p.png", png(random.Random(number)))
    small.build()

    def kept() -> tuple[set[str], set[str]]:
        """Of the names, the folders; and the contents."""
        found = small.state.read(f"{small.website.name}/cache.json")
        index = json.loads(found[0]) if found else {}
        contents = small.state.list(f"{small.website.name}/cache/")
        assert {each[0] for each in index.values()} == {key.rpartition("/")[2] for key in contents}
        return {name.split("/")[-2] for name in index}, set(contents)

    assert kept()[0] == {"pic0", "pic1", "pic2"}
    sizes = sum(listed.size for listed in small.state.list(f"{small.website.name}/cache/").values())
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 4000)
    small.delete("content/pic1/p.png")
    small.more_settings = {"cache_bytes": sizes - 1}
    small.build()
    assert kept()[0] == {"pic0", "pic2"}
    small.put("content/a.md", page("a2"))
    small.build(workspace="cold")
    assert kept()[0] == {"pic0", "pic2"}
    small.more_settings = {"cache_bytes": 0}
    small.put("content/a.md", page("a3"))
    small.build()
    assert kept() == (set(), set())
    small.s3.put_object(Bucket=small.state.name, Key=f"{small.website.name}/cache.json", Body=b"damaged")
    small.put("content/a.md", page("a4"))
    assert [report.outcome for report in small.build(workspace="colder")] == ["published"]
    assert small.digests() == small.clean_build()
    nowhere = State(Bucket(small.s3, "a-bucket-that-is-not-there"), small.website.name)
    caches = Caches(nowhere, small.site("warm").rounds.materials.workspace, max_bytes=sizes)
    caches.restore()
    caches.save((), made=())


def test_a_site_that_needs_modules_or_node_is_told_so(small: SmallSite) -> None:
    small.put("hugo.toml", 'title = "m"\n[[module.imports]]\npath = "example.test/theme"\n')
    (report,) = small.build()
    assert (report.outcome, "hugo.toml imports hugo modules" in report.errors[-1]) == ("failed", True)
    small.put("hugo.toml", 'title = "m"\n')
    small.put("assets/a.css", "a {}")
    small.put("layouts/page.html", '{{ (resources.Get "a.css" | css.PostCSS).RelPermalink }}')
    (report,) = small.build()
    assert report.outcome == "failed"
    assert "layouts/page.html uses css.PostCSS, which needs Node.js" in report.errors[-1]


def test_the_history_tells_of_every_build(small: SmallSite) -> None:

    small.build()
    small.put("layouts/page.html", "{{ .Nope }}")
    small.build()
    content = small.s3.get_object(Bucket=small.state.name, Key=f"{small.website.name}/history.json")["Body"].read()
    first, second = json.loads(content)
    assert (first["outcome"], first["mode"], first["why"], first["changes"]) == (
        "published",
        "full",
        "the first build",
        5,
    )
    assert (second["outcome"], second["changed"], second["cause"]) == ("failed", ["+layouts/page.html"], "change")


DRAW = Look(changes=None, draws=True)


def graph(small: SmallSite) -> object:
    return small.state.read(f"{small.website.name}/graph.json.z")


def test_a_quick_site_has_a_dependency_tree_when_somebody_asks(small: SmallSite) -> None:
    small.build()
    assert graph(small) is None
    (drawn,) = small.build(wake=DRAW)
    assert (drawn.outcome, drawn.generation, graph(small) is not None) == ("drawn", 1, True)
    history = small.state.read(f"{small.website.name}/history.json")
    assert history is not None
    assert len(json.loads(history[0])) == 1, "it is no build"
    small.put("content/a.md", page("edited"))
    (built,) = small.build()
    assert (built.mode, graph(small)) == ("full", None), "never in part, and the tree is as old as the build"
    assert small.digests() == small.clean_build()


def test_what_is_to_be_built_is_built_before_anything_is_drawn(small: SmallSite) -> None:
    """Whoever draws has looked at the sources, so the event of an edit that comes after is no news."""
    small.build()
    small.put("content/a.md", page("edited"))
    (built,) = small.build(wake=DRAW)
    assert (built.outcome, graph(small)) == ("published", None)
    assert small.digests() == small.clean_build()
    small.put("hugo.toml", "= nothing")
    assert [report.outcome for report in small.build(wake=DRAW)] == ["failed"]


def test_a_generation_that_was_rolled_back_to_has_no_tree(small: SmallSite) -> None:
    small.build()
    small.put("content/a.md", page("edited"))
    small.build()
    small.build(wake=Rollback(1))
    assert [report.outcome for report in small.build(wake=DRAW)] == ["unchanged"]
