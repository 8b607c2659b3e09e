"""What several requests add at the same time: one position for each record, in the order of the requests."""

import asyncio
from pathlib import Path

from lambent.services.kinesis import record_store, stream_store
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.record_store import Addition, StreamChanged
from lambent.services.kinesis.streams import Mode, Settings, Stream
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

NOW_MS = 1_750_000_000_000
SETTINGS = Settings(Mode.PROVISIONED)


def test_requests_share_a_call_and_keep_their_order(tmp_path: Path) -> None:
    def work(tx: Transaction) -> list[dict[str, int] | StreamChanged]:
        first, changed, gone = (_new(tx, name) for name in ("a", "b", "c"))
        stream_store.save_settings(tx, changed, SETTINGS)
        stream_store.delete_stream(tx, gone)
        return record_store.append_all(
            tx,
            [
                Addition(first, {"x": [b"1"], "y": [b"2"]}, NOW_MS),
                Addition(changed, {"x": [b"lost"]}, NOW_MS),
                Addition(first, {"x": [b"3", b"4"]}, NOW_MS + 1),
                Addition(gone, {"y": [b"lost"]}, NOW_MS),
                Addition(first, {"y": [b"5"]}, NOW_MS + 1),
            ],
        )

    async def run() -> None:
        database = Database.open(tmp_path / "lambent.db")
        try:
            one, two, three, four, five = await database.write(work)
            assert (one, three, five) == ({"x": 1, "y": 1}, {"x": 2}, {"y": 2})
            assert isinstance(two, StreamChanged)
            assert isinstance(four, StreamChanged)
            for name, payloads in (("x", [b"1", b"3", b"4"]), ("y", [b"2", b"5"])):
                found = database.read(lambda tx, name=name: log.read_after(tx, name, 0, 9))  # type: ignore[misc]
                assert [one.payload for one in found] == payloads
        finally:
            await database.close()

    asyncio.run(run())


def _new(tx: Transaction, name: str) -> Stream:
    key = StreamKey("000000000000", "us-east-1", name)
    stream_store.insert_stream(tx, key, SETTINGS, shard_count=1, now_ms=NOW_MS)
    found = stream_store.find_stream(tx, key)
    assert found is not None
    return found
