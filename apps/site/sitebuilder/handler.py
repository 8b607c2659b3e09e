"""What Lambda calls. Event in, report out; the log tells a person what happened.

Two kinds of failure, told apart by what a retry would do. Wrong sources (a broken template, a bad front matter) fail
the same way every time: the website stays as it was, the log has an ERROR with file and line, and the invocation
*returns* `{"outcome": "failed", ...}`, so that Lambda does not run it twice more for nothing; the next edit is the
retry. Anything else (S3 out of reach, hugo killed for memory, out of time) is raised: a function error, which Lambda
retries.

Beside S3's events: `{"action": "build" | "verify" | "confirm" | "unpin" | "rollback" | "tree", "site": NAME}`, and of a
rollback `"generation": N`. Anything without an action is a request to build. Without a site it is for all of the
function's.
"""

import os
import time
from typing import Any

import boto3
from botocore.config import Config

from sitebuilder import assembly, events, narration, settings
from sitebuilder.assembly import Clients
from sitebuilder.build import Site
from sitebuilder.events import Ignore
from sitebuilder.settings import Settings

SITES = settings.from_environment(os.environ)
CLIENTS = Clients(boto3.client("s3", config=Config(**assembly.S3_CONFIG)))
#: Remembered from one invocation to the next: the execution environment serves one at a time.
_BUILDERS: dict[str, Site] = {}


def handle(event: Any, context: Any) -> dict[str, object]:
    """The report of the site concerned; of several, that of each by its name."""
    chosen = events.site_of(event)
    reports: dict[str, dict[str, object]] = {}
    for site in SITES:
        if chosen in (None, site.site):
            told = _bring_up_to_date(site, event, context)
            if told is not None:
                reports[site.site] = told
    if not reports:
        print("ignored: nothing in this event is a source of a site")
        return {"outcome": "ignored"}
    first = next(iter(reports.values()))
    return first if len(reports) == 1 else {**first, "sites": reports}


def _bring_up_to_date(site: Settings, event: Any, context: Any) -> dict[str, object] | None:
    wake = events.read(event, input_bucket=site.input_bucket, prefix=site.input_prefix)
    if isinstance(wake, Ignore):
        return None
    deadline = time.time() + context.get_remaining_time_in_millis() / 1000
    if site.site not in _BUILDERS:
        _BUILDERS[site.site] = assembly.assemble(site, CLIENTS, function_arn=context.invoked_function_arn)
    builder = _BUILDERS[site.site]
    turn = builder.turn(context.aws_request_id, deadline=deadline)
    for report in builder.bring_up_to_date(turn, wake, deadline=deadline):
        print("\n".join(narration.sentences(report, site.site if len(SITES) > 1 else "")))
    return report.as_document()
