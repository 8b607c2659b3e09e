"""Whatever is asked, DynamoDB through boto3 does what a plain-Python table does: items, indexes, transactions, stream.

LAMBENT_MODEL_EXAMPLES sets how many histories are tried.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import fresh
from platform_process import PlatformProcess
from services.dynamodb.model import (
    Action,
    BeginsWith,
    Between,
    Both,
    Change,
    Compare,
    Condition,
    Contains,
    Exists,
    Item,
    Key,
    ModelTable,
    Not,
    OneOf,
    Refused,
    Size,
    Values,
    Write,
    item_from_wire,
    item_to_wire,
    to_wire,
    typed,
    update_text,
)

EXAMPLES = int(os.environ.get("LAMBENT_MODEL_EXAMPLES", "30"))
STEPS = 25
CLIENTS = {"dynamodb": "dynamodb", "streams": "dynamodbstreams"}

PARTITIONS = ("a", "b")
SORTS = tuple(map(Decimal, ("-2", "0", "1.5", "10")))

# What there may be: each attribute has its own type most of the time, g and h are keys of indexes.

numbers = st.sampled_from([Decimal(text) for text in ("-3", "-0.5", "0", "1", "2", "10", "1E+20")])
texts = st.sampled_from(["", "a", "ab", "b", "é", "￿", "\U0001f600"])
binaries = st.sampled_from([b"", b"\x00", b"\xff"])
scalars = numbers | texts | binaries | st.booleans() | st.none()
sets = st.sets(st.sampled_from(["x", "y", "z"]), min_size=1)
lists = st.lists(scalars, max_size=3)
maps = st.dictionaries(st.sampled_from(["k", "o"]), scalars, max_size=2)
groups = st.sampled_from(["p", "q"])
heights = st.sampled_from([Decimal(1), Decimal(2), Decimal("2.5")])
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "n": numbers,
    "t": texts,
    "s": sets,
    "l": lists,
    "m": maps,
    "v": scalars,
    "g": groups,
    "h": heights,
}

keys: st.SearchStrategy[Key] = st.tuples(st.sampled_from(PARTITIONS), st.sampled_from(SORTS))
contents: st.SearchStrategy[Item] = st.fixed_dictionaries({}, optional=ATTRIBUTES)
wrong_index_keys: st.SearchStrategy[Item] = st.sampled_from([{"g": Decimal(1)}, {"g": ""}, {"h": "1"}])

operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
comparisons = st.one_of(
    st.builds(Compare, st.sampled_from(["n", "h"]), operators, numbers),
    st.builds(Compare, st.just("t"), operators, texts),
    st.builds(Compare, st.just("v"), operators, numbers | texts | binaries),
    st.builds(Compare, st.just("v"), st.sampled_from(["=", "<>"]), scalars),
    st.builds(Compare, st.just("l"), st.sampled_from(["=", "<>"]), lists),
    st.builds(Compare, st.just("s"), st.sampled_from(["=", "<>"]), sets),
    st.builds(Compare, st.just("m"), st.sampled_from(["=", "<>"]), maps),
)


def conditions_on(names: Sequence[str]) -> st.SearchStrategy[Condition]:
    """Conditions in which existence is asked of `names`, all else of attributes that are no keys."""
    return st.recursive(
        st.one_of(
            comparisons,
            st.builds(Exists, st.sampled_from(names), st.booleans()),
            st.tuples(st.just("n"), numbers, numbers).map(lambda drawn: Between(drawn[0], *sorted(drawn[1:]))),
            st.builds(OneOf, st.just("v"), st.lists(scalars, min_size=1, max_size=3)),
            st.builds(BeginsWith, st.sampled_from(["t", "v"]), st.sampled_from(["", "a", "é"])),
            st.builds(Contains, st.sampled_from(["s", "l", "t", "n"]), st.sampled_from(["a", "x", "y"])),
            st.builds(Size, st.sampled_from(["s", "l", "m"]), st.sampled_from([Decimal(0), Decimal(1), Decimal(2)])),
        ),
        lambda inner: st.builds(Not, inner) | st.builds(Both, st.sampled_from(["AND", "OR"]), inner, inner),
        max_leaves=4,
    )


conditions = conditions_on([*ATTRIBUTES, "pk"])
maybe_conditions = st.none() | conditions
#: A query's filter may not name the keys of what it reads.
query_filters = st.none() | conditions_on([*ATTRIBUTES])

actions = st.one_of(
    st.sampled_from(sorted(ATTRIBUTES)).flatmap(
        lambda name: st.builds(Action, st.sampled_from(["set", "default"]), st.just(name), ATTRIBUTES[name])
    ),
    st.builds(Action, st.just("remove"), st.sampled_from(sorted(ATTRIBUTES))),
    st.builds(Action, st.sampled_from(["increase", "decrease", "add"]), st.sampled_from(["n", "h", "t"]), numbers),
    st.builds(Action, st.sampled_from(["add", "delete"]), st.sampled_from(["s", "v"]), sets),
    st.builds(Action, st.just("append"), st.sampled_from(["l", "s"]), lists),
    st.builds(Action, st.just("set member"), st.just("m"), scalars),
    st.builds(Action, st.just("set element"), st.just("l"), scalars),
    st.builds(Action, st.just("remove element"), st.sampled_from(["l", "m"])),
)
updates = st.lists(actions, min_size=1, max_size=4, unique_by=lambda action: action.name)


def put(key: Key, content: Item, condition: Condition | None = None) -> Write:
    return Write(key, {"pk": key[0], "sk": key[1], **content}, condition=condition)


def update(key: Key, actions: Sequence[Action], condition: Condition | None = None) -> Write:
    return Write(key, actions=tuple(actions), condition=condition)


def delete(key: Key, condition: Condition | None = None) -> Write:
    return Write(key, condition=condition)


def check(key: Key, condition: Condition) -> Write:
    return Write(key, is_check=True, condition=condition)


transaction_writes = st.one_of(
    st.builds(put, keys, contents, maybe_conditions),
    st.builds(update, keys, updates, maybe_conditions),
    st.builds(delete, keys, maybe_conditions),
    st.builds(check, keys, conditions),
)
transactions = st.lists(transaction_writes, min_size=1, max_size=4, unique_by=lambda write: write.key)
batches = st.lists(
    st.builds(put, keys, contents) | st.builds(delete, keys), min_size=1, max_size=8, unique_by=lambda write: write.key
)


def wire_key(key: Key) -> dict[str, Any]:
    return {"pk": to_wire(key[0]), "sk": to_wire(key[1])}


def wire_request(write: Write) -> tuple[str, dict[str, Any]]:
    """As TransactWriteItems wants it, less the table; the same members go to the operations for one item."""
    values = Values()
    request: dict[str, Any]
    if write.item is not None:
        kind, request = "Put", {"Item": item_to_wire(write.item)}
    elif write.actions:
        kind, request = "Update", {"Key": wire_key(write.key), "UpdateExpression": update_text(write.actions, values)}
    else:
        kind, request = "ConditionCheck" if write.is_check else "Delete", {"Key": wire_key(write.key)}
    if write.condition is not None:
        request["ConditionExpression"] = write.condition.text(values)
    if values.wire:
        request["ExpressionAttributeValues"] = values.wire
    return kind, request


def typed_items(items: Sequence[Item]) -> list[Any]:
    return [typed(item) for item in items]


class Tables(RuleBasedStateMachine):
    """One table and its model; the clients are set by the test."""

    dynamodb: Any
    streams: Any

    @initialize()
    def create(self) -> None:
        self.table = fresh.name("model")
        self.model = ModelTable()
        index_keys = [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "h", "KeyType": "RANGE"}]
        local_keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "h", "KeyType": "RANGE"}]
        self.stream_arn = self.dynamodb.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in (("pk", "S"), ("sk", "N"), ("g", "S"), ("h", "N"))
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": "whole", "KeySchema": index_keys[:1], "Projection": {"ProjectionType": "ALL"}},
                {
                    "IndexName": "some",
                    "KeySchema": index_keys,
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
                },
            ],
            LocalSecondaryIndexes=[
                {"IndexName": "local", "KeySchema": local_keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]

    # Writes

    @rule(key=keys, content=contents | contents.flatmap(lambda content: wrong_index_keys.map(lambda w: content | w)))
    def put(self, key: Key, content: Item) -> None:
        self._write_one(put(key, content), "ALL_OLD")

    @rule(key=keys, content=contents, condition=conditions)
    def put_if(self, key: Key, content: Item, condition: Condition) -> None:
        self._write_one(put(key, content, condition), "NONE")

    @rule(
        key=keys,
        actions=updates,
        condition=maybe_conditions,
        returns=st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]),
    )
    def update(self, key: Key, actions: list[Action], condition: Condition | None, returns: str) -> None:
        self._write_one(update(key, actions, condition), returns)

    @rule(key=keys, condition=maybe_conditions)
    def delete(self, key: Key, condition: Condition | None) -> None:
        self._write_one(delete(key, condition), "ALL_OLD")

    @rule(writes=batches)
    def batch(self, writes: list[Write]) -> None:
        requests = []
        for write in writes:
            kind, request = wire_request(write)
            requests.append({f"{kind}Request": request})
            self.model.write(write)
        assert not self.dynamodb.batch_write_item(RequestItems={self.table: requests})["UnprocessedItems"]

    @rule(writes=transactions)
    def transact(self, writes: list[Write]) -> None:
        expected = self.model.transact(writes)
        actions = [{kind: {"TableName": self.table, **request}} for kind, request in map(wire_request, writes)]
        if expected is None:
            self.dynamodb.transact_write_items(TransactItems=actions)
            return
        with pytest.raises(self.dynamodb.exceptions.TransactionCanceledException) as caught:
            self.dynamodb.transact_write_items(TransactItems=actions)
        assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == expected

    def _write_one(self, write: Write, returns: str) -> None:
        kind, request = wire_request(write)
        call = {"Put": self.dynamodb.put_item, "Update": self.dynamodb.update_item, "Delete": self.dynamodb.delete_item}
        request |= {"TableName": self.table, "ReturnValues": returns, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            change = self.model.write(write)
        except Refused as refused:
            _assert_refused(call[kind], request, refused)
            return
        answer = item_from_wire(call[kind](**request).get("Attributes", {}))
        if all(action.is_top_level for action in write.actions):
            assert typed(answer) == typed(_returned(write, change, returns))

    # Reads

    @rule(key=keys)
    def get(self, key: Key) -> None:
        answer = self.dynamodb.get_item(TableName=self.table, Key=wire_key(key))
        assert typed(item_from_wire(answer.get("Item", {}))) == typed(self.model.items.get(key, {}))

    @rule(
        wanted=st.lists(keys, min_size=1, max_size=5, unique=True),
        names=st.sampled_from([("pk", "sk", "n"), ("pk", "sk", "m", "t")]),
    )
    def get_several(self, wanted: list[Key], names: tuple[str, ...]) -> None:
        expected = [{n: v for n, v in self.model.items.get(key, {}).items() if n in names} for key in wanted]
        gets = [
            {"Get": {"TableName": self.table, "Key": wire_key(key), "ProjectionExpression": ", ".join(names)}}
            for key in wanted
        ]
        responses = self.dynamodb.transact_get_items(TransactItems=gets)["Responses"]
        assert [typed(item_from_wire(one.get("Item", {}))) for one in responses] == typed_items(expected)
        keys_and_projection = {"Keys": [wire_key(key) for key in wanted], "ProjectionExpression": ", ".join(names)}
        found = self.dynamodb.batch_get_item(RequestItems={self.table: keys_and_projection})["Responses"][self.table]
        there = [one for key, one in zip(wanted, expected, strict=True) if key in self.model.items]
        assert _by_key([item_from_wire(one) for one in found]) == _by_key(there)

    @rule(
        partition=st.sampled_from(PARTITIONS),
        bound=st.none() | st.builds(Compare, st.just("sk"), st.sampled_from(["=", "<", "<=", ">", ">="]), numbers),
        condition=query_filters,
        is_descending=st.booleans(),
        limit=st.none() | st.integers(1, 3),
    )
    def query(
        self, partition: str, bound: Compare | None, condition: Condition | None, is_descending: bool, limit: int | None
    ) -> None:
        of_partition = Compare("pk", "=", partition)
        chosen = of_partition if bound is None else Both("AND", of_partition, bound)
        expected = self.model.sorted_items(chosen.holds, "sk")
        expected = [item for item in expected if condition is None or condition.holds(item)]
        found = self._pages("query", chosen, condition, limit, ScanIndexForward=not is_descending)
        assert typed_items(found) == typed_items(expected[::-1] if is_descending else expected)

    @rule(
        index=st.sampled_from(["whole", "some", "local"]),
        partition=st.integers(0, 1),
        limit=st.none() | st.integers(1, 2),
    )
    def query_index(self, index: str, partition: int, limit: int | None) -> None:
        name, value = ("pk", PARTITIONS[partition]) if index == "local" else ("g", ("p", "q")[partition])
        order = {"whole": (), "some": ("h",), "local": ("h",)}[index]
        found = self._pages("query", Compare(name, "=", value), None, limit, IndexName=index)
        assert [item[part] for item in found for part in order] == sorted(
            item[part] for item in found for part in order
        )
        self._assert_index(index, found, self.model.sorted_items(lambda item: item.get(name) == value, *order))

    @rule(segments=st.integers(1, 4), condition=maybe_conditions, limit=st.none() | st.integers(1, 3))
    def scan(self, segments: int, condition: Condition | None, limit: int | None) -> None:
        found = [
            item
            for segment in range(segments)
            for item in self._pages("scan", None, condition, limit, Segment=segment, TotalSegments=segments)
        ]
        expected = self.model.sorted_items(lambda item: condition is None or condition.holds(item), "pk", "sk")
        assert _by_key(found) == typed_items(expected)

    @rule(index=st.sampled_from(["whole", "some", "local"]))
    def scan_index(self, index: str) -> None:
        order = {"whole": ("g",), "some": ("g", "h"), "local": ("h",)}[index]
        found = self._pages("scan", None, None, 2, IndexName=index)
        self._assert_index(index, found, self.model.sorted_items(lambda _: True, *order))

    def _assert_index(self, index: str, found: list[Item], expected: list[Item]) -> None:
        """Regardless of order."""
        names = {"some": {"pk", "sk", "g", "h", "n"}, "local": {"pk", "sk", "h"}}.get(index)
        projected = [{n: v for n, v in item.items() if names is None or n in names} for item in expected]
        assert _by_key(found) == _by_key(projected)

    def _pages(
        self, operation: str, chosen: Condition | None, condition: Condition | None, limit: int | None, **request: Any
    ) -> list[Item]:
        values = Values()
        if chosen is not None:
            request["KeyConditionExpression"] = chosen.text(values)
        if condition is not None:
            request["FilterExpression"] = condition.text(values)
        if values.wire:
            request["ExpressionAttributeValues"] = values.wire
        if limit is not None:
            request["Limit"] = limit
        pages = self.dynamodb.get_paginator(operation).paginate(TableName=self.table, **request)
        return [item_from_wire(item) for page in pages for item in page["Items"]]

    # What is left

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.scan(1, None, None)
        self._assert_stream()
        self.dynamodb.delete_table(TableName=self.table)

    def _assert_stream(self) -> None:
        """The changes of every item, in order, none more and none less."""
        changes: dict[Key, list[Any]] = {}
        for record in self._records():
            told = record["dynamodb"]
            key = item_from_wire(told["Keys"])
            old, new = (item_from_wire(told[image]) if image in told else None for image in ("OldImage", "NewImage"))
            assert record["eventName"] == ("INSERT" if old is None else "REMOVE" if new is None else "MODIFY")
            changes.setdefault((key["pk"], key["sk"]), []).append((_typed_or_none(old), _typed_or_none(new)))
        assert changes == {
            key: [(_typed_or_none(change.old), _typed_or_none(change.new)) for change in done]
            for key, done in self.model.changes.items()
        }

    def _records(self) -> Iterator[dict[str, Any]]:
        for shard in self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"]:
            iterator = self.streams.get_shard_iterator(
                StreamArn=self.stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            records = self.streams.get_records(ShardIterator=iterator)["Records"]
            numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
            assert numbers == sorted(set(numbers))
            yield from records


def _assert_refused(call: Callable[..., Any], request: dict[str, Any], refused: Refused) -> None:
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer: dict[str, Any] = {**caught.value.response}
    assert answer["Error"]["Code"] == refused.code
    assert typed(item_from_wire(answer.get("Item", {}))) == typed(refused.item or {})


def _returned(write: Write, change: Change, returns: str) -> Item:
    image = {"ALL_OLD": change.old, "UPDATED_OLD": change.old, "NONE": None}.get(returns, change.new) or {}
    if not returns.startswith("UPDATED"):
        return image
    touched = {action.name for action in write.actions}
    return {name: value for name, value in image.items() if name in touched}


def _by_key(items: Sequence[Item]) -> list[Any]:
    return typed_items(sorted(items, key=lambda item: (item["pk"], item["sk"])))


def _typed_or_none(item: Item | None) -> Any:
    return None if item is None else typed(item)


def test_dynamodb_does_what_the_model_does(platform: PlatformProcess) -> None:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    clients = {name: platform.client(service, config=config) for name, service in CLIENTS.items()}
    machine = type("TablesHere", (Tables,), clients)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )
