"""`lambent demo scoreboard`: apps/scoreboard deployed, thousands of games played, and the board checked against them.

The check is the plain way to make a board, which is to sort all games: what the function keeps up to date, change by
change, has to be the same.
"""

import functools
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lambent.cli import deployment, scoreboard_deployment
from lambent.cli.demo_steps import Demonstration, Shown, Steps, get_as_browser, variables_to_export
from lambent.cli.deployment import DeploymentError, Endpoint
from lambent.cli.scoreboard_deployment import Deployment, ScoreboardNames

GAMES = 5000
#: The function is at work while the games are written, so there is little left to wait for.
BOARD_SECONDS = 60.0
POLL_SECONDS = 0.02


def demonstration(games: int) -> Demonstration:
    return functools.partial(show, games)


def show(games: int, endpoint: Endpoint, folder: Path, steps: Steps) -> Shown:
    scoreboard = Deployment(endpoint, ScoreboardNames())
    names = scoreboard.names
    port = urlsplit(endpoint.url).port or 80
    website_host = f"{names.website}.s3-website.localhost:{port}"
    application = deployment.application_folder("scoreboard", "pack.py")
    with steps.step(f"table {names.table}, with a change stream"):
        scoreboard.create_table()
    with steps.step(f"the page, in bucket {names.website}"):
        scoreboard.create_website(application / "website")
    with steps.step(f"function {names.function}, run by every change in {names.table}"):
        scoreboard.deploy_function(scoreboard_deployment.build_package(application, folder))
        scoreboard.connect()
        scoreboard.look_at_the_clock()
    with steps.step(f"{games} games") as line:
        for progress in scoreboard.play(application, games):
            line.show(f"playing: {progress}")
        line.sentence = f"{games} games played, {progress}" if games else "no games"
    with steps.step("the board is what sorting all games gives") as line:
        count, seconds = _wait_for_board(scoreboard, port, website_host)
        line.sentence = f"the board is what sorting {count} games gives"
    return Shown(
        sentence=f"The board is online, and was right [bold]{seconds:.2f} s[/] after the last game.",
        website_url=f"http://{website_host}/",
        fallback_url=f"{endpoint.url}/_lambent/website/{names.website}/",
        what_to_type=how_to_play(endpoint, names, application),
    )


def _wait_for_board(scoreboard: Deployment, port: int, host: str) -> tuple[int, float]:
    """How many games there are, and how long it took since they were played."""
    begun = time.monotonic()
    all_games = [_from_item(item) for item in scoreboard.completed_games()]
    while time.monotonic() < begun + BOARD_SECONDS:
        looked = time.monotonic()
        status, body = get_as_browser(port, host, "/board.json")
        if status == 200:
            board, now = json.loads(body), time.time()
            if _best(board["best"] + board["waiting"], board, now) == _best(all_games, board, now):
                return len(all_games), looked - begun
        time.sleep(POLL_SECONDS)
    raise DeploymentError(
        f"The board is not right after {BOARD_SECONDS:.0f} s; "
        f"what the function says: lambent logs {scoreboard.names.function}"
    )


def _from_item(item: dict[str, Any]) -> dict[str, Any]:
    start, length = int(item["start_timestamp"]["N"]), int(item["length_seconds"]["N"])
    bonus = sum(int(entry["M"]["bonus_score"]["N"]) for entry in item["achievements"]["L"])
    return {
        "event_key": item["event_key"]["S"],
        "start_timestamp": start,
        "points": int(item["score"]["N"]) + bonus,
        "ended_at": start + length,
    }


def _best(games: Iterable[dict[str, Any]], board: dict[str, Any], now: float) -> list[tuple[Any, ...]]:
    ranked = sorted(
        (-game["points"], -game["ended_at"], game["event_key"], game["start_timestamp"])
        for game in games
        if game["ended_at"] > now - board["window_seconds"]
    )
    return ranked[: board["size"]]


def how_to_play(endpoint: Endpoint, names: ScoreboardNames, application: Path) -> str:
    """What to type to see it work, as it can be typed."""
    return f"""\
Open the page, play, and watch it. In another terminal:

{variables_to_export(endpoint)}
    aws dynamodb put-item --table-name {names.table} --item '{{"event_key": {{"S": "my-game"}},
        "start_timestamp": {{"N": "'$(date +%s)'"}}, "length_seconds": {{"N": "1"}}, "completed": {{"BOOL": true}},
        "handle": {{"S": "me"}}, "score": {{"N": "31337"}}}}'

Some thousand more games, or ten a second:

    python {application / "play.py"} --games 5000
    python {application / "play.py"} --games 600 --rate 10

The item that everybody reads, and what the function says meanwhile:

    aws dynamodb get-item --table-name {names.table} --query Item.best.L[0].M \\
        --key '{json.dumps(scoreboard_deployment.BOARD_KEY)}'
    lambent logs -f {names.function}
"""
