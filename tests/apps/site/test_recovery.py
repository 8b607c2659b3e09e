"""The builder dies at every possible step, or finds /tmp and buckets changed under its hands; the next one mends it.

It runs in the test's own process here, on the buckets of a real platform, so that it can be made to die where we want.
"""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platform_process import PlatformProcess
from sitebuilder import turns
from sitebuilder.events import Build, Change, Look
from sitebuilder.publisher import Publisher
from sitebuilder.state import HeadMoved
from sitebuilder.turn_keeper import SURE_SECONDS, TurnLost
from sitebuilder.turns import Decision
from small_site import ANYTHING, Died, SmallSite


@pytest.fixture
def small(platform: PlatformProcess, tmp_path: Path) -> Iterator[SmallSite]:
    site = SmallSite(platform, tmp_path)
    yield site
    site.s3.close()


@pytest.mark.parametrize("answers_get_lost", [False, True])
def test_death_at_every_step_is_mended_by_the_retry(small: SmallSite, answers_get_lost: bool) -> None:
    small.build()
    small.life.answers_get_lost = answers_get_lost
    for survived in itertools.count():
        small.put("content/a.md", f"---\ntitle: a\n---\nversion {survived}\n")
        small.put(f"content/new{survived}.md", "---\ntitle: new\n---\n")
        small.delete(f"content/new{survived - 1}.md")
        small.life.steps_left = survived
        try:
            small.build("r1")
        except Died:
            small.life.steps_left = 1_000_000
            retried = small.build("r1")
            assert [report.outcome for report in retried] != ["left"]
        else:
            break
        finally:
            small.life.steps_left = 1_000_000
        assert small.digests() == small.clean_build(), f"died after {survived} writes"
    assert survived > 8, "not all steps were tried"


def test_sources_put_back_after_a_death_are_published_again(small: SmallSite) -> None:
    """The record says that these sources are published, but somebody died in the middle of publishing others."""
    small.build()
    before = small.digests()
    small.put("content/d.md", "---\ntitle: d\n---\n")
    small.life.steps_left = 10  # the turn, the intent, six copies of what is replaced, two uploads
    with pytest.raises(Died):
        small.build("r1")
    small.life.steps_left = 1_000_000
    assert small.digests() != before
    small.delete("content/d.md")
    assert [report.outcome for report in small.build("r1")] == ["published"]
    assert small.digests() == before


def test_a_dead_holder_is_replaced_when_its_time_is_over(small: SmallSite) -> None:
    assert small.turn("dead", seconds=60).take(ANYTHING) is Decision.TAKE
    assert [report.outcome for report in small.build("r2")] == ["left"]
    late = -60 - turns.CLOCK_SLACK_SECONDS
    assert small.turn("dead", seconds=late).take(ANYTHING) is Decision.TAKE, "its own retry has it at once"
    assert [report.outcome for report in small.build("r2")] == ["published"]


def test_who_lost_the_turn_while_building_says_so(small: SmallSite) -> None:
    slow = small.turn("slow", seconds=-turns.CLOCK_SLACK_SECONDS)
    assert slow.take(ANYTHING) is Decision.TAKE
    assert small.build("r2")[-1].outcome == "published"
    with pytest.raises(TurnLost):
        slow.give_back()


def test_who_lost_the_turn_writes_nothing_more(small: SmallSite) -> None:
    """Two functions on one site: the slow one believes that it has the turn, and is stopped before its next stage."""
    small.build()
    slow = small.turn("slow", seconds=-turns.CLOCK_SLACK_SECONDS)
    assert slow.take(ANYTHING) is Decision.TAKE
    site = small.site("another environment")
    small.put("content/a.md", "---\ntitle: by both\n---\n")
    before = site.rounds.listed()

    class Overtaken(Publisher):
        def publish(self, *arguments: Any, **named: Any) -> Any:
            small.put("content/a.md", "---\ntitle: by the other alone\n---\n")
            assert small.build("r2")[-1].outcome == "published"
            return super().publish(*arguments, **named)

    overtaken = Overtaken(small.website, site.rounds.state, keep=3)
    rounds = replace(site.rounds, publisher=overtaken)
    with pytest.raises(HeadMoved):
        rounds.run(before, slow, ANYTHING, time.time() + 60)
    assert small.digests() == small.clean_build()


def test_the_fence_stands_before_every_stage(small: SmallSite) -> None:
    clock = [time.time()]
    slow = small.turn("slow", seconds=-turns.CLOCK_SLACK_SECONDS, now=lambda: clock[0])
    assert slow.take(ANYTHING) is Decision.TAKE
    clock[0] += SURE_SECONDS + 1
    slow.check()
    assert small.turn("r2").take(ANYTHING) is Decision.TAKE
    clock[0] += SURE_SECONDS + 1
    with pytest.raises(TurnLost):
        slow.check()
    site = small.site()
    with pytest.raises(TurnLost):
        site.rounds.run(site.rounds.listed(), slow, ANYTHING, time.time() + 60)
    assert small.digests() == {}


def test_a_change_during_the_build_is_built_by_whoever_has_the_turn(small: SmallSite) -> None:
    """The change comes while the turn is held, so its own event is turned away."""
    holder = small.turn("holder")
    site = small.site()
    publish = site.rounds.publisher.publish

    class Interrupted(Publisher):
        def publish(self, *arguments: Any, **named: Any) -> Any:
            if "content/late.md" not in small.source.list():
                small.put("content/late.md", "---\ntitle: late\n---\n")
                assert [report.outcome for report in small.build("other", "another environment")] == ["left"]
            return publish(*arguments, **named)

    interrupted = Interrupted(small.website, site.rounds.state, keep=3)
    site = replace(site, rounds=replace(site.rounds, publisher=interrupted))
    reports = list(site.bring_up_to_date(holder, ANYTHING, deadline=time.time() + 60))
    assert [report.outcome for report in reports] == ["published", "published"]
    assert small.digests() == small.clean_build()


def test_who_finds_the_turn_taken_calls_once(small: SmallSite) -> None:
    holder = small.turn("holder")
    assert holder.take(ANYTHING) is Decision.TAKE
    before = small.state.read(f"{small.website.name}/turn.json")
    assert small.turn("waits").take(Build()) is Decision.LEAVE
    assert small.state.read(f"{small.website.name}/turn.json") == before, "who waits does not call"
    assert small.turn("first").take(ANYTHING) is Decision.LEAVE
    called = small.state.read(f"{small.website.name}/turn.json")
    assert called != before
    assert small.turn("second").take(ANYTHING) is Decision.LEAVE
    assert small.state.read(f"{small.website.name}/turn.json") == called
    assert holder.give_back()
    assert holder.take(ANYTHING) is Decision.TAKE
    assert not holder.give_back()


def test_a_warm_environment_does_not_believe_itself_when_another_has_built(small: SmallSite) -> None:
    """Two take turns; each remembers a head, a manifest and a history that the other has moved on."""
    for number in range(4):
        small.put("content/a.md", f"---\ntitle: number {number}\n---\n")
        etag = small.source.list()["content/a.md"].etag
        news = Look((Change("content/a.md", etag),))
        for workspace in ("one", "the other")[:: 1 if number % 2 else -1]:
            outcomes = [report.outcome for report in small.build(f"r{number}", workspace, news)]
            assert outcomes in (["published"], ["seen"])
        assert small.digests() == small.clean_build()
    head = small.site().rounds.state.head()[0]
    assert (head.generation, len(json.loads(small.notes()))) == (4, 4)


def test_a_change_that_goes_back_is_news(small: SmallSite) -> None:
    """One environment saw A, another B since, and now A is back: what the first remembers having seen is no answer."""
    contents = [small.sources()["content/a.md"], b"---\ntitle: B\n---\n"]
    small.build()
    for number, workspace in enumerate(["another environment", "warm"], 1):
        small.put("content/a.md", contents[number % 2])
        news = Look((Change("content/a.md", small.source.list()["content/a.md"].etag),))
        assert [report.outcome for report in small.build(f"r{number}", workspace, news)] == ["published"]
    assert small.digests() == small.clean_build()


def test_a_workspace_left_by_the_dead_is_not_believed(small: SmallSite) -> None:
    small.build()
    workspace = small.site().rounds.settings.workspace
    (workspace / "sources.json").unlink()
    (workspace / "source/content/ghost.md").write_text("---\ntitle: ghost\n---\n")
    (workspace / "source/content/a.md").write_text("half a fi")
    small.put("content/b.md", "---\ntitle: b2\n---\n")
    small.build()
    assert small.digests() == small.clean_build()


def test_files_become_folders_and_folders_files(small: SmallSite) -> None:
    small.put("static/x", "a file")
    small.build()
    small.delete("static/x")
    small.put("static/x/y", "in a folder")
    small.build()
    assert small.digests() == small.clean_build()
    small.delete("static/x/y")
    small.put("static/x", "a file again")
    small.build()
    assert small.digests() == small.clean_build()


def test_an_empty_result_is_refused(small: SmallSite) -> None:
    small.build()
    before = small.digests()
    kinds = '["page", "section", "taxonomy", "term", "rss", "sitemap", "404"]'
    small.put("hugo.toml", f'title = "small"\ndisableKinds = {kinds}\n')
    small.delete("layouts/all.html")
    reports = small.build()
    assert [(report.outcome, report.errors) for report in reports] == [("failed", ("hugo made no files at all",))]
    assert small.digests() == before


def test_an_event_is_examined_only_if_it_is_news(small: SmallSite) -> None:
    small.build()
    etag = small.source.list()["content/a.md"].etag
    assert [report.outcome for report in small.build(wake=Look((Change("content/a.md", etag),)))] == ["seen"]
    assert [report.outcome for report in small.build(wake=Look((Change("content/z.md", None),)))] == ["seen"]
    assert [report.outcome for report in small.build(wake=Look((Change("content/a.md", None),)))] == ["unchanged"]
    assert [report.outcome for report in small.build(wake=Build())] == ["published"]


def test_broken_sources_are_tried_once(small: SmallSite) -> None:
    small.build()
    small.put("layouts/home.html", "{{ .Nope }}")
    news = Look((Change("layouts/home.html", small.source.list()["layouts/home.html"].etag),))
    assert [report.outcome for report in small.build(wake=news)] == ["failed"]
    assert [report.outcome for report in small.build(wake=news)] == ["seen"]
