"""Random edits, one after the other; after each the website is what a clean build of the sources makes, byte for byte.

Three sites that differ in kind: lists that show titles only; lists with summaries, pages of pages and a theme of its
own; two languages with bundles, images and a search index. SITE_EDITS says how many edits (more than the default find
more), SITE_SEED which.
"""

import os
from pathlib import Path
from random import Random

import pytest

from platform_process import PlatformProcess
from site_edits import EDITS, Sources
from small_site import SmallSite

THEMES = Path(__file__).parent / "themes"
COUNT = int(os.environ.get("SITE_EDITS", "12"))
SEED = int(os.environ.get("SITE_SEED", "1"))


def read_site(name: str) -> Sources:
    folder = THEMES / name
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def upload(small: SmallSite, before: Sources, after: Sources) -> None:
    for key in sorted(before.keys() - after.keys()):
        small.delete(key)
    for key in sorted(after):
        if before.get(key) != after[key]:
            small.put(key, after[key])


@pytest.mark.parametrize("name", ["titles", "summaries", "languages"])
def test_after_every_edit_the_website_is_a_clean_build(name: str, platform: PlatformProcess, tmp_path: Path) -> None:
    choice = Random(f"{name} {SEED}")
    site = read_site(name)
    small = SmallSite(platform, tmp_path, site)
    small.build()
    assert small.digests() == small.clean_build(site)
    order = [edit for _ in range(COUNT // len(EDITS) + 1) for edit in choice.sample(EDITS, len(EDITS))][:COUNT]
    for number, edit in enumerate(order):
        after = edit(site, choice)
        upload(small, site, after)
        site = after
        environment = "warm" if choice.random() < 0.8 else f"cold-{number}"
        outcomes = [report.outcome for report in small.build(workspace=environment)]
        assert outcomes[0] in ("published", "unchanged"), (edit.__name__, outcomes)
        assert small.digests() == small.clean_build(site), f"{name}, edit {number}: {edit.__name__}"
    small.s3.close()
