"""The operations of EventBridge, under AWS's names: buses, rules, events, tags, archives and replays as one object."""

from collections.abc import Callable

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter
from lambent.services.events.archive_operations import ArchiveOperations
from lambent.services.events.bus_operations import BusOperations
from lambent.services.events.event_operations import EventOperations
from lambent.services.events.replay_operations import ReplayOperations
from lambent.services.events.rule_operations import RuleOperations
from lambent.services.events.tag_operations import TagOperations
from lambent.storage.database import Database


class EventsOperations:
    SERVED = frozenset((
        "CreateEventBus", "DeleteEventBus", "DescribeEventBus", "ListEventBuses", "UpdateEventBus",
        "PutPermission", "RemovePermission",
        "PutRule", "DeleteRule", "DescribeRule", "ListRules", "EnableRule", "DisableRule", "ListRuleNamesByTarget",
        "PutTargets", "RemoveTargets", "ListTargetsByRule",
        "PutEvents", "TestEventPattern",
        "TagResource", "UntagResource", "ListTagsForResource",
        "CreateArchive", "DescribeArchive", "UpdateArchive", "DeleteArchive", "ListArchives",
        "StartReplay", "DescribeReplay", "ListReplays", "CancelReplay",
    ))  # fmt: skip

    def __init__(
        self, *, database: Database, clock: Clock, ids: Ids, meter: Meter, serves_target: Callable[[str], bool]
    ) -> None:
        buses = BusOperations(database, clock)
        self.create_event_bus = buses.create_event_bus
        self.delete_event_bus = buses.delete_event_bus
        self.describe_event_bus = buses.describe_event_bus
        self.list_event_buses = buses.list_event_buses
        self.update_event_bus = buses.update_event_bus
        self.put_permission = buses.put_permission
        self.remove_permission = buses.remove_permission
        self._join_rules(RuleOperations(database, clock, serves_target))
        events = EventOperations(database, clock, ids, meter)
        self.put_events = events.put_events
        self.test_event_pattern = events.test_event_pattern
        tags = TagOperations(database)
        self.tag_resource = tags.tag_resource
        self.untag_resource = tags.untag_resource
        self.list_tags_for_resource = tags.list_tags_for_resource
        self._join_archives(ArchiveOperations(database, clock), ReplayOperations(database, clock))

    def _join_rules(self, rules: RuleOperations) -> None:
        self.put_rule = rules.put_rule
        self.delete_rule = rules.delete_rule
        self.describe_rule = rules.describe_rule
        self.list_rules = rules.list_rules
        self.enable_rule = rules.enable_rule
        self.disable_rule = rules.disable_rule
        self.list_rule_names_by_target = rules.list_rule_names_by_target
        self.put_targets = rules.put_targets
        self.remove_targets = rules.remove_targets
        self.list_targets_by_rule = rules.list_targets_by_rule

    def _join_archives(self, archives: ArchiveOperations, replays: ReplayOperations) -> None:
        self.create_archive = archives.create_archive
        self.describe_archive = archives.describe_archive
        self.update_archive = archives.update_archive
        self.delete_archive = archives.delete_archive
        self.list_archives = archives.list_archives
        self.start_replay = replays.start_replay
        self.describe_replay = replays.describe_replay
        self.list_replays = replays.list_replays
        self.cancel_replay = replays.cancel_replay
