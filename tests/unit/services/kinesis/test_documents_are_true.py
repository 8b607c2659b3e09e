"""docs/kinesis.md names what is served."""

from pathlib import Path

from lambent.services.kinesis import streams
from lambent.services.kinesis.operations import KinesisOperations

DOCUMENT = Path(__file__).parents[4] / "docs" / "kinesis.md"


def test_every_operation_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in sorted(KinesisOperations.SERVED) if f"`{name}`" not in text] == []
    assert f"`{streams.THROTTLE_TAG}=on`" in text
