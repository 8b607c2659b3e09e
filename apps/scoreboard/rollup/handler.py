"""What Lambda calls. A batch of change records in, a board that is right about them out.

Without records it is a look at the clock: games that are an hour old leave, and board.json is published if it is not. A
schedule may call it so. `{"rebuild": true}` makes the board anew from the table.

What fails is raised, and the mapping delivers the batch again, which does no harm. An item that is no game does not
fail: it never will be one.
"""

import os
import time
from typing import Any

import boto3
from botocore.config import Config

from rollup import records, settings
from rollup.keeper import BoardKeeper
from rollup.publisher import Publisher

SETTINGS = settings.from_environment(os.environ)
#: Checking a board of eighty games against the model takes boto3 as long as sending it, and the service checks as well.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, parameter_validation=False)
KEEPER = BoardKeeper(boto3.client("dynamodb", config=_CONFIG), SETTINGS.table, SETTINGS.rules)
PUBLISHER = Publisher(boto3.client("s3", config=_CONFIG), SETTINGS.bucket, SETTINGS.rules) if SETTINGS.bucket else None


def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    changes = records.read_changes(event.get("Records", ()))
    for reason in changes.refused:
        print(f"WARN not a game: {reason}")
    kept = KEEPER.apply(changes, rebuild=event.get("rebuild") is True)
    if kept.changed:
        print(f"board {kept.board.version}: {len(kept.board.games)} games stand{', rebuilt' * kept.rebuilt}")
    published = PUBLISHER is not None and PUBLISHER.publish(kept.board, now=time.time())
    return {"version": kept.board.version, "changed": kept.changed, "rebuilt": kept.rebuilt, "published": published}
