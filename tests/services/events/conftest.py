"""Clients of the shared platform, and buses with names of their own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

import fresh
from platform_process import PlatformProcess


@pytest.fixture(scope="session")
def events(platform: PlatformProcess) -> Any:
    return platform.client("events")


@pytest.fixture(scope="session")
def unchecked(platform: PlatformProcess) -> Any:
    """Sends what boto3 would refuse itself."""
    return platform.client("events", config=Config(parameter_validation=False))


@pytest.fixture
def make_name() -> Callable[[str], str]:
    return fresh.name


@pytest.fixture
def bus(events: Any, make_name: Callable[[str], str]) -> Iterator[str]:
    """One of one's own, with nothing left of it afterwards."""
    name = make_name("bus")
    events.create_event_bus(Name=name)
    yield name
    for rule in events.list_rules(EventBusName=name)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=name)["Targets"]
        if targets:
            events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=[one["Id"] for one in targets])
        events.delete_rule(Name=rule["Name"], EventBusName=name)
    events.delete_event_bus(Name=name)
