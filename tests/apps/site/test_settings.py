"""What the environment variables may say."""

from pathlib import Path

import pytest

from sitebuilder import settings
from sitebuilder.settings import Misconfigured

GOOD = {"SITE_INPUT_BUCKET": "in", "SITE_OUTPUT_BUCKET": "out", "SITE_STATE_BUCKET": "state"}


def test_read(tmp_path: Path) -> None:
    (tmp_path / settings.PACKAGE_DIGEST_FILE).write_text("abc\n")
    variables = {
        **GOOD,
        "SITE_BASE_URL": "https://x/",
        "HUGO_PARAMS_A": "1",
        "AWS_SECRET_ACCESS_KEY": "s",
        "TMPDIR": "/t",
    }
    (read,) = settings.from_environment({**variables, "LAMBDA_TASK_ROOT": str(tmp_path)})
    assert (read.input_bucket, read.output_bucket, read.state_bucket) == ("in", "out", "state")
    assert read.hugo == tmp_path / "hugo"
    assert read.workspace == Path("/t/site/out")
    assert read.hugo_variables == (("HUGO_PARAMS_A", "1"),)
    assert read.package_digest == "abc"


@pytest.mark.parametrize(
    "change", [{"SITE_BASE_URL": "https://y/"}, {"HUGO_PARAMS_A": "2"}, {"LAMBDA_TASK_ROOT": "/another"}]
)
def test_what_changes_the_site_changes_the_recipe(change: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / settings.PACKAGE_DIGEST_FILE).write_text("abc\n")
    variables = {**GOOD, "LAMBDA_TASK_ROOT": str(tmp_path)}
    (before,), (after,) = (settings.from_environment(them) for them in (variables, {**variables, **change}))
    assert before.recipe != after.recipe


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SITE_INPUT_BUCKET": ""}, "SITE_INPUT_BUCKET is missing"),
        ({"SITE_OUTPUT_BUCKET": " "}, "SITE_OUTPUT_BUCKET is missing"),
        ({"SITE_OUTPUT_BUCKET": "in"}, "three different buckets"),
        ({"SITE_STATE_BUCKET": "in"}, "three different buckets"),
        ({"SITE_STATE_BUCKET": "out"}, "three different buckets"),
        ({"SITE_PREVIEW_BUCKET": "in"}, "three different buckets"),
        ({"SITE_PREVIEW_BUCKET": "out"}, "into one place"),
        ({"SITE_RELEASES": "0"}, "a whole number, 1 or more"),
        ({"SITE_ASSET_GRACE": "an hour"}, "a whole number, 0 or more"),
        ({"SITE_QUICK_MS": "0.4"}, "a whole number, 0 or more"),
        ({"SITES": "a, b"}, "SITES must be JSON"),
        ({"SITES": '{"a": {}}'}, "SITES must be JSON"),
        ({"SITES": '{"a": {"output": "w"}, "b": {"output": "w/blog"}}'}, "into one place: w and w/blog"),
        ({"SITES": '{"a/x": {"output": "a/y"}}'}, "three different buckets"),
    ],
)
def test_refused(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        settings.from_environment({**GOOD, **change})


def test_a_preview_comes_after_its_site() -> None:
    site, preview = settings.from_environment(
        {**GOOD, "SITE_PREVIEW_BUCKET": "drafts", "SITE_PREVIEW_BASE_URL": "http://drafts/"}
    )
    assert (site.site, site.is_preview, preview.site, preview.is_preview) == ("out", False, "drafts", True)
    assert preview.base_url == "http://drafts/"
    assert site.input_bucket == preview.input_bucket


def test_several_sites_in_buckets_and_folders() -> None:
    sites = '{"in/blog": {"output": "web/blog", "base_url": "http://web/blog/"}, "in/docs/": {"output": "docs"}}'
    blog, docs = settings.from_environment({"SITE_STATE_BUCKET": "state", "SITES": sites})
    assert (blog.input_bucket, blog.input_prefix, blog.output_bucket, blog.output_prefix) == (
        "in",
        "blog/",
        "web",
        "blog/",
    )
    assert (docs.input_prefix, docs.site, docs.base_url) == ("docs/", "docs", None)
    assert blog.workspace != docs.workspace
