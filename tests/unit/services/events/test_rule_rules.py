"""When rules fire, which rules an event concerns, who may put events, and what a record of the log carries."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from lambent.services.events import buses, envelopes, rules
from lambent.services.events.buses import Bus
from lambent.services.events.envelopes import Envelope, Facts
from lambent.services.events.names import BusKey, RuleKey, parse_rule_arn
from lambent.services.events.rule_index import MatchedRule, RuleIndex
from lambent.services.events.rules import Rule, State

BUS = BusKey("000000000000", "us-east-1", "orders")
HOUR_MS = 3_600_000


def rule(name: str, **fields: Any) -> Rule:
    return Rule(RuleKey(*BUS, name), **fields)


@pytest.mark.parametrize(
    ("fields", "after_ms", "expected"),
    [
        ({"schedule": "rate(1 hour)"}, 0, HOUR_MS),
        ({"schedule": "rate(1 hour)"}, HOUR_MS, 2 * HOUR_MS),
        ({"schedule": "rate(1 hour)", "started_ms": 5}, 5, HOUR_MS + 5),
        ({"schedule": "rate(1 hour)"}, 10 * HOUR_MS + 1, 11 * HOUR_MS),
        ({"schedule": "cron(30 * * * ? *)"}, 0, HOUR_MS // 2),
        ({"schedule": "cron(30 * * * ? 1970)"}, 400 * 24 * HOUR_MS, None),
        ({"schedule": "rate(1 hour)", "state": State.DISABLED}, 0, None),
        ({"schedule": "rate(1 hour)", "state": State.ENABLED_WITH_CLOUDTRAIL}, 0, HOUR_MS),
        ({"pattern": "{}"}, 0, None),
    ],
)
def test_next_time(fields: dict[str, Any], after_ms: int, expected: int | None) -> None:
    assert rules.next_time(rule("r", **fields), after_ms) == expected


@pytest.mark.parametrize("bus", ["default", "orders"])
def test_rule_arns(bus: str) -> None:
    key = RuleKey("000000000000", "us-east-1", bus, "r")
    assert parse_rule_arn(key.arn) == key


def test_rules_are_found_by_source_and_without() -> None:
    patterns = {
        "plain": {"source": ["a"], "detail": {"n": [1]}},
        "both": {"source": ["a", "b"]},
        "prefix": {"source": [{"prefix": "a"}]},
        "any": {"detail": {"n": [{"exists": True}]}},
        "or": {"$or": [{"source": ["b"]}, {"detail": {"n": [2]}}]},
        "none": {"source": ["c"]},
        "refused": {"detail": {"n": [{"anything-but": ["x", 1]}]}},  # as a former version may have kept
    }
    index = RuleIndex(
        MatchedRule(rule(name, pattern=orjson.dumps(pattern).decode()), ()) for name, pattern in patterns.items()
    )

    def matching(source: str, number: int) -> set[str]:
        found = index.matching({"source": source, "detail": {"n": number}})
        return {one.rule.key.name for one in found}

    assert matching("a", 1) == {"plain", "both", "prefix", "any"}
    assert matching("b", 2) == {"both", "any", "or"}
    assert matching("d", 3) == {"any"}


@pytest.mark.parametrize(
    ("account", "statement", "expected"),
    [
        ("000000000000", None, True),
        ("111111111111", None, False),
        ("111111111111", {"Effect": "Allow", "Principal": "*"}, True),
        ("111111111111", {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}, True),
        ("111111111111", {"Effect": "Allow", "Principal": {"AWS": "222222222222"}}, False),
        ("000000000000", {"Effect": "Deny", "Principal": "*"}, False),
        ("000000000000", {"Effect": "Allow", "Principal": {"AWS": "222222222222"}}, True),
        (
            "111111111111",
            {"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"events:source": "shop"}}},
            True,
        ),
        (
            "111111111111",
            {"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"events:detail-type": "sold"}}},
            False,
        ),
    ],
)
def test_who_may_put(account: str, statement: dict[str, Any] | None, expected: bool) -> None:
    bus = Bus(BUS)
    if statement is not None:
        full = {"Action": "events:PutEvents", "Resource": BUS.arn, **statement}
        bus = replace(bus, policy=orjson.dumps({"Version": "2012-10-17", "Statement": full}).decode())
    asked = {"principal_arn": f"arn:aws:iam::{account}:root", "source": "shop", "detail_type": "bought"}
    assert buses.may_put(bus, account_id=account, **asked) is expected


def test_an_event_is_kept_letter_by_letter() -> None:
    detail = '{"big": 123456789012345678901234567890, "exact": 1.10,\n "text": "\\u00e9"}'
    facts = Facts("id", "orders", "placed", "000000000000", "us-east-1", 1_750_000_000_999, ["arn:1"])
    event = envelopes.document(facts, detail)
    assert event.decode() == (
        '{"version":"0","id":"id","detail-type":"placed","source":"orders","account":"000000000000",'
        '"time":"2025-06-15T15:06:40Z","region":"us-east-1","resources":["arn:1"],"detail":' + detail + "}"
    )
    envelope = Envelope(BUS, event, 1, "Root=1", True, "arn:rule", "again", ("arn:rule",))
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope
    assert orjson.loads(envelopes.of_replay(event, "again"))["replay-name"] == "again"
