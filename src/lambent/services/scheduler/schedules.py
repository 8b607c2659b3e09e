"""A schedule: what it is called, when it fires, and what it sends where."""

from collections.abc import Mapping
from typing import Any

from lambent.kit.frozen import frozen

DEFAULT_GROUP = "default"


@frozen
class ScheduleKey:
    account_id: str
    region: str
    group: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account_id}:schedule/{self.group}/{self.name}"


@frozen
class Timetable:
    """When: a request's words, checked."""

    expression: str
    zone: str
    start_ms: int | None
    end_ms: int | None
    window_minutes: int
    """0: no flexible time window."""
    is_enabled: bool


@frozen
class Plan:
    """What follows from a timetable at some moment."""

    anchor_ms: int
    """Rates are counted from here."""
    occurrence_ms: int | None
    """The next time; None: there is none, or the schedule is disabled."""
    due_ms: int | None
    """When that is sent: somewhere in the flexible time window."""
    planned_ms: int
    """When this was decided."""


@frozen
class Definition:
    """Everything of a schedule that a request says."""

    timetable: Timetable
    is_deleted_after: bool
    """Its completion deletes it (ActionAfterCompletion)."""
    description: str
    kms_key_arn: str
    target: Mapping[str, Any]
    """As in the request."""


@frozen
class Schedule:
    key: ScheduleKey
    definition: Definition
    plan: Plan
    client_token: str
    """Of the request that created or last changed it."""
    created_ms: int
    modified_ms: int


@frozen
class ScheduleGroup:
    account_id: str
    region: str
    name: str
    is_being_deleted: bool
    created_ms: int
    modified_ms: int
    client_token: str
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account_id}:schedule-group/{self.name}"
