"""The rule in JavaScript is the rule in Python: random boards and batches, folded by both."""

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pack
from clients import javascript_sdks
from rollup import board, documents, records
from rollup.board import Board, Rules
from rollup.games import Game, GameKey

CASES = 300
NOW = 10_000
RULES = Rules(size=3, window_seconds=100)
SCRIPT = """
const rule = require(process.argv[2])
const cases = JSON.parse(require('fs').readFileSync(0))
const rules = { size: %d, windowSeconds: %d }
console.log(JSON.stringify(cases.map(function (one) {
  const changes = rule.readChanges(one.records)
  return {
    refused: changes.refused,
    rebuild: rule.mustRebuild(one.board, changes, rules, one.now),
    games: rule.fold(one.board, changes, rules, one.now)
  }
})))
""" % (RULES.size, RULES.window_seconds)  # noqa: UP031  # the script is full of braces


def an_item(dice: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {
        "event_key": {"S": dice.choice(["a", "b", "ü", "\U0001f600", "\uffff"])},
        "start_timestamp": {"N": str(NOW - dice.randrange(-70, 130))},
        "handle": {"S": dice.choice(["ann", "\U0001f600" * 40])},
        "score": {"N": str(dice.randrange(6))},
        "length_seconds": {"N": str(dice.choice([0, 0, 5]))},
        "completed": {"BOOL": dice.random() < 0.9},
    }
    if dice.random() < 0.5:
        bonus = {"M": {"name": {"S": "n" * dice.randrange(1, 40)}, "bonus_score": {"N": str(dice.randrange(-2, 3))}}}
        item["achievements"] = {"L": [bonus] * dice.randrange(7)}
    if dice.random() < 0.1:
        spoilt = dice.choice(["handle", "score", "length_seconds", "achievements"])
        wrong: list[dict[str, Any]] = [{"S": ""}, {"N": "0.5"}, {"N": "9007199254740992"}, {"L": [{"NULL": True}]}]
        item[spoilt] = dice.choice(wrong)
    return item


def a_record(dice: random.Random) -> dict[str, Any]:
    new, old = an_item(dice), None
    if dice.random() < 0.4:
        old = {**an_item(dice), "event_key": new["event_key"], "start_timestamp": new["start_timestamp"]}
    keys = {name: new[name] for name in ("event_key", "start_timestamp")}
    kept = old is None or dice.random() < 0.6
    return {"dynamodb": {"Keys": keys, **({"NewImage": new} if kept else {}), **({"OldImage": old} if old else {})}}


def a_board(dice: random.Random) -> Board:
    found = records.read_changes([a_record(dice) for _ in range(dice.randrange(12))]).finished
    return Board(1, board.standing(found, RULES, now=NOW - dice.randrange(30)))


def test_both_fold_alike(node_modules: Path, tmp_path: Path) -> None:
    dice = random.Random(2)
    cases = [(a_board(dice), [a_record(dice) for _ in range(dice.randrange(9))]) for _ in range(CASES)]
    cases += [_with_records_of_the_board(dice, one) for one, _ in cases]
    folder = tmp_path / "function"
    folder.mkdir()
    for file in (pack.HERE / "node").glob("*.js"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "node_modules").symlink_to(node_modules)
    (folder / "check.cjs").write_text(SCRIPT)
    given = [{"board": {"games": _documents(one)}, "records": batch, "now": NOW} for one, batch in cases]
    done = subprocess.run(
        [javascript_sdks.newest_node(), folder / "check.cjs", folder / "board.js"],
        input=json.dumps(given),
        env={"AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for (stands, batch), theirs in zip(cases, json.loads(done.stdout), strict=True):
        changes = records.read_changes(batch)
        ours = {
            "refused": len(changes.refused),
            "rebuild": board.must_rebuild(stands, changes, RULES, now=NOW),
            "games": _documents(Board(1, board.fold(stands, changes, RULES, now=NOW))),
        }
        assert {**theirs, "refused": len(theirs["refused"])} == ours, (stands, batch)


def _with_records_of_the_board(dice: random.Random, stands: Board) -> tuple[Board, list[dict[str, Any]]]:
    """Games that stand, taken back or changed a little."""
    batch = []
    for game in stands.games:
        changed = replace(game, score=game.score + dice.choice([-1, 0, 1]))
        images = {"OldImage": _item(game), **({"NewImage": _item(changed)} if dice.random() < 0.7 else {})}
        batch.append({"dynamodb": {"Keys": _key(game.key), **images}})
    return stands, batch


def _item(game: Game) -> dict[str, Any]:
    return {
        **_key(game.key),
        "handle": {"S": game.handle},
        "score": {"N": str(game.points)},
        "length_seconds": {"N": str(game.length_seconds)},
        "completed": {"BOOL": True},
    }


def _key(key: GameKey) -> dict[str, Any]:
    return {"event_key": {"S": key.event_key}, "start_timestamp": {"N": str(key.start_timestamp)}}


def _documents(stands: Board) -> list[dict[str, Any]]:
    document = json.loads(documents.to_json(stands, RULES, now=NOW))
    found: list[dict[str, Any]] = document["best"] + document["waiting"]
    return found
