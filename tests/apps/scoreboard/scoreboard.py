"""A deployed scoreboard as somebody with a client and a browser sees it, and what its board has to be."""

import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pack
from lambent.cli import deployment
from lambent.cli.demo_steps import get_as_browser
from lambent.cli.deployment import Endpoint
from lambent.cli.scoreboard_deployment import BOARD_KEY, Deployment, FunctionCode, ScoreboardNames
from platform_process import PlatformProcess
from rollup import board, documents, games
from rollup.board import Rules
from rollup.games import Game

APPLICATION = deployment.application_folder("scoreboard", "pack.py")
PATIENCE_SECONDS = 60.0
_numbers = itertools.count()


class Scoreboard:
    def __init__(self, platform: PlatformProcess, code: FunctionCode, *, as_in_the_demo: bool = False) -> None:
        name = f"board-{next(_numbers)}"
        names = ScoreboardNames(table=f"games-{name}", function=name, website=name)
        self.names = ScoreboardNames() if as_in_the_demo else names
        self.port = platform.port
        self.endpoint = Endpoint(platform.url, "test", "test", "us-east-1", "000000000000")
        self.deployment = Deployment(self.endpoint, self.names)
        self.dynamodb = self.endpoint.client("dynamodb")
        self.functions = self.endpoint.client("lambda")
        self.deployment.create_table()
        self.deployment.create_website(APPLICATION / "website")
        self.deployment.deploy_function(code)

    def item(self) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=self.names.table, Key=BOARD_KEY, ConsistentRead=True)
        found: dict[str, Any] | None = answer.get("Item")
        return found

    def version(self) -> int:
        return documents.from_item(self.item()).version

    def handles(self) -> list[str]:
        return [game.handle for game in documents.from_item(self.item()).games]

    def get(self, path: str) -> tuple[int, bytes]:
        return get_as_browser(self.port, f"{self.names.website}.s3-website.localhost:{self.port}", path)

    def published(self) -> dict[str, Any]:
        """Waits for the first; the table has its board a moment earlier."""
        wait_until(lambda: self.get("/board.json")[0] == 200)
        document: dict[str, Any] = json.loads(self.get("/board.json")[1])
        return document

    def put(self, items: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(items), 25):
            requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            self.dynamodb.batch_write_item(RequestItems={self.names.table: requests})

    def delete(self, item: dict[str, Any]) -> None:
        key = {name: item[name] for name in ("event_key", "start_timestamp")}
        self.dynamodb.delete_item(TableName=self.names.table, Key=key)

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.functions.invoke(FunctionName=self.names.function, Payload=json.dumps(event))
        report: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, report
        return report

    def runs(self) -> int:
        """How often the function was called."""
        logs = self.endpoint.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self.names.function}", filterPattern="REPORT"
        )
        return sum(len(page["events"]) for page in pages)

    def mapping(self) -> dict[str, Any]:
        (found,) = self.functions.list_event_source_mappings(FunctionName=self.names.function)["EventSourceMappings"]
        configuration: dict[str, Any] = found
        return configuration

    def sorted_games(self) -> tuple[Game, ...]:
        """What has to stand by the definition, from the whole table."""
        items = self.deployment.completed_games()
        return board.standing([game for game in map(_read, items) if game], Rules(), now=time.time())

    def is_right(self) -> bool:
        return documents.from_item(self.item()).games == self.sorted_games() and self.published()["version"] == (
            self.version()
        )


def _read(item: dict[str, Any]) -> Game | None:
    try:
        return games.read_completed(item)
    except games.NotAGame:
        return None


def game(handle: str, score: int, *, minutes_ago: float = 1, **changes: Any) -> dict[str, Any]:
    start = int(time.time() - 60 * minutes_ago) - 60
    return {
        "event_key": {"S": f"{handle}'s"},
        "start_timestamp": {"N": str(start)},
        "handle": {"S": handle},
        "score": {"N": str(score)},
        "length_seconds": {"N": "60"},
        "completed": {"BOOL": True},
        "achievements": {"L": [{"M": {"name": {"S": "untouched"}, "bonus_score": {"N": "5"}}}]},
        **changes,
    }


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.03)


def node_code(folder: Path, node_modules: Path, runtime: str) -> FunctionCode:
    package = folder / "node.zip"
    pack.write_package(package, node_modules=node_modules)
    return FunctionCode(package, pack.NODE_HANDLER, runtime)
