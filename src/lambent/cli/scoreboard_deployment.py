"""Deploying apps/scoreboard with plain boto3: a table with a stream, a website, a function, and the mapping between.

`demo_scoreboard` calls the steps in order. Nothing here is peculiar to Lambent.
"""

import contextlib
import json
import mimetypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambent.cli import deployment
from lambent.cli.deployment import RUNTIME, DeploymentError, Endpoint
from lambent.kit.frozen import frozen

HANDLER = "rollup.handler.handle"
#: More than half a processor by Lambda's rule (1,769 MB is one vCPU): a busy table has several of it at work at once.
MEMORY_MB = 1024
TIMEOUT_SECONDS = 30
#: A batch costs about the same, whatever it holds: the board read and, if it differs, written. A lone game is handled
#: at once, and a rush in few batches: 8,000 games a second, where batches of 100 reach 1,600.
BATCH_SIZE = 1000
BOARD_KEY = {"event_key": {"S": "scoreboard"}, "start_timestamp": {"N": "0"}}
#: The board is an item of the same table. Its own changes must not wake the function that made them.
NOT_THE_BOARD = {"dynamodb": {"Keys": {"event_key": {"S": [{"anything-but": ["scoreboard"]}]}}}}


@frozen
class ScoreboardNames:
    table: str = "games"
    function: str = "scoreboard"
    website: str = "scoreboard"


@frozen
class FunctionCode:
    package: Path
    handler: str = HANDLER
    runtime: str = RUNTIME


def build_package(application: Path, folder: Path) -> FunctionCode:
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "scoreboard.zip"
    command = [sys.executable, str(application / "pack.py"), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeploymentError(f"The deployment package could not be made: {done.stderr.strip()}")
    return FunctionCode(package)


class Deployment:
    def __init__(self, endpoint: Endpoint, names: ScoreboardNames) -> None:
        self._endpoint = endpoint
        self.names = names
        self._dynamodb = endpoint.client("dynamodb")
        self._lambda = endpoint.client("lambda")
        self._s3 = endpoint.client("s3")

    def create_table(self) -> None:
        with contextlib.suppress(self._dynamodb.exceptions.ResourceInUseException):  # there from last time
            self._dynamodb.create_table(
                TableName=self.names.table,
                KeySchema=[
                    {"AttributeName": "event_key", "KeyType": "HASH"},
                    {"AttributeName": "start_timestamp", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": "event_key", "AttributeType": "S"},
                    {"AttributeName": "start_timestamp", "AttributeType": "N"},
                ],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            )
        self._dynamodb.get_waiter("table_exists").wait(TableName=self.names.table, WaiterConfig={"Delay": 1})

    def create_website(self, folder: Path) -> None:
        deployment.create_bucket(self._s3, self.names.website)
        deployment.open_website(self._s3, self.names.website)
        for file in sorted(folder.iterdir()):
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._s3.put_object(
                Bucket=self.names.website,
                Key=file.name,
                Body=file.read_bytes(),
                ContentType=kind if kind.startswith("image/") else f"{kind}; charset=utf-8",
                CacheControl="no-cache",
                ACL="public-read",
            )

    def deploy_function(self, code: FunctionCode) -> None:
        names = self.names
        configuration = {
            "Runtime": code.runtime,
            "Handler": code.handler,
            "Role": f"arn:aws:iam::{self._endpoint.account_id}:role/{names.function}",
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_SECONDS,
            "Environment": {"Variables": {"SCOREBOARD_TABLE": names.table, "SCOREBOARD_BUCKET": names.website}},
        }
        zipped = {"ZipFile": code.package.read_bytes()}
        deployment.deploy_function(self._lambda, names.function, code.package, lambda: zipped, configuration)

    def connect(self) -> None:
        """Every change of the table, from the oldest that its stream still has, but not those of the board."""
        stream = self._dynamodb.describe_table(TableName=self.names.table)["Table"]["LatestStreamArn"]
        with contextlib.suppress(self._lambda.exceptions.ResourceConflictException):  # there from last time
            self._lambda.create_event_source_mapping(
                EventSourceArn=stream,
                FunctionName=self.names.function,
                StartingPosition="TRIM_HORIZON",
                BatchSize=BATCH_SIZE,
                BisectBatchOnFunctionError=True,
                FilterCriteria={"Filters": [{"Pattern": json.dumps(NOT_THE_BOARD)}]},
            )

    def look_at_the_clock(self) -> dict[str, Any]:
        """Lets what is an hour old leave, and sees to it that there is a board.json."""
        answer = self._lambda.invoke(FunctionName=self.names.function, Payload=b"{}")
        report: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DeploymentError(f"The function failed: {report.get('errorMessage', report)}")
        return report

    def play(self, application: Path, games: int) -> Iterator[str]:
        """Yields how far it is."""
        command = [sys.executable, str(application / "play.py"), "--games", str(games), "--table", self.names.table]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._endpoint.environment()
        ) as playing:
            assert playing.stdout is not None
            assert playing.stderr is not None
            for line in playing.stdout:
                yield line.strip()
            complaint = playing.stderr.read()
        if playing.returncode:
            raise DeploymentError(f"The games could not be played: {complaint.strip()}")

    def completed_games(self) -> list[dict[str, Any]]:
        """Every item of the table that counts; in the wire's own form."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self.names.table,
            ConsistentRead=True,
            FilterExpression="completed = :true",
            ExpressionAttributeValues={":true": {"BOOL": True}},
        )
        return [item for page in pages for item in page["Items"]]
