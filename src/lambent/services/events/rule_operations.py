"""The operations on rules and their targets, under AWS's names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.events import page_tokens, rule_store, rules
from lambent.services.events.bus_operations import existing_bus
from lambent.services.events.errors import ValidationException, bad_arn, limit_exceeded
from lambent.services.events.names import RuleKey, own_bus, rule_not_found
from lambent.services.events.rules import MAX_RULES, Rule, State
from lambent.services.events.tags import requested_tags
from lambent.services.events.targets import MAX_TARGETS, Target, requested_target
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class RuleOperations:
    def __init__(self, database: Database, clock: Clock, serves_target: Callable[[str], bool]) -> None:
        """`serves_target`: whether an ARN is of a kind that events can be sent to."""
        self._database = database
        self._clock = clock
        self._serves_target = serves_target

    async def put_rule(self, caller: Caller, request: Request) -> Result:
        key, now_ms = _requested(caller, request), self._clock.now_ms()
        rule = rules.requested_rule(key, request)
        tags = requested_tags(request.get("Tags", ()))
        await self._database.write(lambda tx: _save_rule(tx, replace(rule, tags=tags), now_ms))
        return {"RuleArn": key.arn}

    async def delete_rule(self, caller: Caller, request: Request) -> Result:
        """AWS: "If you call delete rule multiple times for the same rule, all calls will succeed"."""
        key = _requested(caller, request)

        def delete(tx: Transaction) -> None:
            existing_bus(tx, key.bus_key)
            if rule_store.count_targets(tx, key):
                raise ValidationException("Rule can't be deleted since it has targets.")
            rule_store.delete_rule(tx, key)

        await self._database.write(delete)
        return {}

    async def describe_rule(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request)
        rule = self._database.read(lambda tx: existing_rule(tx, key))
        return {**_listed(rule), "CreatedBy": key.account_id}

    async def list_rules(self, caller: Caller, request: Request) -> Result:
        bus, prefix = own_bus(caller, request.get("EventBusName")), request.get("NamePrefix", "")
        start, limit = page_tokens.start_of(request), page_tokens.limit_of(request) + 1

        def read(tx: Transaction) -> list[Rule]:
            existing_bus(tx, bus)
            return rule_store.list_rules(tx, bus, start=start, prefix=prefix, limit=limit)

        found = await self._database.scan(read)
        entries, token = page_tokens.page(request, [(rule.key.name, _listed(rule)) for rule in found])
        return {"Rules": entries, **token}

    async def list_rule_names_by_target(self, caller: Caller, request: Request) -> Result:
        bus, arn = own_bus(caller, request.get("EventBusName")), request["TargetArn"]
        start, limit = page_tokens.start_of(request), page_tokens.limit_of(request) + 1
        found = await self._database.scan(
            lambda tx: rule_store.list_rule_names_by_target(tx, bus, arn, start=start, limit=limit)
        )
        entries, token = page_tokens.page(request, [(name, name) for name in found])
        return {"RuleNames": entries, **token}

    async def enable_rule(self, caller: Caller, request: Request) -> Result:
        return await self._set_state(_requested(caller, request), State.ENABLED)

    async def disable_rule(self, caller: Caller, request: Request) -> Result:
        return await self._set_state(_requested(caller, request), State.DISABLED)

    async def _set_state(self, key: RuleKey, state: State) -> Result:
        now_ms = self._clock.now_ms()
        await self._database.write(lambda tx: _save_rule(tx, replace(existing_rule(tx, key), state=state), now_ms))
        return {}

    # Targets

    async def put_targets(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request, "Rule")
        targets = [requested_target(document) for document in request["Targets"]]
        for target in targets:
            if not self._serves_target(target.arn):
                raise bad_arn(target.arn)
        await self._database.write(lambda tx: _save_targets(tx, key, targets))
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def remove_targets(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request, "Rule")

        def remove(tx: Transaction) -> list[str]:
            existing_rule(tx, key)
            return [one for one in request["Ids"] if not rule_store.delete_target(tx, key, one)]

        failed = [
            {
                "TargetId": target_id,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule '{key.name}' does not have a target with the Id '{target_id}'.",
            }
            for target_id in await self._database.write(remove)
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    async def list_targets_by_rule(self, caller: Caller, request: Request) -> Result:
        key = _requested(caller, request, "Rule")
        start, limit = page_tokens.start_of(request), page_tokens.limit_of(request) + 1

        def read(tx: Transaction) -> list[Target]:
            existing_rule(tx, key)
            return rule_store.list_targets(tx, key, start=start, limit=limit)

        found = self._database.read(read)
        entries, token = page_tokens.page(request, [(target.target_id, target.document) for target in found])
        return {"Targets": entries, **token}


def existing_rule(tx: Transaction, key: RuleKey) -> Rule:
    """Raises ResourceNotFound."""
    existing_bus(tx, key.bus_key)
    rule = rule_store.find_rule(tx, key)
    if rule is None:
        raise rule_not_found(key)
    return rule


def _requested(caller: Caller, request: Request, name: str = "Name") -> RuleKey:
    return RuleKey(*own_bus(caller, request.get("EventBusName")), request[name])


def _save_rule(tx: Transaction, rule: Rule, now_ms: int) -> None:
    """A schedule that stays as it is goes on in its rhythm; tags are only given to a new rule (PutRule, "Tags")."""
    existing_bus(tx, rule.key.bus_key)
    known = rule_store.find_rule(tx, rule.key)
    if known is None and rule_store.count_rules(tx, rule.key.bus_key) >= MAX_RULES:
        raise limit_exceeded()
    goes_on = known is not None and known.schedule == rule.schedule and known.is_enabled
    started_ms = known.started_ms if known is not None and goes_on else now_ms
    rule = replace(rule, started_ms=started_ms, tags=rule.tags if known is None else known.tags)
    rule_store.save_rule(tx, replace(rule, next_ms=rules.next_time(rule, now_ms)))


def _save_targets(tx: Transaction, key: RuleKey, targets: list[Target]) -> None:
    existing_rule(tx, key)
    for target in targets:
        rule_store.save_target(tx, key, target)
    if rule_store.count_targets(tx, key) > MAX_TARGETS:
        raise limit_exceeded()


def _listed(rule: Rule) -> Result:
    return {
        "Name": rule.key.name,
        "Arn": rule.key.arn,
        "EventPattern": rule.pattern or None,
        "ScheduleExpression": rule.schedule or None,
        "State": rule.state.value,
        "Description": rule.description or None,
        "RoleArn": rule.role_arn or None,
        "EventBusName": rule.key.bus,
    }
