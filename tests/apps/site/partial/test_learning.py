"""What misses teach: rules, kinds of edit that are built whole for a while, the way back; no miss is for ever."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.cli import site_lessons
from platform_process import PlatformProcess
from sitebuilder.events import Build
from sitebuilder.partial import learning
from sitebuilder.partial.learning import CLEAN_EDITS, MAX_REFUSALS, MISSES_A_WEEK, WEEK_SECONDS, Lessons
from sitebuilder.report import Report
from two_phases import Noted, TwoPhases

KIND = "body|posts"
RULES = tuple(f"{KIND}|page|{name}|" for name in "abcd")
DAY = 24 * 3600.0


def closed(*times: float, rules: tuple[str, ...] = RULES) -> Lessons:
    lessons = learning.NONE
    for number, at in enumerate(times):
        lessons = learning.missed(lessons, [KIND], [rules[number]], at)
    return lessons


@pytest.mark.parametrize(
    ("case", "times", "rules", "is_closed"),
    [
        ("one", (1.0,), RULES, False),
        ("two sorts", (1.0, 2.0), RULES, False),
        ("three sorts within a week", (1.0, DAY, 2 * DAY), RULES, True),
        ("three sorts in more than a week", (1.0, DAY, WEEK_SECONDS + 2), RULES, False),
        ("one sort twice, weeks apart", (1.0, 4 * WEEK_SECONDS), (RULES[0], RULES[0]), True),
    ],
)
def test_when_a_kind_of_edit_is_closed(
    case: str, times: tuple[float, ...], rules: tuple[str, ...], is_closed: bool
) -> None:
    lessons = closed(*times, rules=rules)
    assert (learning.against(lessons, [KIND, "fields|posts"]) is not None) is is_closed, case
    assert learning.against(lessons, ["fields|posts"]) is None


def test_the_way_back_and_what_is_told_of_it() -> None:
    lessons = closed(1.0, 2.0, 3.0)
    assert any(
        line.startswith("closed: edits of texts of the type 'posts'") for line in learning.news(learning.NONE, lessons)
    )
    for _ in range(CLEAN_EDITS - 1):
        lessons = learning.looked_back(lessons, [KIND], was_complete=True)
    lessons = learning.looked_back(lessons, [KIND], was_complete=False)
    assert lessons.kinds[KIND].clean == 0
    for _ in range(CLEAN_EDITS):
        assert learning.against(lessons, [KIND])
        before, lessons = lessons, learning.looked_back(lessons, [KIND], was_complete=True)
    assert learning.news(before, lessons) == (
        "opened: edits of texts of the type 'posts' may be built partially again",
    )
    again = learning.missed(lessons, [KIND], [RULES[0]], 4.0)
    assert again.kinds[KIND].needed == 2 * CLEAN_EDITS, "of a sort that is known: closed at once, and for longer"
    assert learning.of_templates(again, "other").kinds == {}
    assert learning.of_templates(again, "other").rules == again.rules
    assert learning.decode(learning.encode(again)) == again
    assert learning.decode(b"damaged") == learning.NONE


def test_partial_builds_that_come_to_nothing_end() -> None:
    lessons = learning.NONE
    for _ in range(MAX_REFUSALS - 1):
        lessons = learning.refused(lessons, [KIND], 1.0)
    lessons = learning.accepted(lessons, [KIND, "fields|posts"])
    for _ in range(MAX_REFUSALS):
        assert learning.against(lessons, [KIND]) is None, "one in between was published"
        lessons = learning.refused(lessons, [KIND], 2.0)
    assert "came to nothing" in (learning.against(lessons, [KIND]) or "")
    assert learning.refused(lessons, [KIND], 3.0) == lessons
    assert learning.decode(learning.encode(lessons)) == lessons
    for _ in range(CLEAN_EDITS):
        lessons = learning.looked_back(lessons, [KIND], was_complete=True)
    assert learning.against(lessons, [KIND]) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 10 * DAY)), max_size=200))
def test_no_miss_is_repeated_for_ever(edits: list[tuple[int, bool, float]]) -> None:
    """Whatever an edit misses, and however far apart: the misses that are published grow with the logarithm."""
    lessons, now, published = learning.NONE, 0.0, 0
    for sort, misses, pause in edits:
        now += pause
        if learning.against(lessons, [KIND]):
            lessons = learning.looked_back(lessons, [KIND], was_complete=not misses)
        elif misses:
            published += 1
            lessons = learning.missed(lessons, [KIND], [RULES[sort]], now)
    assert published <= len(RULES) + MISSES_A_WEEK + math.log2(1 + len(edits) / CLEAN_EDITS)


NOTE = "---\ntitle: note {0}\n---\nNothing of note.{1}\n"
SITE = {
    "hugo.toml": b'title = "misses"\ndisableKinds = ["taxonomy", "term", "rss", "sitemap", "404"]\n',
    "layouts/all.html": b"{{ .Title }} {{ .Content }}",
    # It shows the text of a post and has no link to it: nothing that is observed says so.
    "layouts/notes/page.html": b'{{ .Title }} {{ if .Params.reads }}{{ (site.GetPage "/posts/1").Plain }}{{ end }}',
    "content/notes/reader.md": b"---\ntitle: a reader with a rather long title\nreads: true\n---\n",
    **{f"content/notes/{n}.md": NOTE.format(n, "").encode() for n in range(9)},
    **{f"content/posts/{n}.md": f"---\ntitle: post {n}\n---\npost {n}\n".encode() for n in range(3)},
}


def test_what_is_missed_is_published_and_not_missed_again(
    platform: PlatformProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "CLEAN_EDITS", 1)
    small = TwoPhases(platform, tmp_path, SITE)
    small.timer = Noted()  # type: ignore[assignment]  # only the moment it is set to matters here
    small.build()

    def edited(post: int, text: str) -> tuple[Report, Report]:
        """The first build after an edit, and the whole one."""
        small.put(f"content/posts/{post}.md", f"---\ntitle: post {post}\n---\n{text}\n")
        first = small.build()[-1]
        last = small.build(wake=Build(cause="timer"))[-1] if first.mode == "partial" else first
        assert small.digests() == small.clean_build()
        return first, last

    first, last = edited(1, "one")
    assert (first.mode, last.misses) == ("partial", ("notes/reader/index.html",))
    assert last.learned == ("learned: edits of texts of the type 'posts' reach pages of the type 'notes'",)
    first, last = edited(1, "two")
    assert (first.mode, last.misses) == ("partial", ("notes/reader/index.html",)), "one of ten: no sample of three"
    assert last.learned[0].startswith("closed: edits of texts of the type 'posts'")
    first, last = edited(1, "three")
    assert (first.mode, first.misses, first.learned) == ("full", (), ())
    assert "partial builds missed pages" in first.why
    lines = site_lessons.lines(_learned(small))
    assert ["are built whole since" in lines[0], "1 rules" in lines[1]] == [True, True]
    first, _ = edited(2, "that nobody reads")
    assert first.learned == ("opened: edits of texts of the type 'posts' may be built partially again",)
    assert edited(2, "more")[0].mode == "partial"
    small.s3.close()


def test_a_site_whose_pages_all_follow_every_edit_is_no_longer_tried(platform: PlatformProcess, tmp_path: Path) -> None:
    digest = '{{ range site.RegularPages }}{{ $.Store.Add "all" .Plain }}{{ end }}{{ .Store.Get "all" | md5 }}'
    small = TwoPhases(platform, tmp_path, SITE | {"layouts/all.html": f"{{{{ .Title }}}} {digest}".encode()})
    small.timer = Noted()  # type: ignore[assignment]
    small.build()
    reports = []
    for number in range(MAX_REFUSALS + 1):
        small.put("content/posts/1.md", f"---\ntitle: post 1\n---\n{number}\n")
        reports += small.build()
    assert [report.mode for report in reports] == ["full"] * (MAX_REFUSALS + 1)
    assert ["nothing to do with the edit" in report.why for report in reports] == [True] * MAX_REFUSALS + [False]
    assert "came to nothing" in reports[-1].why
    assert reports[-2].learned[0].startswith("closed: edits of texts of the type 'posts'")
    small.s3.close()


def _learned(small: TwoPhases) -> dict[str, object]:
    found = small.state.read(f"{small.website.name}/learned.json")
    assert found is not None
    return dict(json.loads(found[0]))
