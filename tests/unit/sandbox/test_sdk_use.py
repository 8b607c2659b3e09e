from pathlib import Path

import pytest

from lambent.sandbox import sdk_use


@pytest.mark.parametrize(
    ("files", "handler", "likely"),
    [
        ({"app.py": "import boto3"}, "app.handler", True),
        ({"app.py": "import storage", "storage.py": "from botocore.config import Config"}, "app.handler", True),
        ({"app.py": "import json"}, "app.handler", False),
        ({"src/app.py": "import boto3"}, "src/app.handler", True),
        ({"src/app.py": "import boto3"}, "src.app.handler", True),
        ({}, "app.handler", False),
        ({"app.py": "import boto3"}, "nonsense", True),
        ({"notes.txt": "boto3"}, "app.handler", False),
        ({}, "\0.handler", False),
    ],
)
def test_what_points_to_the_sdk(tmp_path: Path, files: dict[str, str], handler: str, *, likely: bool) -> None:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert sdk_use.is_likely(tmp_path, handler) is likely
