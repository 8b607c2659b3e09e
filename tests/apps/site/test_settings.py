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
    read = settings.from_environment({**variables, "LAMBDA_TASK_ROOT": str(tmp_path)})
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
    assert settings.from_environment(variables).recipe != settings.from_environment({**variables, **change}).recipe


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SITE_INPUT_BUCKET": ""}, "SITE_INPUT_BUCKET is missing"),
        ({"SITE_OUTPUT_BUCKET": " "}, "SITE_OUTPUT_BUCKET is missing"),
        ({"SITE_OUTPUT_BUCKET": "in"}, "three different buckets"),
        ({"SITE_STATE_BUCKET": "in"}, "three different buckets"),
        ({"SITE_STATE_BUCKET": "out"}, "three different buckets"),
    ],
)
def test_refused(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        settings.from_environment({**GOOD, **change})
