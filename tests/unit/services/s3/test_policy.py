"""Bucket policies: the language, evaluation, and AWS's meaning of "public"."""

import fnmatch
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.policies import Asked, Effect
from lambent.services.policy_conditions import Condition, holds, like
from lambent.services.s3 import policy
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import code

ARN = "arn:aws:s3:::b"
ACCOUNT = "000000000000"
ANYBODY = Asked("s3:GetObject", f"{ARN}/photos/1.jpg", "", "", {})


def statement(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*", **members}


def document(*statements: dict[str, Any]) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()


def evaluate(*statements: dict[str, Any], asked: Asked = ANYBODY) -> Effect:
    return policy.parse(document(*statements)).evaluate(asked)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, Effect.ALLOW),
        ({"Action": "s3:*"}, Effect.ALLOW),
        ({"Action": "*"}, Effect.ALLOW),
        ({"Action": "S3:getobject"}, Effect.ALLOW),
        ({"Action": ["s3:PutObject", "s3:Get*"]}, Effect.ALLOW),
        ({"Action": "s3:PutObject"}, Effect.NONE),
        ({"Resource": f"{ARN}/photos/?.jpg"}, Effect.ALLOW),
        ({"Resource": f"{ARN}/videos/*"}, Effect.NONE),
        ({"Resource": ARN}, Effect.NONE),
        ({"Principal": {"AWS": "*"}}, Effect.ALLOW),
        ({"Principal": {"AWS": ACCOUNT}}, Effect.NONE),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, Effect.NONE),
        ({"Effect": "Deny"}, Effect.DENY),
    ],
)
def test_one_statement(members: dict[str, Any], expected: Effect) -> None:
    assert evaluate(statement(**members)) is expected


def test_negations() -> None:
    no_put = {**statement(), "NotAction": "s3:PutObject"}
    del no_put["Action"]
    assert evaluate(no_put) is Effect.ALLOW
    no_photos = {**statement(), "NotResource": f"{ARN}/photos/*"}
    del no_photos["Resource"]
    assert evaluate(no_photos) is Effect.NONE
    all_but_account = {**statement(Effect="Deny"), "NotPrincipal": {"AWS": ACCOUNT}}
    del all_but_account["Principal"]
    assert evaluate(all_but_account) is Effect.DENY


@pytest.mark.parametrize("order", [1, -1])
def test_a_deny_wins_wherever_it_stands(order: int) -> None:
    statements = [statement(), statement(Effect="Deny", Resource=f"{ARN}/photos/*")][::order]
    assert evaluate(*statements) is Effect.DENY


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ACCOUNT, Effect.ALLOW),
        (f"arn:aws:iam::{ACCOUNT}:root", Effect.ALLOW),
        (f"arn:aws:iam::{ACCOUNT}:role/site", Effect.ALLOW),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/site/s1", Effect.ALLOW),
        (f"arn:aws:iam::{ACCOUNT}:role/other", Effect.NONE),
        ("111111111111", Effect.NONE),
    ],
)
def test_principals_of_a_role_session(principal: str, expected: Effect) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/site/s1"
    asked = Asked("s3:GetObject", f"{ARN}/k", session, ACCOUNT, {})
    assert evaluate(statement(Principal={"AWS": principal}), asked=asked) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "present", "expected"),
    [
        ("StringEquals", ["a", "b"], ["b"], True),
        ("StringEquals", ["a"], [], False),
        ("StringEqualsIfExists", ["a"], [], True),
        ("StringNotEquals", ["a", "b"], ["c"], True),
        ("StringNotEquals", ["a", "b"], ["b"], False),
        ("StringNotEquals", ["a"], [], True),
        ("StringEqualsIgnoreCase", ["A"], ["a"], True),
        ("StringLike", ["home/*"], ["home/me"], True),
        ("StringNotLike", ["home/*"], ["home/me"], False),
        ("ArnLike", ["arn:aws:iam::*:role/x"], ["arn:aws:iam::1:role/x"], True),
        ("NumericLessThan", ["10"], ["9"], True),
        ("NumericLessThanEquals", ["10"], ["11"], False),
        ("NumericEquals", ["ten"], ["10"], False),
        ("DateGreaterThan", ["2020-01-01"], ["2021-01-01T00:00:00Z"], True),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], ["2001:db8::1"], True),
        ("IpAddress", ["not a network"], ["10.0.0.1"], False),
        ("NotIpAddress", ["10.0.0.0/8"], ["11.0.0.1"], True),
        ("Null", ["true"], [], True),
        ("Null", ["false"], [], False),
        ("ForAnyValue:StringEquals", ["a"], ["x", "a"], True),
        ("ForAllValues:StringEquals", ["a"], ["x", "a"], False),
        ("ForAllValues:StringEquals", ["a"], [], True),
    ],
)
def test_condition_operators(operator: str, wanted: list[str], present: list[str], expected: bool) -> None:
    context = {"aws:key": tuple(present)} if present else {}
    parsed = policy.parse(document(statement(Condition={operator: {"aws:Key": wanted}})))
    condition: Condition = parsed.statements[0].conditions[0]
    assert holds(condition, context) is expected


@given(pattern=st.text(st.sampled_from("ab*?"), max_size=8), value=st.text(st.sampled_from("abc"), max_size=8))
def test_wildcards_are_those_of_fnmatch(pattern: str, value: str) -> None:
    assert like(pattern, value) == fnmatch.fnmatchcase(value, pattern)


def test_wildcards_cost_no_more_than_their_length() -> None:
    assert not like("*a" * 200 + "b", "a" * 1024)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "This policy contains invalid Json"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Version": "1999-01-01", "Statement": []}', "The policy must contain a valid version string"),
        ('{"Statement": []}', "Missing required field Statement"),
        (document({}), "Missing required field Effect"),
        (document(statement(Effect="Maybe")), "Invalid effect: Maybe"),
        (document(statement(Principal={"AWS": "nobody"})), "Invalid principal in policy"),
        (document({"Effect": "Allow", "Action": "s3:*", "Resource": ARN}), "Missing required field Principal"),
        (document(statement(Action=[])), "Policy has invalid action"),
        (document(statement(Action="ec2:Run")), "Policy has invalid action"),
        (document(statement(Resource="arn:aws:s3:::other/*")), "Policy has invalid resource"),
        (document(statement(Resource="*")), "Policy has invalid resource"),
        (document(statement(Condition={"StringSame": {"a": "b"}})), "Invalid Condition type : StringSame"),
        (document(statement(Typo=1)), "Unknown field Typo"),
        ("{" + " " * 21_000 + "}", "Policies must be no larger than 20480 bytes"),
    ],
)
def test_what_is_no_policy(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        policy.parse_for_bucket(text, "b")
    assert (refused.value.code, refused.value.message) == ("MalformedPolicy", message)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["Effect", "Action", "Statement", "Principal", "Resource", "Condition"]),
                         inner, max_size=4), max_leaves=12))  # fmt: skip
def test_any_json_has_an_answer(value: Any) -> None:
    assert code(lambda: policy.parse_for_bucket(orjson.dumps(value).decode(), "b")) in (None, "MalformedPolicy")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, True),
        ({"Principal": {"AWS": ["*", ACCOUNT]}}, True),
        ({"Principal": {"AWS": ACCOUNT}}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}, True),
        ({"Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Condition": {"StringEquals": {"aws:Referer": "https://example.com/"}}}, True),
    ],
)
def test_what_is_public(members: dict[str, Any], expected: bool) -> None:
    assert policy.parse(document(statement(**members))).is_public is expected
