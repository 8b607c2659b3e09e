"""Names of buses, rules, archives and replays, and their ARNs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html has the formats.
"""

from typing import NamedTuple

from lambent.kit.arn import Arn
from lambent.services.caller import Caller
from lambent.services.events.errors import ResourceNotFound, bad_arn

DEFAULT_BUS = "default"


class BusKey(NamedTuple):
    account_id: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account_id}:event-bus/{self.name}"


class RuleKey(NamedTuple):
    account_id: str
    region: str
    bus: str
    name: str

    @property
    def arn(self) -> str:
        """`.../rule/name` on the default bus, `.../rule/bus/name` on all others."""
        where = self.name if self.bus == DEFAULT_BUS else f"{self.bus}/{self.name}"
        return f"arn:aws:events:{self.region}:{self.account_id}:rule/{where}"

    @property
    def bus_key(self) -> BusKey:
        return BusKey(self.account_id, self.region, self.bus)


class ResourceKey(NamedTuple):
    """An archive or a replay."""

    account_id: str
    region: str
    name: str

    def arn(self, kind: str) -> str:
        return f"arn:aws:events:{self.region}:{self.account_id}:{kind}/{self.name}"


def requested_bus(caller: Caller, name_or_arn: str | None) -> BusKey:
    """A name is one of the caller's buses, in the region it asks. Raises ValidationException."""
    if not name_or_arn:
        return BusKey(caller.account_id, caller.region, DEFAULT_BUS)
    if not name_or_arn.startswith("arn:"):
        return BusKey(caller.account_id, caller.region, name_or_arn)
    return parse_bus_arn(name_or_arn)


def own_bus(caller: Caller, name_or_arn: str | None) -> BusKey:
    """Of another account or region there is none to change or read. Raises ValidationException, ResourceNotFound."""
    key = requested_bus(caller, name_or_arn)
    if (key.account_id, key.region) != (caller.account_id, caller.region):
        raise bus_not_found(key.name)
    return key


def parse_bus_arn(text: str) -> BusKey:
    """Raises ValidationException."""
    arn, name = _parse(text, "event-bus")
    return BusKey(arn.account_id, arn.region, name)


def parse_rule_arn(text: str) -> RuleKey:
    """Raises ValidationException."""
    arn, where = _parse(text, "rule")
    bus, _, name = where.rpartition("/")
    return RuleKey(arn.account_id, arn.region, bus or DEFAULT_BUS, name)


def parse_archive_arn(text: str) -> ResourceKey:
    """Raises ValidationException."""
    arn, name = _parse(text, "archive")
    return ResourceKey(arn.account_id, arn.region, name)


def _parse(text: str, kind: str) -> tuple[Arn, str]:
    try:
        arn = Arn.parse(text)
    except ValueError as error:
        raise bad_arn(text) from error
    found, _, name = arn.resource.partition("/")
    if arn.service != "events" or found != kind or not name:
        raise bad_arn(text)
    return arn, name


def bus_not_found(name: str) -> ResourceNotFound:
    return ResourceNotFound(f"Event bus {name} does not exist.")


def rule_not_found(key: RuleKey) -> ResourceNotFound:
    return ResourceNotFound(f"Rule {key.name} does not exist on EventBus {key.bus}.")
