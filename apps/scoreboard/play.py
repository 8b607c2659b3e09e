"""Play games: write thousands of them into the table, as the servers of a busy game would.

    python apps/scoreboard/play.py --games 5000
    python apps/scoreboard/play.py --games 600 --rate 10       ten a second, until they are played

The games ended at any moment of the last hour (--over-minutes), so that the board is in motion from the start; with
--rate each ends when it is written. Reaches what boto3 reaches: set AWS_ENDPOINT_URL for Lambent.
"""

import argparse
import random
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

#: The limit of one BatchWriteItem (DynamoDB API reference).
BATCH = 25
WRITERS = 4
#: One of so many games is left before its end, and does not count.
LEFT_EARLY = 12
LONGEST_SECONDS = 900
PROGRESS_SECONDS = 0.5
FIRST = (
    "amber",
    "basalt",
    "cobalt",
    "dapper",
    "ember",
    "fable",
    "gentle",
    "hollow",
    "indigo",
    "jolly",
    "kindled",
    "lucid",
)
SECOND = (
    "badger",
    "comet",
    "drake",
    "egret",
    "falcon",
    "gecko",
    "heron",
    "ibis",
    "jackal",
    "kestrel",
    "lynx",
    "marten",
)
ACHIEVEMENTS = {
    "first blood": 50,
    "untouched": 400,
    "night owl": 75,
    "speed run": 250,
    "hoarder": 120,
    "pacifist": 300,
    "no map": 180,
    "last second": 220,
}


def games(count: int, dice: random.Random, *, over_seconds: float, now: float) -> Iterator[dict[str, Any]]:
    """Items in the wire's own form."""
    for _ in range(count):
        length = int(dice.triangular(20, LONGEST_SECONDS, 180))
        yield {
            "event_key": {"S": uuid.UUID(int=dice.getrandbits(128), version=4).hex},
            "start_timestamp": {"N": str(int(now - dice.uniform(0, over_seconds)) - length)},
            "handle": {"S": f"{dice.choice(FIRST)}-{dice.choice(SECOND)}-{dice.randrange(100)}"},
            "score": {"N": str(int(dice.lognormvariate(7.5, 0.6)))},
            "length_seconds": {"N": str(length)},
            "completed": {"BOOL": dice.randrange(LEFT_EARLY) > 0},
            "achievements": {"L": [_achievement(name) for name in _earned(dice)]},
        }


def _earned(dice: random.Random) -> list[str]:
    return [name for name, bonus in ACHIEVEMENTS.items() if dice.random() < 30 / bonus]


def _achievement(name: str) -> dict[str, Any]:
    return {"M": {"name": {"S": name}, "bonus_score": {"N": str(ACHIEVEMENTS[name])}}}


class Progress:
    """How many are written, on one line of a terminal or on a line each."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._written = 0
        self._shown = 0.0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._written += count
            if self._written == self._total or time.monotonic() - self._shown >= PROGRESS_SECONDS:
                self._shown = time.monotonic()
                terminal = sys.stdout.isatty()
                end = "\r" if terminal and self._written < self._total else "\n"
                print(f"{self._written} of {self._total} games", end=end, flush=True)


def write_all(dynamodb: Any, table: str, items: Sequence[dict[str, Any]], progress: Progress) -> None:
    portions = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    with ThreadPoolExecutor(WRITERS) as writers:
        for written in writers.map(lambda portion: _write(dynamodb, table, portion), portions):
            progress.add(written)


def _write(dynamodb: Any, table: str, items: Sequence[dict[str, Any]]) -> int:
    """What a busy table did not take comes back, and is sent again."""
    requests: dict[str, Any] = {table: [{"PutRequest": {"Item": item}} for item in items]}
    pause = 0.05
    while requests:
        requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems", {})
        if requests:
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
    return len(items)


def play_live(dynamodb: Any, table: str, count: int, dice: random.Random, *, rate: float, progress: Progress) -> None:
    next_at = time.monotonic()
    for _ in range(count):
        (item,) = games(1, dice, over_seconds=0, now=time.time())
        dynamodb.put_item(TableName=table, Item=item)
        progress.add(1)
        next_at += 1 / rate
        time.sleep(max(0.0, next_at - time.monotonic()))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Play games: write them into the scoreboard's table.")
    parser.add_argument("--games", type=int, default=5000, help="how many (5000)")
    parser.add_argument(
        "--rate", type=float, help="so many a second, one after the other; as fast as it goes if not said"
    )
    parser.add_argument("--over-minutes", type=float, default=60, help="they ended within the last minutes (60)")
    parser.add_argument("--table", default="games", help="the table (games)")
    parser.add_argument("--seed", type=int, help="for the same games each time; times differ")
    chosen = parser.parse_args(arguments)
    region = boto3.session.Session().region_name or "us-east-1"
    configuration = Config(retries={"mode": "standard"}, max_pool_connections=WRITERS)
    dynamodb = boto3.client("dynamodb", region_name=region, config=configuration)
    dice = random.Random(chosen.seed)
    progress = Progress(chosen.games)
    begun = time.monotonic()
    if chosen.rate:
        play_live(dynamodb, chosen.table, chosen.games, dice, rate=chosen.rate, progress=progress)
    else:
        spread = 60 * chosen.over_minutes
        write_all(
            dynamodb, chosen.table, list(games(chosen.games, dice, over_seconds=spread, now=time.time())), progress
        )
    print(f"{chosen.games / (time.monotonic() - begun):.0f} games a second")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
