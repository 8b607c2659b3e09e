"""The application on the whole platform: a real table, its stream, the mapping, the function in its sandbox.

Everything holds for the function in Python and for the one in the shape of 2014.
"""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

import play
from apps.scoreboard.scoreboard import APPLICATION, Scoreboard, game, node_code, wait_until
from clients.test_javascript_sdks import RUNTIME as NODE_RUNTIME
from lambent.cli import scoreboard_deployment
from lambent.cli.scoreboard_deployment import Deployment, FunctionCode
from platform_process import PlatformProcess
from rollup import documents

STILL_SECONDS = 0.4


@pytest.fixture(scope="module", params=["python", "node"])
def code(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FunctionCode:
    folder = tmp_path_factory.mktemp("package")
    if request.param == "python":
        return scoreboard_deployment.build_package(APPLICATION, folder)
    return node_code(folder, request.getfixturevalue("node_modules"), NODE_RUNTIME)


@pytest.fixture(scope="module")
def busy(platform: PlatformProcess, code: FunctionCode) -> Scoreboard:
    """Four writers at once, and every record delivered to two functions, so twice, at the same time, in two orders."""
    scoreboard = Scoreboard(platform, code)
    scoreboard.deployment.connect()
    twin = Deployment(scoreboard.endpoint, replace(scoreboard.names, function=f"{scoreboard.names.function}-twin"))
    twin.deploy_function(code)
    table = scoreboard.dynamodb.describe_table(TableName=scoreboard.names.table)["Table"]
    scoreboard.functions.create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"],
        FunctionName=twin.names.function,
        StartingPosition="TRIM_HORIZON",
        BatchSize=7,
        ParallelizationFactor=3,
    )
    games = list(play.games(400, random.Random(1), over_seconds=3300, now=time.time()))
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(scoreboard.put, [games[part::4] for part in range(4)]))
    return scoreboard


@pytest.fixture
def quiet(platform: PlatformProcess, code: FunctionCode) -> Iterator[Scoreboard]:
    """One mapping and two games."""
    scoreboard = Scoreboard(platform, code)
    scoreboard.deployment.connect()
    scoreboard.put([game("ann", 100), game("bob", 90)])
    wait_until(lambda: scoreboard.handles() == ["ann", "bob"])
    yield scoreboard
    scoreboard.functions.delete_event_source_mapping(UUID=scoreboard.mapping()["UUID"])


def test_everybody_at_once_and_everything_twice(busy: Scoreboard) -> None:
    wait_until(busy.is_right)
    item, published = busy.item(), busy.published()
    assert item is not None
    assert [one["handle"] for one in published["best"]] == [one["M"]["handle"]["S"] for one in item["best"]["L"]]
    assert len(published["best"]) == published["size"] == 10
    board = documents.from_item(item)
    rebuilt = busy.invoke({"rebuild": True})
    assert rebuilt["rebuilt"]
    assert rebuilt["version"] <= board.version + 1, "at most somebody became an hour old meanwhile"


def test_a_game_wakes_the_function_once_and_the_board_does_not(quiet: Scoreboard) -> None:
    wait_until(lambda: quiet.runs() > 0)
    time.sleep(STILL_SECONDS)
    before, version = quiet.runs(), quiet.version()
    quiet.put([game("cyd", 110)])
    wait_until(lambda: quiet.handles() == ["cyd", "ann", "bob"])
    wait_until(lambda: quiet.published()["version"] == version + 1)
    time.sleep(STILL_SECONDS)
    assert (quiet.runs(), quiet.version()) == (before + 1, version + 1)


def test_what_makes_no_difference_is_not_written(quiet: Scoreboard) -> None:
    version, runs = quiet.version(), quiet.runs()
    quiet.put(
        [
            game("late", 1000, minutes_ago=61),
            game("gone", 1000, completed={"BOOL": False}),
            game("future", 1000, minutes_ago=-10),
            game("broken", 1000, length_seconds={"S": "long"}),
        ]
    )
    wait_until(lambda: quiet.runs() > runs)
    time.sleep(STILL_SECONDS)
    assert (quiet.version(), quiet.handles()) == (version, ["ann", "bob"])
    assert quiet.invoke({}) == {"version": version, "changed": False, "rebuilt": False, "published": False}


def test_who_leaves_makes_room(quiet: Scoreboard) -> None:
    """The eleventh was kept off the board by ten others; it is found again when one of them is taken back."""
    others = [game(f"p{number:02}", 200 + number) for number in range(10)]
    quiet.put(others)
    wait_until(lambda: quiet.handles() == [f"p{number:02}" for number in range(9, -1, -1)])
    quiet.delete(others[4])
    wait_until(lambda: quiet.handles()[4:] == ["p05", "p03", "p02", "p01", "p00", "ann"])
    quiet.put([{**others[9], "score": {"N": "1"}}])
    wait_until(lambda: quiet.handles()[8:10] == ["ann", "bob"])
    wait_until(quiet.is_right)


def test_an_hour_later(quiet: Scoreboard) -> None:
    """Nobody plays: a look at the clock lets the old game go, and a page that was fetched before does so itself."""
    old = game("old", 500, minutes_ago=60 - 4 / 60)
    quiet.put([old])
    wait_until(lambda: quiet.handles() == ["old", "ann", "bob"])
    wait_until(lambda: time.time() > int(old["start_timestamp"]["N"]) + 60 + 3600)
    assert quiet.handles()[0] == "old", "the item waits to be looked at"
    assert quiet.invoke({})["changed"]
    assert quiet.handles() == ["ann", "bob"]
    assert [one["handle"] for one in quiet.published()["best"]] == ["ann", "bob"]


def test_who_died_before_publishing_is_made_good(quiet: Scoreboard) -> None:
    """The board was written, board.json was not; the next call sees it, though it changes nothing."""
    s3 = quiet.endpoint.client("s3")
    version = quiet.version()
    wait_until(lambda: quiet.published()["version"] == version)
    s3.delete_object(Bucket=quiet.names.website, Key="board.json")
    quiet.functions.update_function_configuration(FunctionName=quiet.names.function, Description="a new environment")
    quiet.functions.get_waiter("function_updated_v2").wait(FunctionName=quiet.names.function)
    assert quiet.invoke({}) == {"version": version, "changed": False, "rebuilt": False, "published": True}
    assert quiet.published()["version"] == version


def test_an_older_board_never_replaces_a_newer(quiet: Scoreboard) -> None:
    s3 = quiet.endpoint.client("s3")
    newer = json.dumps({"version": 1000})
    s3.put_object(Bucket=quiet.names.website, Key="board.json", Body=newer, Metadata={"board-version": "1000"})
    quiet.put([game("eve", 300)])
    wait_until(lambda: quiet.handles() == ["eve", "ann", "bob"])
    quiet.invoke({})
    kept: Any = s3.get_object(Bucket=quiet.names.website, Key="board.json")["Body"].read()
    assert kept == newer.encode()


@pytest.mark.parametrize("path", ["/", "/scoreboard.js", "/scoreboard.css", "/favicon.svg"])
def test_the_page_is_there_for_everybody(busy: Scoreboard, path: str) -> None:
    status, body = busy.get(path)
    assert status == 200
    assert body == (APPLICATION / "website" / (path.strip("/") or "index.html")).read_bytes()
