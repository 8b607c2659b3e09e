"""Filter policies against the examples of the SNS developer guide ("Amazon SNS subscription filter policies")."""

import json
from typing import Any

import pytest

from lambent.services.sns import filter_policies
from lambent.services.sns.bad_attribute import BadAttribute
from lambent.services.sns.filter_policies import Scope
from lambent.services.sns.message_attributes import MessageAttribute


def text(value: str) -> MessageAttribute:
    return MessageAttribute("String", value)


def number(value: str) -> MessageAttribute:
    return MessageAttribute("Number", value)


def array(*values: Any) -> MessageAttribute:
    return MessageAttribute("String.Array", json.dumps(values))


ATTRIBUTES = [
    # "Exact matching", "Anything-but matching", "Prefix matching", ... under "String value matching"
    ({"interests": ["rugby", "tennis"]}, {"interests": text("rugby")}, True),
    ({"interests": ["rugby", "tennis"]}, {"interests": text("Rugby")}, False),
    ({"interests": ["rugby", "tennis"]}, {"interests": text("baseball")}, False),
    ({"interests": ["rugby"]}, {"other": text("rugby")}, False),
    ({"interests": ["rugby"]}, {"interests": array("tennis", "rugby")}, True),
    ({"interests": ["rugby"]}, {"interests": array("tennis")}, False),
    ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, {"interests": text("baseball")}, True),
    ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, {"interests": text("rugby")}, False),
    ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, {"interests": array("rugby", "baseball")}, True),
    ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, {"interests": array("rugby")}, False),
    ({"interests": [{"anything-but": ["rugby"]}]}, {}, False),
    ({"event": [{"anything-but": {"prefix": "order-"}}]}, {"event": text("data-entry")}, True),
    ({"event": [{"anything-but": {"prefix": "order-"}}]}, {"event": text("order-cancelled")}, False),
    ({"event": [{"anything-but": {"suffix": "ball"}}]}, {"event": text("rugby")}, True),
    ({"interests": [{"equals-ignore-case": "tennis"}]}, {"interests": text("TENNIS")}, True),
    ({"interests": [{"equals-ignore-case": "tennis"}]}, {"interests": text("tenniS ")}, False),
    ({"source_ip": [{"cidr": "10.0.0.0/24"}]}, {"source_ip": text("10.0.0.255")}, True),
    ({"source_ip": [{"cidr": "10.0.0.0/24"}]}, {"source_ip": text("10.1.1.0")}, False),
    ({"interests": [{"prefix": "bas"}]}, {"interests": text("basketball")}, True),
    ({"interests": [{"prefix": "bas"}]}, {"interests": text("rugby")}, False),
    ({"interests": [{"suffix": "ball"}]}, {"interests": text("football")}, True),
    ({"interests": [{"wildcard": "*ball"}]}, {"interests": text("football")}, True),
    # "Numeric value matching"
    ({"price": [{"numeric": ["=", 301.5]}]}, {"price": number("301.5")}, True),
    ({"price": [{"numeric": ["=", 301.5]}]}, {"price": number("3.015e2")}, True),
    ({"price": [{"numeric": ["=", 301.5]}]}, {"price": number("300")}, False),
    ({"price": [{"anything-but": [100, 500]}]}, {"price": number("101")}, True),
    ({"price": [{"anything-but": [100, 500]}]}, {"price": number("100")}, False),
    ({"price": [{"numeric": [">", 100]}]}, {"price": number("99.99")}, False),
    ({"price": [{"numeric": ["<", 0]}]}, {"price": number("-1")}, True),
    ({"price": [{"numeric": [">", 0, "<=", 150]}]}, {"price": number("150")}, True),
    ({"price": [{"numeric": [">", 0, "<=", 150]}]}, {"price": number("0")}, False),
    ({"price": [100]}, {"price": number("100")}, True),
    ({"price": [100]}, {"price": text("100")}, False),
    ({"price": ["100"]}, {"price": number("100")}, False),
    # "Key matching"
    ({"store": [{"exists": True}]}, {"store": text("")}, True),
    ({"store": [{"exists": True}]}, {"other": text("x")}, False),
    ({"store": [{"exists": False}]}, {"other": text("x")}, True),
    ({"store": [{"exists": False}]}, {"store": number("1")}, False),
    ({"store": [None]}, {}, True),
    ({"store": [None]}, {"store": text("x")}, False),
    ({"store": [None, {"prefix": "x"}]}, {"store": text("xy")}, True),
    ({"store": [None]}, {"store": array("a", None)}, True),
    ({"store": [True]}, {"store": array(True)}, True),
    # "Amazon SNS ignores message attributes with the Binary data type"
    ({"store": [{"exists": True}]}, {"store": MessageAttribute("Binary", "AgME")}, False),
    # "AND/OR logic"
    ({"interests": ["rugby"], "price": [{"numeric": [">", 100]}]}, {"interests": text("rugby")}, False),
    (
        {"interests": ["rugby"], "price": [{"numeric": [">", 100]}]},
        {"interests": text("rugby"), "price": number("101")},
        True,
    ),
    ({"source": ["cw"], "$or": [{"metric": ["cpu"]}, {"namespace": ["ec2"]}]}, {"source": text("cw")}, False),
    (
        {"source": ["cw"], "$or": [{"metric": ["cpu"]}, {"namespace": ["ec2"]}]},
        {"source": text("cw"), "namespace": text("ec2")},
        True,
    ),
    ({"$or": [{"a": [None]}, {"b": ["x"]}]}, {"a": text("there")}, False),
    ({"$or": [{"a": [None]}, {"b": ["x"]}]}, {}, True),
    ({}, {"anything": text("x")}, True),
]


@pytest.mark.parametrize(("policy", "attributes", "passes"), ATTRIBUTES)
def test_attributes(policy: Any, attributes: dict[str, MessageAttribute], passes: bool) -> None:
    written = json.dumps(policy)
    filter_policies.check(written, Scope.ATTRIBUTES)
    assert filter_policies.matches(written, Scope.ATTRIBUTES, attributes, "not looked at") is passes


BODY = {
    "store": "example_corp",
    "event": "order_placed",
    "customer": {"interests": ["soccer", "rugby"], "age": 33, "address": None},
    "price_usd": 210.75,
    "items": [{"kind": "ball"}, {"kind": "shirt"}],
}
BODIES = [
    ({"store": ["example_corp"]}, True),
    ({"customer": {"interests": ["rugby"]}}, True),
    ({"customer": {"interests": [{"anything-but": ["soccer", "rugby"]}]}}, False),
    ({"customer": {"age": [{"numeric": [">=", 30]}]}}, True),
    ({"customer": {"address": [None]}}, True),
    ({"customer": {"address": [{"exists": True}]}}, True),
    ({"customer": {"phone": [{"exists": False}]}}, True),
    ({"customer": {"phone": [None]}}, False),
    ({"items": {"kind": ["shirt"]}}, True),
    ({"price_usd": [210.75]}, True),
    ({"store": ["example_corp"], "event": ["order_cancelled"]}, False),
]


@pytest.mark.parametrize(("policy", "passes"), BODIES)
def test_body(policy: Any, passes: bool) -> None:
    written = json.dumps(policy)
    filter_policies.check(written, Scope.BODY)
    assert filter_policies.matches(written, Scope.BODY, {}, json.dumps(BODY)) is passes


@pytest.mark.parametrize("body", ["plain text", "[1]", '"x"', "{"])
def test_a_body_that_is_no_object_passes_no_policy(body: str) -> None:
    assert not filter_policies.matches('{"a": [{"exists": false}]}', Scope.BODY, {}, body)


MANY = [f"value-{number}" for number in range(151)]
REFUSED = [
    ('{"key": [["value"]]}', "FilterPolicy: Match value must be String, number, true, false, or null"),
    ('{"key": [{"wrong-operator": true}]}', "FilterPolicy: Unrecognized match type wrong-operator"),
    ('{"key": [{"suffix": "a", "prefix": "b"}]}', "FilterPolicy: Only one key allowed in match expression"),
    ('{"key": [{"suffix": 100}]}', "FilterPolicy: suffix match pattern must be a string"),
    ('{"key": "value"}', 'FilterPolicy: "key" must be an object or an array'),
    ('{"key": []}', "FilterPolicy: Empty arrays are not allowed"),
    ('{"key": [{"exists": "no"}]}', "FilterPolicy: exists match pattern must be either true or false."),
    ("[]", "FilterPolicy: Filter is not an object"),
    (json.dumps({"key": MANY}), "FilterPolicy: Filter policy is too complex"),
    (json.dumps({"key": MANY[:25], "other": MANY[:7]}), "FilterPolicy: Filter policy is too complex"),
    (json.dumps({f"key-{number}": ["x"] for number in range(6)}), ("FilterPolicy: Filter policy can not have more than "
     "5 keys")),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "about"), REFUSED)
def test_refused(policy: str, about: str) -> None:
    with pytest.raises(BadAttribute) as refusal:
        filter_policies.check(policy, Scope.ATTRIBUTES)
    assert refusal.value.about == about


def test_not_json() -> None:
    with pytest.raises(BadAttribute, match="FilterPolicy: failed to parse JSON"):
        filter_policies.check("{invalid", Scope.ATTRIBUTES)


def test_only_bodies_have_depth() -> None:
    policy = '{"object": {"key": [{"prefix": "auto-"}]}}'
    filter_policies.check(policy, Scope.BODY)
    with pytest.raises(BadAttribute) as refusal:
        filter_policies.check(policy, Scope.ATTRIBUTES)
    assert refusal.value.about == "Filter policy scope MessageAttributes does not support nested filter policy"


COMPLEX = [
    ({"a": ["1", "2", "3"], "b": ["1"], "c": ["1", "2"]}, True),  # 3 x 1 x 2
    # Values times levels.
    ({"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3"]}}, True),  # (4 x 3) x (3 x 2) = 72
    ({"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3"]}, "f": ["1", "2", "3"]}, False),  # 216
    ({"$or": [{"a": MANY[:70]}, {"b": MANY[:80]}]}, True),  # 70 + 80
    ({"$or": [{"a": MANY[:71]}, {"b": MANY[:80]}]}, False),
]


@pytest.mark.parametrize(("policy", "is_taken"), COMPLEX)
def test_complexity(policy: Any, is_taken: bool) -> None:
    if is_taken:
        filter_policies.check(json.dumps(policy), Scope.BODY)
    else:
        with pytest.raises(BadAttribute, match="too complex"):
            filter_policies.check(json.dumps(policy), Scope.BODY)


NUMERIC = [
    ("[]", "Invalid member in numeric match: ]"),
    ('["operator"]', "Unrecognized numeric range operator: operator"),
    ('[1, "<="]', "Invalid member in numeric match: 1"),
    ('["=", "000"]', "Value of equals must be numeric"),
    ('[">="]', "Value of >= must be numeric"),
    ('["<", 100, ">", 10]', "Too many elements in numeric expression"),
    ('[">=", 1, ">", 2]', "Bad numeric range operator: >"),
    ('[">", 3, "<", 1]', "Bottom must be less than top"),
    ('[">", 20, "<="]', "Value of <= must be numeric"),
    ('[">", 20, 30]', "Bad value in numeric range: 30"),
    ('[">", 20, "test"]', "Bad numeric range operator: test"),
    ('[">", "20", "<", "30"]', "Value of > must be numeric"),
    ('[">", 20, "<", "30"]', "Value of < must be numeric"),
    ('[">", 20, "<", 30, "<", 50]', "Too many terms in numeric range expression"),
]


@pytest.mark.parametrize(("operand", "sentence"), NUMERIC)
def test_numeric_conditions_are_refused_in_the_words_of_aws(operand: str, sentence: str) -> None:
    with pytest.raises(BadAttribute) as refusal:
        filter_policies.check(f'{{"key": [{{"numeric": {operand}}}]}}', Scope.ATTRIBUTES)
    assert refusal.value.about == f"FilterPolicy: {sentence}"
