"""Streams with their shards in memory; forgotten at any commit that changes one.

A commit's announcement arrives on the event loop together with its result, so whoever has seen a stream change never
meets the old view. A write that was under way is told inside its transaction (`record_store.StreamChanged`).
"""

from lambent.services.kinesis import stream_store
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.streams import StreamView
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction


class StreamCache:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = database.subscribe(stream_store.STREAMS_TOPIC)
        self._by_key: dict[StreamKey, StreamView] = {}
        self._by_id: dict[int, StreamView] = {}

    def find(self, key: StreamKey) -> StreamView | None:
        self._look_for_changes()
        view = self._by_key.get(key)
        return view or self._remember(self._database.read(lambda tx: stream_store.find_view(tx, key)))

    def find_by_id(self, stream_id: int) -> StreamView | None:
        self._look_for_changes()
        view = self._by_id.get(stream_id)
        return view or self._remember(self._database.read(lambda tx: _view_by_id(tx, stream_id)))

    def _look_for_changes(self) -> None:
        if self._changes.take():
            self._by_key.clear()
            self._by_id.clear()

    def _remember(self, view: StreamView | None) -> StreamView | None:
        if view is not None:
            self._by_key[view.stream.key] = self._by_id[view.stream.stream_id] = view
        return view


def _view_by_id(tx: Transaction, stream_id: int) -> StreamView | None:
    stream = stream_store.find_by_id(tx, stream_id)
    return stream_store.find_view(tx, stream.key) if stream else None
