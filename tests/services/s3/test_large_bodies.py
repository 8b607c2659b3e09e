"""Objects as large as S3 takes pass through in flat memory: up in parts, up in one piece, and down again.

The promise is 64 MiB of growth for 5 GiB. Always tested with a quarter of a GiB, which would not fit in the bound
either; LAMBENT_BIG_BODIES=1 sends the whole 5 GiB (the largest single PUT: "Uploading objects" in the S3 user guide).
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from platform_process import PlatformProcess

MIB = 1024 * 1024
IS_WHOLE = os.environ.get("LAMBENT_BIG_BODIES") == "1"
SIZE = 5 * 1024 * MIB if IS_WHOLE else 256 * MIB
GROWTH_KIB = 64 * 1024
BUCKET = "large-bodies"
PATTERN = os.urandom(MIB)


class Content(io.RawIOBase):
    """SIZE bytes that are made as they are read: the same MiB over and over."""

    def __init__(self) -> None:
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: SIZE}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        start = self._at % MIB
        piece = PATTERN[start : start + min(len(buffer), SIZE - self._at)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    """Nobody else's requests are in its memory: the peak of a process never goes down again."""
    with PlatformProcess.started(tmp_path / "data") as platform:
        platform.client("s3").create_bucket(Bucket=BUCKET)
        yield platform


def peak_kib(platform: PlatformProcess) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{platform.process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


def client(platform: PlatformProcess) -> Any:
    return platform.client("s3", config=Config(retries={"total_max_attempts": 1}, read_timeout=300))


def content() -> io.BufferedReader:
    return io.BufferedReader(Content(), MIB)


def upload_in_parts(s3: Any) -> None:
    s3.upload_fileobj(content(), BUCKET, "large", Config=TransferConfig(multipart_chunksize=16 * MIB))


def upload_at_once(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="large", Body=content(), ContentLength=SIZE)


def download(s3: Any) -> int:
    received = 0
    for piece in s3.get_object(Bucket=BUCKET, Key="large")["Body"].iter_chunks(MIB):
        assert piece == PATTERN, f"at {received}"
        received += len(piece)
    return received


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of another process is read from /proc")
@pytest.mark.timeout(600 if IS_WHOLE else 120)
@pytest.mark.parametrize("upload", [upload_in_parts, upload_at_once])
def test_up_and_down_in_flat_memory(own_platform: PlatformProcess, upload: Any) -> None:
    s3 = client(own_platform)
    before = peak_kib(own_platform)
    upload(s3)
    assert peak_kib(own_platform) - before < GROWTH_KIB
    assert download(s3) == SIZE
    assert peak_kib(own_platform) - before < GROWTH_KIB
    s3.delete_object(Bucket=BUCKET, Key="large")
