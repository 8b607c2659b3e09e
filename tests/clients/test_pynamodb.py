"""PynamoDB, an object mapper in wide use: models, indexes, conditions, versions, batches, transactions."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from platform_process import PlatformProcess


class Achievement(MapAttribute[str, Any]):
    name = UnicodeAttribute()
    bonus_score = NumberAttribute(default=0)


class ByScore(LocalSecondaryIndex["Game"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by-score"
        projection = KeysOnlyProjection()

    player = UnicodeAttribute(hash_key=True)
    score = NumberAttribute(range_key=True)


class ByMap(GlobalSecondaryIndex["Game"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by-map"
        projection = AllProjection()

    map_name = UnicodeAttribute(hash_key=True)
    started = UTCDateTimeAttribute(range_key=True)


class Game(Model):
    class Meta:
        table_name = f"games-{uuid.uuid4().hex[:8]}"
        billing_mode = "PAY_PER_REQUEST"
        region = "us-east-1"
        aws_access_key_id = "test"
        aws_secret_access_key = "test"

    player = UnicodeAttribute(hash_key=True)
    number = NumberAttribute(range_key=True)
    score = NumberAttribute(default=0)
    map_name = UnicodeAttribute(null=True)
    started = UTCDateTimeAttribute(null=True)
    completed = BooleanAttribute(default=False)
    tags = UnicodeSetAttribute(null=True)
    achievements = ListAttribute(of=Achievement, default=list)
    notes = JSONAttribute(null=True)
    version = VersionAttribute()
    by_score = ByScore()
    by_map = ByMap()


@pytest.fixture(scope="module")
def games(platform: PlatformProcess) -> Iterator[type[Game]]:
    Game.Meta.host = platform.endpoint  # type: ignore[attr-defined]  # known only now
    Game.create_table(wait=True)
    yield Game
    Game.delete_table()


def test_a_model_comes_back_as_it_was(games: type[Game]) -> None:
    started = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    game = games("ann", 1, score=12.5, started=started, map_name="hills", tags={"a", "b"}, notes={"deep": [1, None]})
    game.achievements = [Achievement(name="first", bonus_score=3)]  # type: ignore[no-untyped-call]  # PynamoDB's own
    game.save()
    read = games.get("ann", 1, consistent_read=True)
    assert read.to_dynamodb_dict() == game.to_dynamodb_dict()
    assert (read.started, read.tags, read.version) == (started, {"a", "b"}, 1)
    with pytest.raises(games.DoesNotExist):
        games.get("ann", 2)


def test_conditions_and_versions(games: type[Game]) -> None:
    game = games("ben", 1)
    game.save(games.player.does_not_exist())
    stale = games.get("ben", 1)
    with pytest.raises(PutError) as refused:
        games("ben", 1).save(games.player.does_not_exist())
    assert refused.value.cause_response_code == "ConditionalCheckFailedException"
    game.update(
        actions=[games.score.add(10), games.tags.set({"x"}), games.notes.set([1])],
        condition=(games.score < 5) & games.player.exists(),
    )
    assert (game.score, game.tags, game.notes, game.version) == (10, {"x"}, [1], 2)
    with pytest.raises(UpdateError):
        stale.update(actions=[games.score.set(1)])
    game.delete()
    assert games.count("ben") == 0


def test_queries_scans_and_batches(games: type[Game]) -> None:
    with games.batch_write() as batch:
        for number in range(40):
            started = datetime(2026, 1, 1, 0, number, tzinfo=UTC)
            batch.save(games("cy", number, score=100 - number, map_name="lake", started=started))
    latest = games.query("cy", games.number.between(5, 30), scan_index_forward=False, limit=3)
    assert [game.number for game in latest] == [30, 29, 28]
    filtered = games.query("cy", filter_condition=games.score.is_in(70, 80, 999), page_size=7)
    assert [game.number for game in filtered] == [20, 30]
    assert [game.score for game in games.by_score.query("cy", limit=3)] == [61, 62, 63]
    since = datetime(2026, 1, 1, 0, 35, tzinfo=UTC)
    assert [game.number for game in games.by_map.query("lake", games.started >= since)] == list(range(35, 40))
    assert len(list(games.scan(games.player == "cy", page_size=9))) == 40
    found = games.batch_get([("cy", number) for number in range(0, 80, 2)])
    assert sorted(int(game.number) for game in found) == list(range(0, 40, 2))


def test_transactions(games: type[Game], platform: PlatformProcess) -> None:
    connection = Connection(
        region="us-east-1", host=platform.endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )
    with TransactWrite(connection=connection, client_request_token=uuid.uuid4().hex) as transaction:
        transaction.save(games("dee", 1, score=5))
        transaction.save(games("dee", 2, score=6))
    dee = games.get("dee", 1)
    transaction = TransactWrite(connection=connection)
    transaction.update(dee, actions=[games.score.add(1)])
    transaction.condition_check(games, "dee", 2, condition=games.score > 100)
    with pytest.raises(TransactWriteError) as canceled, transaction:
        pass
    reasons = [reason.code if reason else None for reason in canceled.value.cancellation_reasons]
    assert reasons == ["ConditionalCheckFailed", None], "PynamoDB sends its checks first"
    with TransactGet(connection=connection) as reading:
        scores = [reading.get(games, "dee", number) for number in (1, 2)]
    assert [future.get().score for future in scores] == [5, 6]
