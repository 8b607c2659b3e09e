"""Will a Python function use the AWS SDK? Asked before a cold start, so quickly; a wrong answer costs only time.

An environment that was rehearsed with the SDK makes its first client in a third of the time, and weighs twice as much.
"""

import os
from pathlib import Path

_NAMES = (b"boto3", b"botocore")
#: The handler's module, and as many of its neighbours; nobody's time is worth reading more.
_FILES = 8
_BYTES = 256 * 1024


def is_likely(code_dir: Path, handler: str) -> bool:
    """Whether the handler's module or a neighbour of it mentions the SDK."""
    module = code_dir / (handler.rpartition(".")[0].replace(".", "/") + ".py")
    return _mentions_sdk(module) or any(_mentions_sdk(file) for file in _neighbours(module))


def _neighbours(module: Path) -> list[Path]:
    try:
        names = os.listdir(module.parent)[: 4 * _FILES]  # noqa: PTH208 - half the time of iterdir
    except (OSError, ValueError):
        return []
    return [module.parent / name for name in names if name.endswith(".py") and name != module.name][:_FILES]


def _mentions_sdk(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            content = opened.read(_BYTES)
    except (OSError, ValueError):
        return False
    return any(name in content for name in _NAMES)
