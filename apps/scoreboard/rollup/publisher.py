"""board.json in the website's bucket, so that browsers need neither credentials nor the table.

Two functions may publish at the same moment. The older board must not replace the newer, so each says, as a condition,
which object it replaces, and looks again if that is no longer the one.
"""

from typing import Any

from botocore.exceptions import ClientError

from rollup import documents
from rollup.board import Board, Rules
from rollup.keeper import TooMuchCompetition

KEY = "board.json"
VERSION = "board-version"
ATTEMPTS = 20
#: 409 is S3's answer to two conditional writes at the same moment (Amazon S3 User Guide, "Conditional writes").
_LOST_RACE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


class Publisher:
    def __init__(self, s3: Any, bucket: str, rules: Rules) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._rules = rules
        self._known = -1
        """The newest version that is known to be published; saves a request where nothing has changed."""

    def publish(self, board: Board, *, now: float) -> bool:
        """Whether it was us. To be asked for an unchanged board, too: who wrote it may have died before publishing."""
        for _ in range(ATTEMPTS):
            if self._known >= board.version:
                return False
            etag, self._known = self._current()
            if self._known < board.version and self._replace(etag, board, now):
                self._known = board.version
                return True
        raise TooMuchCompetition(f"{ATTEMPTS} attempts to publish the board")

    def _replace(self, etag: str | None, board: Board, now: float) -> bool:
        """Whether the object was still the one with this ETag, or still none."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=KEY,
                Body=documents.to_json(board, self._rules, now=now),
                ContentType="application/json; charset=utf-8",
                CacheControl="no-cache",
                ACL="public-read",
                Metadata={VERSION: str(board.version)},
                **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                return False
            raise
        return True

    def _current(self) -> tuple[str | None, int]:
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return None, -1
            raise
        return answer["ETag"], int(answer["Metadata"].get(VERSION, "-1"))
