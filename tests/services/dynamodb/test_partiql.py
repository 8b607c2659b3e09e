"""PartiQL through boto3. Messages: AWS's, as recorded by conformance suites for DynamoDB against the real service."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.dynamodb.refusals import refusal

MakeTable = Callable[..., str]
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def table(make_table: MakeTable) -> str:
    """Composite keys, one index of each kind."""
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]}
    return make_table(
        "pk:S",
        "sk:N",
        attributes="g:S l:N",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [
                    {"AttributeName": "g", "KeyType": "HASH"},
                    {"AttributeName": "l", "KeyType": "RANGE"},
                ],
                "Projection": projection,
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-l",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "l", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


@pytest.fixture
def run(dynamodb: Any) -> Run:
    def execute(statement: str, *parameters: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        given = {"Parameters": list(parameters)} if parameters else {}
        items: list[dict[str, Any]] = dynamodb.execute_statement(Statement=statement, **given, **options)["Items"]
        return items

    return execute


@pytest.fixture
def filled(dynamodb: Any, table: str) -> str:
    for pk in "abc":
        for sk in range(4):
            item: dict[str, Any] = {
                "pk": {"S": pk},
                "sk": {"N": str(sk)},
                "n": {"N": str(sk * 10)},
                "g": {"S": "g"},
                "l": {"N": str(9 - sk)},
            }
            if sk % 2:
                item["odd"] = {"BOOL": True}
            dynamodb.put_item(TableName=table, Item=item)
    return table


def keys(items: list[dict[str, Any]]) -> list[str]:
    return [item["pk"]["S"] + item["sk"]["N"] for item in items]


# Writing


def test_insert_every_literal(dynamodb: Any, run: Run, table: str) -> None:
    assert (
        run(
            f"""insert into "{table}" value {{
            'pk': 'it''s', 'sk': -1.50e2, 'yes': true, 'no': FALSE, 'nothing': null,
            'list': [1, 'two', [3]], 'map': {{'a': {{'b': ?}}}}, 'names': <<'x', 'y'>>, 'numbers': <<1, 2>>,
            'bytes': ?, 'sets': << ?, ? >>  -- of binaries
        }} /* done */ ;""",
            {"S": "deep"},
            {"B": b"\x00\x01"},
            {"B": b"a"},
            {"B": b"b"},
        )
        == []
    )
    item = dynamodb.get_item(TableName=table, Key={"pk": {"S": "it's"}, "sk": {"N": "-150"}})["Item"]
    assert item == {
        "pk": {"S": "it's"},
        "sk": {"N": "-150"},
        "yes": {"BOOL": True},
        "no": {"BOOL": False},
        "nothing": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"S": "two"}, {"L": [{"N": "3"}]}]},
        "map": {"M": {"a": {"M": {"b": {"S": "deep"}}}}},
        "names": {"SS": ["x", "y"]},
        "numbers": {"NS": ["1", "2"]},
        "bytes": {"B": b"\x00\x01"},
        "sets": {"BS": [b"a", b"b"]},
    }


def test_insert_is_no_upsert(dynamodb: Any, run: Run, table: str) -> None:
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'k', 'sk': 1, 'v': 'first'}}")
    again = f"INSERT INTO \"{table}\" VALUE {{'pk': 'k', 'sk': 1, 'v': 'second'}}"
    duplicate = ("DuplicateItemException", "Duplicate primary key exists in table")
    assert refusal(dynamodb.execute_statement, Statement=again) == duplicate
    assert run(f"SELECT v FROM \"{table}\" WHERE pk = 'k' AND sk = 1") == [{"v": {"S": "first"}}]
    run(f"DELETE FROM \"{table}\" WHERE pk = 'k' AND sk = 1")
    run(again)


@pytest.mark.parametrize(
    ("clause", "after"),
    [
        ("SET a = 'x'", {"a": {"S": "x"}}),
        ("SET a = 'x', b = ? SET c = 3", {"a": {"S": "x"}, "b": {"L": []}, "c": {"N": "3"}}),
        ("SET n = n + 1", {"n": {"N": "6"}}),
        ("SET n = n - 7", {"n": {"N": "-2"}}),
        ("SET n = ? + n", {"n": {"N": "10"}}),
        ("SET copied = m.x", {"copied": {"S": "deep"}}),
        ("SET m.y = 1", {"m": {"M": {"x": {"S": "deep"}, "y": {"N": "1"}}}}),
        ("SET m['x'] = 1", {"m": {"M": {"x": {"N": "1"}}}}),
        ("SET l[0] = 'z'", {"l2": None, "l": {"L": [{"S": "z"}, {"S": "b"}]}}),
        ("SET l = list_append(l, ['c'])", {"l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}}),
        ("SET l = LIST_APPEND([?], l)", {"l": {"L": [{"N": "5"}, {"S": "a"}, {"S": "b"}]}}),
        ("SET s = set_add(s, <<'c'>>)", {"s": {"SS": ["a", "b", "c"]}}),
        ("SET s = set_delete(s, <<'a'>>)", {"s": {"SS": ["b"]}}),
        ("SET fresh = set_add(fresh, <<1>>)", {"fresh": {"NS": ["1"]}}),
        ("REMOVE a REMOVE l[0]", {"l": {"L": [{"S": "b"}]}}),
        ("REMOVE m.x, s", {"m": {"M": {}}, "s": None}),
    ],
)
def test_update(dynamodb: Any, run: Run, make_table: MakeTable, clause: str, after: dict[str, Any]) -> None:
    table = make_table("pk:S")
    before = {
        "pk": {"S": "k"},
        "n": {"N": "5"},
        "m": {"M": {"x": {"S": "deep"}}},
        "l": {"L": [{"S": "a"}, {"S": "b"}]},
        "s": {"SS": ["a", "b"]},
    }
    dynamodb.put_item(TableName=table, Item=before)
    parameters: list[dict[str, Any]] = [{"L": []} if "b = ?" in clause else {"N": "5"}] if "?" in clause else []
    assert run(f"UPDATE \"{table}\" {clause} WHERE pk = 'k'", *parameters) == []
    expected = {name: value for name, value in {**before, **after}.items() if value is not None}
    found = dynamodb.get_item(TableName=table, Key={"pk": {"S": "k"}})["Item"]
    if "s" in found:
        found["s"]["SS"].sort()
    assert found == expected


def test_update_in_partiqls_own_order(run: Run, make_table: MakeTable) -> None:
    table = make_table("pk:S")
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'k'}}")
    assert run(f"FROM \"{table}\" WHERE pk = 'k' SET c = 1 REMOVE d RETURNING MODIFIED NEW *") == [{"c": {"N": "1"}}]


@pytest.mark.parametrize(
    ("statement", "returned"),
    [
        ("UPDATE {} SET d = 'new' WHERE pk = 'k' RETURNING ALL OLD *", [{"pk": "k", "d": "old", "e": "same"}]),
        ("UPDATE {} SET d = 'new' WHERE pk = 'k' RETURNING ALL NEW *", [{"pk": "k", "d": "new", "e": "same"}]),
        ("UPDATE {} SET d = 'new' WHERE pk = 'k' RETURNING MODIFIED OLD *", [{"d": "old"}]),
        ("UPDATE {} SET d = 'new' WHERE pk = 'k' RETURNING MODIFIED NEW *", [{"d": "new"}]),
        ("UPDATE {} REMOVE d WHERE pk = 'k' RETURNING MODIFIED NEW *", []),
        ("UPDATE {} SET f = 'new' WHERE pk = 'k' RETURNING MODIFIED OLD *", []),
        ("DELETE FROM {} WHERE pk = 'k' RETURNING ALL OLD *", [{"pk": "k", "d": "old", "e": "same"}]),
        ("DELETE FROM {} WHERE pk = 'none' RETURNING ALL OLD *", []),
        ("DELETE FROM {} WHERE pk = 'k'", []),
    ],
)
def test_returning(run: Run, make_table: MakeTable, statement: str, returned: list[dict[str, str]]) -> None:
    table = make_table("pk:S")
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'k', 'd': 'old', 'e': 'same'}}")
    items = run(statement.format(f'"{table}"'))
    assert [{name: value["S"] for name, value in item.items()} for item in items] == returned


def test_conditions_of_writes(dynamodb: Any, run: Run, make_table: MakeTable) -> None:
    table = make_table("pk:S")
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'k', 'n': 1}}")
    for statement in (
        f"UPDATE \"{table}\" SET n = 2 WHERE pk = 'none'",
        f"UPDATE \"{table}\" SET n = 2 WHERE pk = 'k' AND n > 1",
        f"DELETE FROM \"{table}\" WHERE pk = 'k' AND NOT n = 1",
    ):
        assert refusal(dynamodb.execute_statement, Statement=statement) == failed
    run(f"DELETE FROM \"{table}\" WHERE pk = 'none' AND n = 1")
    with pytest.raises(ClientError) as caught:
        dynamodb.execute_statement(
            Statement=f"DELETE FROM \"{table}\" WHERE pk = 'k' AND n = 5", ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )
    answer: Any = caught.value.response
    assert answer["Item"] == {"pk": {"S": "k"}, "n": {"N": "1"}}
    run(f"DELETE FROM \"{table}\" WHERE pk = 'k' AND n BETWEEN 0 AND 1")
    assert run(f'SELECT * FROM "{table}"') == []


def test_writes_reach_the_stream(platform: Any, dynamodb: Any, run: Run, make_table: MakeTable) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = make_table("pk:S", StreamSpecification=stream)
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'k'}}")
    run(f"UPDATE \"{table}\" SET n = 1 WHERE pk = 'k'")
    run(f"DELETE FROM \"{table}\" WHERE pk = 'k'")
    streams = platform.client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    names = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(StreamArn=arn, **start)["ShardIterator"]
        names += [record["eventName"] for record in streams.get_records(ShardIterator=iterator)["Records"]]
    assert names == ["INSERT", "MODIFY", "REMOVE"]


# Reading


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("pk = 'a' AND sk = 2", "a2"),
        ("'a' = pk AND 2 = sk", "a2"),
        ("pk = 'a'", "a0 a1 a2 a3"),
        ("pk = 'a' AND sk > 1", "a2 a3"),
        ("pk = 'a' AND sk >= 1 AND sk < 3", "a1 a2"),
        ("pk = 'a' AND 1 < sk", "a2 a3"),
        ("pk = 'a' AND sk BETWEEN 1 AND 2", "a1 a2"),
        ("pk = 'a' AND sk <> 2", "a0 a1 a3"),
        ("pk = 'a' AND NOT sk BETWEEN 1 AND 2", "a0 a3"),
        ("pk = 'a' AND n IN [10, 30]", "a1 a3"),
        ("pk = 'a' AND n NOT IN (10, 30)", "a0 a2"),
        ("pk = 'a' AND odd IS MISSING", "a0 a2"),
        ("pk = 'a' AND odd IS NOT MISSING", "a1 a3"),
        ("pk = 'a' AND odd IS BOOLEAN", "a1 a3"),
        ("pk = 'a' AND odd IS NULL", ""),
        ("pk = 'a' AND attribute_type(odd, 'BOOL')", "a1 a3"),
        ("pk = 'a' AND begins_with(g, 'g') AND contains(g, 'g') AND size(g) = 1 AND n > 15", "a2 a3"),
        ("pk IN ['a', 'c'] AND sk = 1", "a1 c1"),
        ("pk = 'a' AND sk = 1 OR pk = 'b' AND sk > 2", "a1 b3"),
        ("(pk = 'a' OR pk = 'b') AND sk = 0", "a0 b0"),
        ("pk = 'a' AND (sk = 1 OR sk = 2) AND odd = true", "a1"),
        ("pk = 'a' AND sk <> 2 OR pk = 'a' AND sk = 3", "a0 a1 a3"),
        ("n = 20", "a2 b2 c2"),
        ("NOT pk = 'a' AND n = 20", "b2 c2"),
        ("pk = 'none'", ""),
        ("pk = 'a' AND sk > 2 AND sk < 1", ""),
    ],
)
def test_where(run: Run, filled: str, where: str, found: str) -> None:
    assert sorted(keys(run(f'SELECT * FROM "{filled}" WHERE {where}'))) == found.split()


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        ("WHERE pk = 'a' ORDER BY sk", "a0 a1 a2 a3"),
        ("WHERE pk = 'a' ORDER BY sk DESC", "a3 a2 a1 a0"),
        ("WHERE pk = 'a' AND sk < 2 ORDER BY sk DESC", "a1 a0"),
        ("WHERE pk IN ['b', 'a'] AND sk < 2 ORDER BY pk ASC, sk DESC", "a1 a0 b1 b0"),
        ("WHERE pk IN ['b', 'a'] AND sk < 2 ORDER BY pk DESC", "b0 b1 a0 a1"),
    ],
)
def test_order(run: Run, filled: str, tail: str, found: str) -> None:
    assert keys(run(f'SELECT * FROM "{filled}" {tail}')) == found.split()


def test_columns(dynamodb: Any, run: Run, make_table: MakeTable) -> None:
    table = make_table("pk:S")
    item = {"pk": {"S": "k"}, "m": {"M": {"x": {"S": "deep"}}}, "l": {"L": [{"N": "1"}, {"N": "2"}]}}
    dynamodb.put_item(TableName=table, Item=item)
    for columns, expected in (
        ("*", item),
        ("pk, m", {"pk": item["pk"], "m": item["m"]}),
        ("m.x, absent", {"x": {"S": "deep"}}),
        ("m['x'], l[1]", {"x": {"S": "deep"}, "_2": {"N": "2"}}),
    ):
        assert run(f"SELECT {columns} FROM \"{table}\" WHERE pk = 'k'") == [expected]
    assert run(f"SELECT absent FROM \"{table}\" WHERE pk = 'k'") == [{}]


def test_indexes(dynamodb: Any, run: Run, filled: str) -> None:
    found = run(f'SELECT * FROM "{filled}"."by-g" WHERE g = \'g\' AND l >= 8 ORDER BY l DESC')
    assert [item["l"]["N"] for item in found] == ["9", "9", "9", "8", "8", "8"]
    assert set(found[0]) == {"pk", "sk", "g", "l", "n"}
    assert keys(run(f'SELECT * FROM "{filled}"."by-l" WHERE pk = \'a\'')) == ["a3", "a2", "a1", "a0"]
    assert run(f'SELECT odd FROM "{filled}"."by-l" WHERE pk = \'a\' AND l = 8') == [{"odd": {"BOOL": True}}]
    select = f'SELECT pk FROM "{filled}"."by-g" WHERE '
    invalid = "One or more parameter values were invalid: "
    assert refusal(dynamodb.execute_statement, Statement=f"{select} g = 'y' AND odd = true")[1] == (
        f"{invalid}Secondary index by-g does not project one or more filter attributes: [odd]"
    )
    assert refusal(dynamodb.execute_statement, Statement=f'SELECT odd FROM "{filled}"."by-g" WHERE g = \'y\'')[1] == (
        f"{invalid}Global secondary index by-g does not project [odd]"
    )
    assert refusal(dynamodb.execute_statement, Statement=f"{select} g = 'y'", ConsistentRead=True)[1] == (
        "Strongly consistent read is not supported on Global Secondary Indexes"
    )
    assert refusal(dynamodb.execute_statement, Statement=f'SELECT * FROM "{filled}"."nope"')[0] == "ValidationException"


@pytest.mark.parametrize("where", ["", "WHERE pk IN ['a', 'b']", "WHERE pk = 'a'", "WHERE n > 5"])
def test_pages(dynamodb: Any, run: Run, filled: str, where: str) -> None:
    statement = f'SELECT * FROM "{filled}" {where}'
    everything = run(statement)
    paged: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = dynamodb.execute_statement(Statement=statement, Limit=3, **token)
        paged += page["Items"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert paged == everything


def test_page_token_belongs_to_its_statement(dynamodb: Any, filled: str) -> None:
    statement = f'SELECT * FROM "{filled}" WHERE pk = ?'
    first = dynamodb.execute_statement(Statement=statement, Parameters=[{"S": "a"}], Limit=1)
    assert first["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"N": "0"}}
    for token, parameter, message in (
        (first["NextToken"], "b", "NextToken does not match request"),
        ("rubbish", "a", "Invalid NextToken"),
        (first["NextToken"][:-4], "a", "Invalid NextToken"),
    ):
        request = {"Statement": statement, "Parameters": [{"S": parameter}], "NextToken": token}
        assert refusal(dynamodb.execute_statement, **request) == ("ValidationException", message)


def test_large_pages(dynamodb: Any, run: Run, make_table: MakeTable) -> None:
    table = make_table("pk:S", "sk:N")
    for number in range(5):
        item = {"pk": {"S": "k"}, "sk": {"N": str(number)}, "t": {"S": "x" * 390_000}}
        dynamodb.put_item(TableName=table, Item=item)
    page = dynamodb.execute_statement(Statement=f"SELECT sk FROM \"{table}\" WHERE pk = 'k'")
    assert [item["sk"]["N"] for item in page["Items"]] == ["0", "1", "2"]
    assert "NextToken" in page


def test_consumed_capacity(dynamodb: Any, filled: str) -> None:
    for statement, units in (
        (f"SELECT * FROM \"{filled}\" WHERE pk = 'a'", 0.5),
        (f"SELECT * FROM \"{filled}\" WHERE pk IN ['a', 'b']", 1.0),
        (f"UPDATE \"{filled}\" SET x = 1 WHERE pk = 'a' AND sk = 1", 1.0),
    ):
        answer = dynamodb.execute_statement(Statement=statement, ReturnConsumedCapacity="TOTAL")
        assert answer["ConsumedCapacity"]["TableName"] == filled
        assert answer["ConsumedCapacity"]["CapacityUnits"] >= units


# Batches


def test_batch_of_writes(dynamodb: Any, run: Run, table: str) -> None:
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1, 'n': 1}}")
    statements = [
        {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': 2}}", "Parameters": [{"S": "a"}]},
        {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1}}"},
        {"Statement": f"UPDATE \"{table}\" SET n = 2 WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *"},
        {"Statement": f"UPDATE \"{table}\" SET n = 2 WHERE pk = 'a' AND sk = 9"},
        {"Statement": "INSERT INTO \"no-such-table\" VALUE {'pk': 'a'}"},
        {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': 3}}"},
        {"Statement": "GIBBERISH"},
        {
            "Statement": f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1 AND n = 7",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ]
    responses = dynamodb.batch_execute_statement(Statements=statements)["Responses"]
    assert responses[0] == {"TableName": table}
    assert responses[2] == {"TableName": table, "Item": {"n": {"N": "2"}}}
    errors = {number: response["Error"] for number, response in enumerate(responses) if "Error" in response}
    assert {number: (error["Code"], error["Message"]) for number, error in errors.items()} == {
        1: ("DuplicateItem", "Duplicate primary key exists in table"),
        3: ("ConditionalCheckFailed", "The conditional request failed"),
        4: ("ResourceNotFound", "Requested resource not found"),
        5: ("ValidationError", "Number of parameters in request and statement don't match."),
        6: ("ValidationError", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        7: ("ConditionalCheckFailed", "The conditional request failed"),
    }
    assert errors[7]["Item"]["n"] == {"N": "2"}
    assert sorted(keys(run(f'SELECT * FROM "{table}"'))) == ["a1", "a2"]


def test_batch_of_reads(dynamodb: Any, filled: str) -> None:
    needs_key = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    statements = [
        f"SELECT n FROM \"{filled}\" WHERE pk = 'a' AND sk = 1",
        f"SELECT * FROM \"{filled}\" WHERE pk = 'none' AND sk = 1",
        f"SELECT * FROM \"{filled}\" WHERE pk = 'a'",
        f'SELECT * FROM "{filled}"."by-g" WHERE g = \'g\'',
    ]
    request = {"Statements": [{"Statement": one} for one in statements], "ReturnConsumedCapacity": "TOTAL"}
    answer = dynamodb.batch_execute_statement(**request)
    first, second, third, fourth = answer["Responses"]
    assert first == {"TableName": filled, "Item": {"n": {"N": "10"}}}
    assert second == {"TableName": filled}
    for response in (third, fourth):
        assert response["Error"] == {"Code": "ValidationError", "Message": needs_key}
    assert [one["CapacityUnits"] for one in answer["ConsumedCapacity"]] == [0.5, 0.5]
    mixed = [{"Statement": statements[0]}, {"Statement": f"DELETE FROM \"{filled}\" WHERE pk = 'a' AND sk = 1"}]
    assert refusal(dynamodb.batch_execute_statement, Statements=mixed)[0] == "ValidationException"


# Transactions


def transact(dynamodb: Any, *statements: str, **options: Any) -> Any:
    return dynamodb.execute_transaction(TransactStatements=[{"Statement": one} for one in statements], **options)


def test_transaction_of_writes(dynamodb: Any, run: Run, table: str) -> None:
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1, 'n': 1}}")
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 2, 'n': 2}}")
    statements = (
        f"INSERT INTO \"{table}\" VALUE {{'pk': 'b', 'sk': 1}}",
        f"UPDATE \"{table}\" SET n = n + 1 WHERE pk = 'a' AND sk = 1",
        f"EXISTS(SELECT * FROM \"{table}\" WHERE pk = 'a' AND sk = 2 AND n = 2)",
    )
    transact(dynamodb, *statements, ClientRequestToken="once")
    transact(dynamodb, *statements, ClientRequestToken="once")
    assert run(f"SELECT n FROM \"{table}\" WHERE pk = 'a' AND sk = 1") == [{"n": {"N": "2"}}]
    code, _ = refusal(
        dynamodb.execute_transaction, TransactStatements=[{"Statement": statements[1]}], ClientRequestToken="once"
    )
    assert code == "IdempotentParameterMismatchException"


def test_cancelled_transaction_does_nothing(dynamodb: Any, run: Run, table: str) -> None:
    run(f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1, 'n': 1}}")
    with pytest.raises(ClientError) as caught:
        transact(
            dynamodb,
            f"INSERT INTO \"{table}\" VALUE {{'pk': 'b', 'sk': 1}}",
            f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'sk': 1}}",
            f"EXISTS(SELECT * FROM \"{table}\" WHERE pk = 'c' AND sk = 1 AND n = 1)",
            f"INSERT INTO \"{table}\" VALUE {{'pk': 'd', 'sk': 4, 'n': 1}}",
        )
    answer = caught.value.response
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert answer["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, DuplicateItem, ConditionalCheckFailed, None]"
    )
    assert answer["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
        {"Code": "None"},
    ]
    assert keys(run(f'SELECT * FROM "{table}"')) == ["a1"]
    with pytest.raises(ClientError) as caught:
        transact(dynamodb, f"INSERT INTO \"{table}\" VALUE {{'pk': 'b', 'sk': 'text'}}")
    assert caught.value.response["CancellationReasons"] == [
        {
            "Code": "ValidationError",
            "Message": "Key attribute's data type should match its data type in table's schema: Key sk",
        }
    ]


def test_transaction_of_reads(dynamodb: Any, filled: str) -> None:
    answer = transact(
        dynamodb,
        f"SELECT n FROM \"{filled}\" WHERE pk = 'a' AND sk = 1",
        f"SELECT * FROM \"{filled}\" WHERE pk = 'none' AND sk = 1",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": {"n": {"N": "10"}}}, {}]
    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 4.0


NOT_WELL_FORMED = "Statement wasn't well formed, can't be processed: "


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ['SELECT * FROM "{}" WHERE'],
            f"Validation failed in TransactStatements[0]: {NOT_WELL_FORMED}Unexpected term",
        ),
        (
            ["DELETE FROM \"{}\" WHERE pk = 'x' AND sk = 1", "SELECT * FROM \"{}\" WHERE pk = 'y' AND sk = 1"],
            "ExecuteTransaction API does not support both read and write operations in the same request.",
        ),
        (
            ["UPDATE \"{}\" SET d = 'v' WHERE pk = 'x' AND sk = 1 RETURNING ALL NEW *"],
            "Validation failed in TransactStatements[0]: RETURNING clause is not supported in ExecuteTransaction.",
        ),
        (
            ["EXISTS(SELECT * FROM \"{}\" WHERE pk = 'x' AND sk = 1)"],
            (
                "Validation failed in TransactStatements[0]: "
                "EXISTS() must contain a single item read with additional condition"
            ),
        ),
        (
            ["SELECT * FROM \"{}\" WHERE pk = 'x'"],
            (
                "Validation failed in TransactStatements[0]: "
                "Select statements within ExecuteTransaction must specify the primary key in the where clause."
            ),
        ),
        (
            ['SELECT * FROM "{}"."by-g" WHERE g = \'x\''],
            "Validation failed in TransactStatements[0]: Reads on indices are not supported within transactions.",
        ),
        (
            ["DELETE FROM \"{}\" WHERE pk = 'x' AND sk = 1"] * 2,
            "Transaction request cannot include multiple operations on one item",
        ),
    ],
)
def test_refused_transactions(dynamodb: Any, table: str, statements: list[str], message: str) -> None:
    given = [{"Statement": one.format(table)} for one in statements]
    assert refusal(dynamodb.execute_transaction, TransactStatements=given) == ("ValidationException", message)


MISSING_KEY = "Where clause does not contain a mandatory equality on all key attributes"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM \"{}\" WHERE pk = 'x'", MISSING_KEY),
        ('UPDATE "{}" SET a = 1', MISSING_KEY),
        ('FROM "{}" SET a = 1', MISSING_KEY),
        (
            "UPDATE \"{}\" SET pk = 'y' WHERE pk = 'x' AND sk = 1",
            "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
        ),
        (
            'SELECT * FROM "{}" WHERE pk = 1',
            "Key attribute's data type should match its data type in table's schema: Key pk",
        ),
        (
            "SELECT * FROM \"{}\" WHERE pk IN ['a', 'a']",
            "Overlapping conditions with range keys are not supported in where clause",
        ),
        (
            "SELECT * FROM \"{}\" WHERE pk = 'a' AND x = '1' OR pk = 'a' AND sk = 2",
            "Overlapping conditions with range keys are not supported in where clause",
        ),
        ('SELECT * FROM "{}" ORDER BY sk', "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            'SELECT * FROM "{}" WHERE x = 1 ORDER BY sk',
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        (
            "SELECT * FROM \"{}\" WHERE pk = 'a' ORDER BY x",
            "Variable reference x in ORDER BY clause must be part of the primary key",
        ),
        (
            "SELECT * FROM \"{}\" WHERE pk IN ['a', 'b'] ORDER BY sk",
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ),
        ("INSERT INTO \"{}\" VALUE {{'pk': 'x'}}", "Key attribute should be present in the item: Key sk"),
        ('SELECT * FROM "{}" WHERE pk = ?', "Number of parameters in request and statement don't match."),
        (
            "EXISTS(SELECT * FROM \"{}\" WHERE pk = 'x' AND sk = 1 AND a = 1)",
            "EXISTS can only be used in ExecuteTransaction write requests.",
        ),
    ],
)
def test_refused_statements(dynamodb: Any, table: str, statement: str, message: str) -> None:
    given = statement.format(table)
    assert refusal(dynamodb.execute_statement, Statement=given) == ("ValidationException", message)


def test_missing_table(dynamodb: Any) -> None:
    for statement in ('SELECT * FROM "no-such-table"', "UPDATE \"no-such-table\" SET a = 1 WHERE pk = 'x'"):
        assert refusal(dynamodb.execute_statement, Statement=statement) == (
            "ResourceNotFoundException",
            "Requested resource not found",
        )
