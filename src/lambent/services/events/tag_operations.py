"""Tags of rules and buses, by the ARN of either, under AWS's names."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lambent.services.caller import Caller
from lambent.services.events import bus_store, names, rule_store
from lambent.services.events.bus_operations import existing_bus
from lambent.services.events.buses import Bus
from lambent.services.events.names import BusKey, RuleKey, bus_not_found
from lambent.services.events.rule_operations import existing_rule
from lambent.services.events.rules import Rule
from lambent.services.events.tags import listed_tags, requested_tags
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class TagOperations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def tag_resource(self, caller: Caller, request: Request) -> Result:
        return await self._change(caller, request, lambda tags: requested_tags(request["Tags"], tags))

    async def untag_resource(self, caller: Caller, request: Request) -> Result:
        dropped = set(request["TagKeys"])
        return await self._change(
            caller, request, lambda tags: {name: value for name, value in tags.items() if name not in dropped}
        )

    async def list_tags_for_resource(self, caller: Caller, request: Request) -> Result:
        key = _resource(caller, request)
        found = self._database.read(lambda tx: _existing(tx, key))
        return {"Tags": listed_tags(found.tags)}

    async def _change(
        self, caller: Caller, request: Request, change: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> Result:
        key = _resource(caller, request)

        def commit(tx: Transaction) -> None:
            if isinstance(key, RuleKey):
                rule = existing_rule(tx, key)
                rule_store.update_tags(tx, key, change(rule.tags))
            else:
                bus = existing_bus(tx, key)
                bus_store.save_bus(tx, replace(bus, tags=change(bus.tags)))

        await self._database.write(commit)
        return {}


def _resource(caller: Caller, request: Request) -> RuleKey | BusKey:
    """Raises ValidationException, ResourceNotFound."""
    arn: str = request["ResourceARN"]
    key = names.parse_rule_arn(arn) if ":rule/" in arn else names.parse_bus_arn(arn)
    if key.account_id != caller.account_id:
        raise bus_not_found(key.bus if isinstance(key, RuleKey) else key.name)
    return key


def _existing(tx: Transaction, key: RuleKey | BusKey) -> Rule | Bus:
    return existing_rule(tx, key) if isinstance(key, RuleKey) else existing_bus(tx, key)
