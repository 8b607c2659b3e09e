"""What PutLogEvents has acknowledged is there after a kill."""

import time
from pathlib import Path

from platform_process import PlatformProcess


def test_acknowledged_events_survive_a_kill(tmp_path: Path) -> None:
    base_ms = int(time.time() * 1000)
    with PlatformProcess.started(tmp_path / "data") as platform:
        logs = platform.client("logs")
        logs.create_log_group(logGroupName="/g")
        logs.create_log_stream(logGroupName="/g", logStreamName="s")
        logs.put_retention_policy(logGroupName="/g", retentionInDays=30)
        for number in range(20):
            event = {"timestamp": base_ms + number, "message": f"event {number}"}
            logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=[event])
        platform.kill()
    with PlatformProcess.started(tmp_path / "data") as platform:
        logs = platform.client("logs")
        found = logs.get_log_events(logGroupName="/g", logStreamName="s")["events"]
        assert [event["message"] for event in found] == [f"event {number}" for number in range(20)]
        [group] = logs.describe_log_groups()["logGroups"]
        assert group["retentionInDays"] == 30
