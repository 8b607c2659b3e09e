"""The way in: several sites of one function, in folders of their buckets, and a preview of one of them."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

import package
from platform_process import PlatformProcess

LAYOUT = b"<html><head><title>{{ .Title }}</title></head></html>"
CONTEXT = SimpleNamespace(
    aws_request_id="r1",
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:sites",
    get_remaining_time_in_millis=lambda: 60_000,
)
SITES = {
    "many-sources/blog": {"output": "many-web/blog", "preview": "many-preview"},
    "many-sources/docs": {"output": "many-web/docs"},
}


@pytest.fixture
def s3(platform: PlatformProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    for name, value in {
        "AWS_ENDPOINT_URL": platform.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SITES": json.dumps(SITES),
        "SITE_STATE_BUCKET": "many-state",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "hugo").symlink_to(package.installed_hugo() or "")
    client = boto3.client("s3")
    for bucket in ("many-sources", "many-web", "many-preview", "many-state"):
        client.create_bucket(Bucket=bucket)
        client.delete_public_access_block(Bucket=bucket)
        client.put_bucket_ownership_controls(
            Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
        )
    yield client
    client.close()


@pytest.fixture
def handler(s3: Any) -> Iterator[ModuleType]:
    """As an execution environment loads it: the variables are read when the module is."""
    yield importlib.import_module("sitebuilder.handler")
    del sys.modules["sitebuilder.handler"]


def event(*keys: str) -> dict[str, Any]:
    bucket = {"name": "many-sources"}
    entities = [{"bucket": bucket, "object": {"key": key, "eTag": "e"}} for key in keys]
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": entity} for entity in entities]}


def keys(s3: Any, bucket: str) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}


def test_several_sites_of_one_function(s3: Any, handler: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    config = b'title = "s"\ndisableKinds = ["taxonomy", "term", "rss", "sitemap"]\n'
    for site in ("blog", "docs"):
        s3.put_object(Bucket="many-sources", Key=f"{site}/hugo.toml", Body=config)
        s3.put_object(Bucket="many-sources", Key=f"{site}/layouts/all.html", Body=LAYOUT)
    s3.put_object(Bucket="many-sources", Key="blog/content/d.md", Body=b"---\ntitle: d\ndraft: true\n---\n")
    told = handler.handle(event("blog/hugo.toml"), CONTEXT)
    assert sorted(told["sites"]) == ["many-preview", "many-web/blog"]
    assert keys(s3, "many-web") == {"blog/index.html"}
    assert keys(s3, "many-preview") == {"index.html", "d/index.html", "robots.txt"}
    assert handler.handle(event("docs/hugo.toml"), CONTEXT)["outcome"] == "published"
    assert keys(s3, "many-web") == {"blog/index.html", "docs/index.html"}
    assert handler.handle({"action": "verify", "site": "many-web/docs"}, CONTEXT)["uploaded"] == 0
    assert handler.handle(event("elsewhere/hugo.toml"), CONTEXT) == {"outcome": "ignored"}
    assert "[many-web/docs] published: 1 uploaded" in capsys.readouterr().out
