"""kill -9 while events go from PutEvents through a rule to a function: every acknowledged event that matches arrives.

Senders put events, each numbering its own, while the platform is killed and started again. The function writes the
numbers it is given into a table. In the end no acknowledged number of the matching kind may be missing, and none of the
other kind may be there. LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import json
from functools import partial
from pathlib import Path

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
SENDERS = 3

#: Deliveries may repeat: writing a number twice changes nothing.
SOURCE = """
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    item = {"id": {"S": event["detail"]["id"]}, "kind": {"S": event["detail-type"]}}
    table.put_item(TableName="seen", Item=item)
"""


def deploy(platform: PlatformProcess) -> None:
    events = platform.client("events")
    killing.create_table(platform, "seen")
    function = killing.create_function(platform, "follower", SOURCE)
    killing.permit(platform, "follower", "events")
    events.put_rule(Name="wanted", EventPattern=json.dumps({"source": ["crash"], "detail-type": ["wanted"]}))
    events.put_targets(Rule="wanted", Targets=[{"Id": "f", "Arn": function}])


def put_until_killed(acknowledged: list[int], name: str, platform: PlatformProcess) -> None:
    """What got no answer may have come in or not: the next life goes on behind it."""
    events = killing.client_without_retries(platform, "events")
    number = acknowledged[-1] + 1 if acknowledged else 0
    while platform.process.poll() is None:
        number += 1
        entries = [
            {"Source": "crash", "DetailType": kind, "Detail": json.dumps({"id": f"{name}/{number}/{kind}"})}
            for kind in ("wanted", "unwanted", "wanted")
        ]
        try:
            answer = events.put_events(Entries=entries)
        except killing.NO_ANSWER:
            return
        assert answer["FailedEntryCount"] == 0
        acknowledged.append(number)


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_under_load_every_event_arrives(tmp_path: Path) -> None:
    ledger: dict[str, list[int]] = {f"sender-{number}": [] for number in range(SENDERS)}
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    works = [partial(put_until_killed, acknowledged, name) for name, acknowledged in ledger.items()]
    for _ in range(ROUNDS):
        has_begun = killing.all_grow(one.__len__ for one in ledger.values())
        killing.kill_amid(tmp_path, works, (0.3, 1.5), has_begun)
    assert all(ledger.values())
    wanted = {f"{name}/{number}/wanted" for name, numbers in ledger.items() for number in numbers}
    with PlatformProcess.started(tmp_path) as platform:
        killing.wait_until_complete(lambda: wanted - killing.ids_in(platform, "seen"), "never came", pause=0.2)
        assert not [one for one in killing.ids_in(platform, "seen") if one.endswith("/unwanted")]
