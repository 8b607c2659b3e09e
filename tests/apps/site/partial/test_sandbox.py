"""A cold partial build inside the function's sandbox: there, too, the system says which pictures hugo opened."""

import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import package
import site_edits
from lambent.cli.deployment import Endpoint
from lambent.cli.site_deployment import Deployment, SiteNames
from platform_process import PlatformProcess

#: The function's own handler, of a site that is built in two phases however quick it is.
EAGER = b"""
import math
from dataclasses import replace

from sitebuilder import assembly

assemble = assembly.assemble


def eager(*arguments, **named):
    site = assemble(*arguments, **named)
    phases = replace(site.rounds.phases, threshold=0.0, max_share=math.inf)
    return replace(site, rounds=replace(site.rounds, phases=phases))


assembly.assemble = eager

from sitebuilder.handler import handle
"""
NAMES = SiteNames("pictures")
COUNT, SIDE = 6, 120
LAYOUT = '{{ .Title }}{{ .Content }}{{ range .Resources.ByType "image" }}{{ (.Resize "8x").RelPermalink }}{{ end }}'


def sources() -> dict[str, bytes]:
    choice = Random(7)
    site = {
        "hugo.toml": b'title = "pictures"\ndisableKinds = ["taxonomy", "term", "rss"]\n',
        "layouts/all.html": LAYOUT.encode(),
    }
    for number in range(COUNT):
        site[f"content/posts/{number}/index.md"] = f"---\ntitle: Page {number}\n---\nText.\n".encode()
        site[f"content/posts/{number}/picture.png"] = site_edits.png(choice, SIDE)
    return site


class Function:
    def __init__(self, platform: PlatformProcess, folder: Path) -> None:
        endpoint = Endpoint(platform.url, "test", "test", "us-east-1", "000000000000")
        self.s3, self._lambda = endpoint.client("s3"), endpoint.client("lambda")
        self._deployment = Deployment(endpoint, NAMES)
        self._deployment.create_buckets()
        zipped, hugo = folder / "site.zip", package.installed_hugo()
        assert hugo is not None
        package.write_package(zipped, hugo)
        with zipfile.ZipFile(zipped, "a") as more:
            more.writestr("eager.py", EAGER)
        self._deployment.deploy_function(zipped, "http://pictures.test/")
        self.configure(Handler="eager.handle")

    def configure(self, **changes: Any) -> None:
        """What was warm is cold after it."""
        self._lambda.update_function_configuration(FunctionName=NAMES.function, **changes)
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=NAMES.function)

    def put(self, site: dict[str, bytes]) -> None:
        for key, content in site.items():
            self.s3.put_object(Bucket=NAMES.source, Key=key, Body=content)

    def look(self) -> dict[str, Any]:
        """The report of a look at the sources."""
        answer = self._lambda.invoke(FunctionName=NAMES.function, Payload=json.dumps({"action": "tree"}))
        report: dict[str, Any] = json.loads(answer["Payload"].read())
        return report


def test_a_cold_partial_build_fetches_the_pictures_that_hugo_opens(platform: PlatformProcess, tmp_path: Path) -> None:
    site, function = sources(), Function(platform, tmp_path)
    function.put(site)
    assert function.look()["outcome"] == "published"
    function.configure(Description="another environment")
    function.put({"content/posts/3/index.md": b"---\ntitle: Page 3\n---\nOther text.\n"})
    report = function.look()
    assert (report["outcome"], report["mode"], report["uploaded"]) == ("published", "partial", 1), report
    one = len(site["content/posts/3/picture.png"])
    opened = 1 + 1  # the edited page's, and a canary's
    assert one <= report["bytes_down"] < (opened + 1) * one, report
    assert b"Other text." in function.s3.get_object(Bucket=NAMES.website, Key="posts/3/index.html")["Body"].read()
