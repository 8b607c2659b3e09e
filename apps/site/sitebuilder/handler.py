"""What Lambda calls. Event in, report out; the log tells a person what happened.

Two kinds of failure, told apart by what a retry would do. Wrong sources (a broken template, a bad front matter) fail
the same way every time: the website stays as it was, the log has an ERROR with file and line, and the invocation
*returns* `{"outcome": "failed", ...}`, so that Lambda does not run it twice more for nothing; the next edit is the
retry. Anything else (S3 out of reach, hugo killed for memory, out of time) is raised: a function error, which Lambda
retries.
"""

import os
import time
from typing import Any

import boto3
from botocore.config import Config

from sitebuilder import buckets, events, settings
from sitebuilder.buckets import Bucket
from sitebuilder.build import Report, Site
from sitebuilder.events import Ignore
from sitebuilder.publisher import Publisher
from sitebuilder.turn_keeper import TurnKeeper
from sitebuilder.workspace import Workspace

#: Names listed in the log line of a publication.
MAX_NAMES_LOGGED = 20

SETTINGS = settings.from_environment(os.environ)
_CLIENT = boto3.client(
    "s3",
    config=Config(
        max_pool_connections=buckets.PARALLEL, retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5
    ),
)
_STATE = Bucket(_CLIENT, SETTINGS.state_bucket)
_WEBSITE = Bucket(_CLIENT, SETTINGS.output_bucket)
SITE = Site(
    settings=SETTINGS,
    source=Bucket(_CLIENT, SETTINGS.input_bucket),
    website=_WEBSITE,
    publisher=Publisher(website=_WEBSITE, state=_STATE, record_key=f"{SETTINGS.output_bucket}/published.json"),
    workspace=Workspace(SETTINGS.workspace),
)


def handle(event: Any, context: Any) -> dict[str, object]:
    wake = events.read(event, input_bucket=SETTINGS.input_bucket)
    if isinstance(wake, Ignore):
        print("ignored: nothing in this event is a source of the site")
        return {"outcome": "ignored"}
    deadline = time.time() + context.get_remaining_time_in_millis() / 1000
    turn = TurnKeeper(
        _STATE,
        f"{SETTINGS.output_bucket}/turn.json",
        request_id=context.aws_request_id,
        recipe=SETTINGS.recipe,
        deadline=deadline,
        now=time.time,
    )
    for report in SITE.bring_up_to_date(turn, wake, deadline=deadline):
        print("\n".join(_sentences(report)))
    return report.as_document()


def _sentences(report: Report) -> list[str]:
    lines = [f"WARN {warning}" for warning in report.warnings]
    if report.outcome == "failed":
        lines += [f"ERROR {error}" for error in report.errors]
        lines.append("failed: the published site stays as it was")
    elif report.outcome == "published":
        lines.append(
            f"published: {len(report.uploaded)} uploaded, {len(report.deleted)} deleted, {report.kept} unchanged "
            f"({report.fetched} sources fetched in {report.sync_ms} ms, hugo {report.hugo_ms} ms, "
            f"publishing {report.publish_ms} ms)"
        )
        lines += _names("uploaded", report.uploaded) + _names("deleted", report.deleted)
    elif report.outcome == "waiting":
        lines.append("waiting: the sources have no hugo configuration yet (hugo.toml)")
    elif report.outcome == "left":
        lines.append("left: another invocation is building and will see this change")
    elif report.outcome == "seen":
        lines.append("seen: this change was seen when the site was last looked at")
    else:
        lines.append("unchanged: the website is up to date")
    return lines


def _names(verb: str, paths: tuple[str, ...]) -> list[str]:
    lines = [f"  {verb} {path}" for path in paths[:MAX_NAMES_LOGGED]]
    more = len(paths) - len(lines)
    return [*lines, f"  and {more} more"] if more > 0 else lines
