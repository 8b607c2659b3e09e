"""Wiring: from one site's settings to the thing that keeps it up to date."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import boto3

from sitebuilder import buckets
from sitebuilder.buckets import Bucket, Traffic
from sitebuilder.build import Site
from sitebuilder.materials import Materials
from sitebuilder.partial.phases import Phases
from sitebuilder.publisher import Publisher
from sitebuilder.rendering import Renderer
from sitebuilder.rounds import Rounds
from sitebuilder.settings import Settings
from sitebuilder.state import State
from sitebuilder.timer import Timer
from sitebuilder.workspace import Workspace

S3_CONFIG: dict[str, Any] = {
    "max_pool_connections": buckets.PARALLEL,
    "retries": {"mode": "standard", "max_attempts": 4},
    "connect_timeout": 5,
}
#: A schedule's name has at most 64 characters of this set (EventBridge Scheduler API Reference, CreateSchedule).
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z_.-]")
_NAME_CHARACTERS = 40


class Clients:
    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.traffic = Traffic(s3)

    def bucket(self, name: str, prefix: str = "") -> Bucket:
        return Bucket(self._s3, name, prefix)


@dataclass(frozen=True, slots=True)
class Buckets:
    source: Bucket
    website: Bucket
    state: Bucket


def assemble(site: Settings, clients: Clients, *, function_arn: str) -> Site:
    places = Buckets(
        source=clients.bucket(site.input_bucket, site.input_prefix),
        website=clients.bucket(site.output_bucket, site.output_prefix),
        state=clients.bucket(site.state_bucket),
    )
    timer = None
    if site.schedule_role and not site.is_preview:
        name = f"site-{_NOT_IN_A_NAME.sub('-', site.site)[:_NAME_CHARACTERS]}-{_digest(site.site)}"
        timer = Timer(boto3.client("scheduler"), name, function_arn, site.schedule_role, site.site)
    return connect(site, places, timer=timer, traffic=clients.traffic)


def connect(site: Settings, places: Buckets, *, timer: Timer | None = None, traffic: Traffic | None = None) -> Site:
    state, workspace = State(places.state, site.site), Workspace(site.workspace)
    return Site(
        Rounds(
            settings=site,
            source=places.source,
            website=places.website,
            state=state,
            publisher=Publisher(places.website, state, keep=site.releases, grace_seconds=site.grace_seconds),
            materials=Materials(site, places.source, state, workspace),
            renderer=Renderer(site, workspace),
            phases=Phases(site, places.source, state, workspace, threshold=site.quick_seconds),
            timer=timer,
            traffic=traffic,
        )
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
