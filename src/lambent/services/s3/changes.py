"""Changes: the one transaction in which an object appears, is replaced or goes, with its change record.

Conditions of the request are evaluated in there, against the object as it is at that moment. The record goes to the log
"s3" if the bucket has a notification configuration; who is to be told is worked out by the log's consumer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.services.caller import Caller
from lambent.services.s3 import errors, naming, notifications, preconditions, store
from lambent.services.s3.data_plane import DataPlane
from lambent.services.s3.notifications import ChangeRecord
from lambent.services.s3.records import NULL_VERSION, Place, StoredObject
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire import rest_xml

_SEQUENCER_STEP_BITS = 20


@frozen
class Change:
    """Who does what to which object; the facts an event will tell."""

    caller: Caller
    bucket: str
    key: str
    event_name: str

    @property
    def key_bytes(self) -> bytes:
        return naming.key_bytes(self.key)


class Sequencer:
    """Numbers that grow with every change, across restarts too as long as the clock does not go back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """18 hexadecimal digits: for one key, later changes compare greater."""
        self._last = max(self._last + 1, self._clock.now_ms() << _SEQUENCER_STEP_BITS)
        return f"{self._last:018X}"


class Changes:
    def __init__(self, database: Database, data_plane: DataPlane, clock: Clock) -> None:
        self._database = database
        self._data_plane = data_plane
        self._clock = clock
        self._sequencer = Sequencer(clock)

    async def put(
        self, change: Change, stored: StoredObject, *, data: bytes | None, conditions: Mapping[str, Any]
    ) -> StoredObject:
        """Make the object visible; its time is that of the transaction.

        Raises NoSuchBucket, PreconditionFailed, NoSuchKey.
        """

        def work(tx: Transaction) -> tuple[StoredObject, list[str]]:
            return self.put_in(tx, change, stored, data=data, conditions=conditions)

        visible, orphans = await self._database.write(work)
        if orphans:
            self._data_plane.forget(orphans)
        return visible

    def put_in(
        self,
        tx: Transaction,
        change: Change,
        stored: StoredObject,
        *,
        data: bytes | None,
        conditions: Mapping[str, Any],
    ) -> tuple[StoredObject, list[str]]:
        """The same within a transaction; (the object as it is now, orphaned blob ids)."""
        place, current = _look_up(tx, change.bucket, stored.key)
        preconditions.check_write(conditions, key=change.key, current_etag=current.etag if current else None)
        stored = stored._replace(modified_ms=self._clock.now_ms())
        orphans = store.put_object(tx, change.bucket, stored, replacing=current, data=data)
        if place.is_notified:
            self._record(tx, change, place, stored)
        return stored, orphans

    async def delete(self, change: Change, check: Callable[[StoredObject | None], None]) -> None:
        """Deleting what is not there succeeds and changes nothing. `check` may object to what is there."""

        def work(tx: Transaction) -> list[str]:
            return self.delete_in(tx, change, check)

        self._data_plane.forget(await self._database.write(work))

    def delete_in(self, tx: Transaction, change: Change, check: Callable[[StoredObject | None], None]) -> list[str]:
        """Returns orphaned blob ids."""
        place, current = _look_up(tx, change.bucket, change.key_bytes)
        check(current)
        if current is None:
            return []
        orphans = store.delete_object(tx, change.bucket, current)
        if place.is_notified:
            self._record(tx, change, place, current)
        return orphans

    def _record(self, tx: Transaction, change: Change, place: Place, stored: StoredObject) -> None:
        caller = change.caller
        now_ms = self._clock.now_ms()
        record = ChangeRecord(
            event_name=change.event_name,
            region=place.region,
            time_ms=now_ms,
            bucket=change.bucket,
            bucket_owner=naming.customer_id(place.owner),
            key=change.key,
            size=stored.size,
            etag=stored.etag,
            sequencer=self._sequencer.next(),
            principal_id=caller.principal_id,
            source_ip=caller.source_ip,
            request_id=caller.request_id,
            host_id=rest_xml.host_id(caller.request_id),
            version_id="" if stored.version_id == NULL_VERSION else stored.version_id,
            requester=caller.account_id,
            owner=place.owner,
            trace=caller.trace,
        )
        log.append(tx, notifications.LOG, record.to_bytes(), now_ms)


def _look_up(tx: Transaction, bucket: str, key: bytes) -> tuple[Place, StoredObject | None]:
    """The bucket and the object there is. Raises NoSuchBucket."""
    place = store.find_place(tx, bucket)
    if place is None:
        raise errors.NoSuchBucket(bucket)
    return place, store.find_object(tx, bucket, key)
