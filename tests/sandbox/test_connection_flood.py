"""A function that opens every connection it can takes no place from anybody else."""

import json
import uuid

from platform_process import PlatformProcess
from zips import zipped

CODE = """
import socket
held = []
def handler(event, context):
    for _ in range(event):
        held.append(socket.create_connection(('127.0.0.1', 4566), 2))
    refused = 0
    for connection in held:
        connection.settimeout(0.001)
        try:
            refused += connection.recv(1) == b''
        except ConnectionResetError:
            refused += 1
        except TimeoutError:
            pass
    return [len(held), refused]
"""


def test_the_platform_answers_others(platform: PlatformProcess) -> None:
    functions = platform.client("lambda")
    for _ in range(2):
        name = f"flood-{uuid.uuid4().hex[:8]}"
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="index.handler",
            Role="arn:aws:iam::000000000000:role/tests",
            Code={"ZipFile": zipped({"index.py": CODE})},
            Timeout=20,
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        opened, refused = json.load(functions.invoke(FunctionName=name, Payload=b"600")["Payload"])
        assert opened == 600
        assert opened - refused == 256
        assert platform.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
