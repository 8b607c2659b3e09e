"""A small site in three buckets of its own, and a builder for it that runs in the test's own process.

So it can be made to die where a test wants, and its /tmp can be looked into.
"""

import contextlib
import hashlib
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
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
from sitebuilder.state import State
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
        with self._life.step():
            return super().upload(*arguments, **named)

    def delete(self, keys: Any) -> None:
        with self._life.step():
            super().delete(keys)

    def copy(self, *arguments: Any) -> str:
        with self._life.step():
            return super().copy(*arguments)

    def write(self, *arguments: Any) -> str:
        with self._life.step():
            return super().write(*arguments)

    def replace(self, *arguments: Any, **named: Any) -> str | None:
        with self._life.step():
            return super().replace(*arguments, **named)


class Life:
    def __init__(self) -> None:
        self.steps_left = 1_000_000
        self.answers_get_lost = False
        """The last write is carried out, but nobody comes to know."""

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        if self.steps_left <= 0 and not self.answers_get_lost:
            raise Died
        yield
        if self.steps_left <= 0:
            raise Died
        self.steps_left -= 1


class SmallSite:
    """A site of a few pages in three buckets of its own, and a builder for it."""

    def __init__(self, platform: PlatformProcess, folder: Path, sources: Mapping[str, bytes] = FEW) -> None:
        self._folder = folder
        self.more_settings: dict[str, Any] = {}
        self.timer: Timer | None = None
        self._sites: dict[tuple[str, str, int], Site] = {}
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
        for key, content in sources.items():
            self.put(key, content)

    def put(self, key: str, content: str | bytes) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket=self.source.name, Key=key, Body=body)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.source.name, Key=key)

    def site(self, workspace: str = "warm") -> Site:
        """Of one execution environment: its builder remembers what it did before."""
        environment = (workspace, repr(self.more_settings), id(self.timer))
        if environment not in self._sites:
            self._sites[environment] = self._new_site(workspace)
        return self._sites[environment]

    def _new_site(self, workspace: str) -> Site:
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
            quick_seconds=3600,  # whatever the machine has to do beside it
            **self.more_settings,
        )
        places = Buckets(self.source, self.website, self.state)
        return replace(assembly.connect(settings, places, timer=self.timer), quiet_seconds=0.0)

    def turn(self, request_id: str, *, seconds: float = 60, now: Callable[[], float] = time.time) -> TurnKeeper:
        """Of an environment that knows nothing."""
        return TurnKeeper(
            State(self.state, self.website.name),
            request_id=request_id,
            recipe=self.site().rounds.settings.recipe,
            deadline=time.time() + seconds,
            now=now,
        )

    def build(self, request_id: str = "r1", workspace: str = "warm", wake: Look | Asked = ANYTHING) -> list[Report]:
        site, deadline = self.site(workspace), time.time() + 60
        return list(site.bring_up_to_date(site.turn(request_id, deadline=deadline), wake, deadline=deadline))

    def digests(self) -> dict[str, str]:
        return {key: listed.etag for key, listed in self.website.list().items()}

    def notes(self) -> bytes:
        """The history of builds."""
        found = self.state.read(f"{self.website.name}/history.json")
        assert found is not None
        return found[0]

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
