"""JSON paths and input transformers, by the examples of "Amazon EventBridge input transformation"."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.events import json_paths, transformers
from lambent.services.events.json_paths import MISSING
from lambent.services.events.transformers import InvalidTemplate

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:1", "arn:2"],
    "detail": {"instance-id": "i-0", "state": "RUNNING", "list": [{"n": 1}, {"n": 2}, {}], "quoted": 'say "hi"\n'},
}
PATHS = {
    "timestamp": "$.time",
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "detail": "$.detail",
    "numbers": "$.detail.list[*].n",
    "quoted": "$.detail.quoted",
    "missing": "$.detail.nothing",
    "nonsense": "detail",
}
RESERVED = {
    "aws.events.rule-arn": "arn:aws:events:us-east-2:123456789012:rule/example",
    "aws.events.rule-name": "example",
    "aws.events.event": {name: value for name, value in EVENT.items() if name != "detail"},
    "aws.events.event.json": EVENT,
    "aws.events.event.ingestion-time": "2015-11-11T21:29:55Z",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail.state", "RUNNING"),
        ("$.detail['instance-id']", "i-0"),
        ('$["detail"]["state"]', "RUNNING"),
        ("$.detail-type", "EC2 Instance State-change Notification"),
        ("$.resources[0]", "arn:1"),
        ("$.resources[-1]", "arn:2"),
        ("$.resources[2]", MISSING),
        ("$.resources", ["arn:1", "arn:2"]),
        ("$.detail.list[*].n", [1, 2]),
        ("$.detail.list[1].n", 2),
        ("$.detail.list.*", [{"n": 1}, {"n": 2}, {}]),
        ("$.resources[*].n", MISSING),
        ("$.detail.state.more", MISSING),
        ("$.state", MISSING),
        ("$.source[0]", MISSING),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    parsed = json_paths.parse(path)
    assert parsed is not None
    assert parsed.find(EVENT) == expected


@pytest.mark.parametrize(
    "path", ["", "detail", "$detail", "$.", "$..state", "$.a[", "$.a[x]", "$.a b", "$.list[?(@.n)]"]
)
def test_no_paths(path: str) -> None:
    assert json_paths.parse(path) is None


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0 is in RUNNING"'),
        (r'"instance \"<instance>\" is in <state>"', r'"instance \"i-0\" is in RUNNING"'),
        ('{\n  "instance" : <instance>,\n  "state": <state>\n}', '{"instance":"i-0","state":"RUNNING"}'),
        (
            r'{"instance": <instance>, "state": "<state>", "status": "instance \"<instance>\" is in <state>"}',
            r'{"instance":"i-0","state":"RUNNING","status":"instance \"i-0\" is in RUNNING"}',
        ),
        (
            '{"instance": <instance>, "state": [9, <state>, true], "Transformed": "Yes"}',
            '{"instance":"i-0","state":[9,"RUNNING",true],"Transformed":"Yes"}',
        ),
        (
            '{"arn": <aws.events.rule-arn>, "name": "<aws.events.rule-name>", "at": <aws.events.event.ingestion-time>}',
            '{"arn":"arn:aws:events:us-east-2:123456789012:rule/example","name":"example","at":"2015-11-11T21:29:55Z"}',
        ),
        ('"<aws.events.rule-name> triggered"', '"example triggered"'),
        ("<numbers>", "[1,2]"),
        ("[<timestamp>]", '["2015-11-11T21:29:54Z"]'),
        ('{"a": <missing>, "b": "<missing>", "c": <nonsense>}', '{"a":"","b":"","c":""}'),
        ('{"a": "<quoted>", "b": <quoted>}', r'{"a":"say \"hi\"\n","b":"say \"hi\"\n"}'),
        ('{"a": "<numbers>!"}', '{"a":"[1,2]!"}'),
        ('{"less": "1 < 2", "<state>": 1}', '{"less":"1 < 2","RUNNING":1}'),
        ('"first <state>"\n"second <instance>"', '"first RUNNING"\n"second i-0"'),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert transformers.parse(template, PATHS).fill(EVENT, RESERVED).decode() == expected


def test_the_event_as_a_whole() -> None:
    filled = transformers.parse('{"brief": <aws.events.event>, "full": <aws.events.event.json>}', {})
    document = json.loads(filled.fill(EVENT, RESERVED))
    assert "detail" not in document["brief"]
    assert document["full"] == EVENT


@pytest.mark.parametrize(
    ("template", "paths", "message"),
    [
        ("<nobody>", {}, "contains invalid placeholder nobody."),
        ("hello", {}, "is neither JSON nor a string in quotes"),
        ('{"a": <state>', PATHS, "is neither JSON nor a string in quotes"),
        ('"x"', {"aws.events.rule-arn": "$.id"}, "must not define the reserved variable"),
    ],
)
def test_no_templates(template: str, paths: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidTemplate, match=message):
        transformers.parse(template, paths)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_whatever_is_filled_in_json_stays_json(value: Any) -> None:
    filled = transformers.parse('{"value": <v>, "text": "<v> and more"}', {"v": "$.detail.v"})
    document = orjson.loads(filled.fill({"detail": {"v": value}}, {}))
    assert document["value"] == value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    assert document["text"] == f"{text} and more"
