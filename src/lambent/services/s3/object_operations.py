"""Operations on one object (and DeleteObjects on up to a thousand): put, get, head, attributes, delete."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from lambent.services.caller import Caller
from lambent.services.s3 import (
    attributes,
    checksums,
    errors,
    naming,
    notifications,
    preconditions,
    ranges,
    reading,
    store,
    tagging,
)
from lambent.services.s3.access import Acl, Wish
from lambent.services.s3.admission import Admission, Found, check_version
from lambent.services.s3.changes import Change, Changes
from lambent.services.s3.data_plane import BytesGone, DataPlane, Expected
from lambent.services.s3.preconditions import Conditions, Verdict
from lambent.services.s3.reading import Selection
from lambent.services.s3.records import FULL_OBJECT, NULL_VERSION, Bucket, StoredObject
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction
from lambent.wire.errors import MalformedXML, ServiceError
from lambent.wire.http import Body

Request = dict[str, Any]
Result = dict[str, Any]

#: Keys in one DeleteObjects (API reference).
MAX_DELETED_KEYS = 1000
#: Looks at the row before a reader gives up: each time the object was replaced at that very moment.
READ_ATTEMPTS = 5


class ObjectOperations:
    def __init__(self, database: Database, admission: Admission, data_plane: DataPlane, changes: Changes) -> None:
        self._database = database
        self._admission = admission
        self._data_plane = data_plane
        self._changes = changes

    async def put_object(self, caller: Caller, request: Request) -> Result:
        naming.key_bytes(request["Key"])
        attributes.check_served(request)
        preconditions.check_write_headers(request)
        bucket = self._admission.bucket(caller, request, "s3:PutObject", permission="WRITE", key=request["Key"])
        draft = self.draft(caller, bucket, request)
        expected = Expected(checksums.announced(request), checksums.decode_md5(request.get("ContentMD5")))
        body: Body = request["Body"]
        received = await self._data_plane.receive(body, expected)
        draft = draft._replace(
            size=received.size,
            etag=received.etag,
            checksum_algorithm=received.algorithm,
            checksum=received.checksum,
            blob_id=received.blob_id,
        )
        change = Change(caller, bucket.name, request["Key"], notifications.CREATED_PUT)
        try:
            stored = await self._changes.put(change, draft, data=received.data, conditions=request)
        except (ServiceError, StorageError):
            self._data_plane.discard(received)
            raise
        return {"ETag": f'"{stored.etag}"', **reading.checksum_members(stored)}

    def draft(self, caller: Caller, bucket: Bucket, request: Request) -> StoredObject:
        """The object that the request describes, still without its bytes."""
        acl, owner = self._admission.acl_of_new_object(caller, bucket, request)
        return StoredObject(
            key=naming.key_bytes(request["Key"]),
            version_id=NULL_VERSION,
            size=0,
            etag="",
            modified_ms=0,
            storage_class=attributes.storage_class(request),
            owner=owner,
            checksum_algorithm="",
            checksum_type=FULL_OBJECT,
            checksum="",
            acl=acl,
            tags=tagging.from_header(request.get("Tagging")),
            attributes=attributes.collect(request),
            parts=0,
            small_blob_id=None,
            blob_id=None,
            upload_id=None,
        )

    async def get_object(self, caller: Caller, request: Request) -> Result:
        """Consistent while the object is replaced: bytes and headers are of the same one."""
        reading.check_overrides(caller, request)
        attributes.check_served(request)
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return await self._get(self._admission.object(caller, request, "s3:GetObject"), request)
            except BytesGone:
                continue
        return await self._get(self._admission.object(caller, request, "s3:GetObject"), request)

    async def _get(self, found: Found, request: Request) -> Result:
        unmodified = _not_modified(found.stored, request)
        if unmodified is not None:
            return unmodified
        selection = self._select(found.stored, request)
        result = reading.headers(found.stored, request, selection)
        result["Body"] = (
            b"" if selection.is_empty else await self._data_plane.content(found.stored, found.data, selection.span)
        )
        return result

    async def head_object(self, caller: Caller, request: Request) -> Result:
        reading.check_overrides(caller, request)
        attributes.check_served(request)
        found = self._admission.object(caller, request, "s3:GetObject")
        unmodified = _not_modified(found.stored, request)
        if unmodified is not None:
            return unmodified
        return reading.headers(found.stored, request, self._select(found.stored, request))

    def _select(self, stored: StoredObject, request: Request) -> Selection:
        """Raises InvalidRange, InvalidPartNumber, InvalidRequest."""
        number = request.get("PartNumber")
        if number is None:
            return Selection(ranges.select(request.get("Range"), stored.size))
        if "Range" in request:
            raise errors.InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        upload_id = stored.upload_id
        if upload_id is None:
            return reading.select_whole_as_part(stored, number)
        part = self._database.read(lambda tx: store.part_at(tx, upload_id, number)) if number > 0 else None
        return reading.select_part(stored, part, number)

    async def get_object_attributes(self, caller: Caller, request: Request) -> Result:
        found = self._admission.object(caller, request, "s3:GetObjectAttributes")
        upload_id = found.stored.upload_id
        parts = []
        if upload_id is not None and "ObjectParts" in request["ObjectAttributes"]:
            parts = await self._database.scan(lambda tx: store.list_parts(tx, upload_id))
        return reading.described(found.stored, request, parts)

    async def read_object(
        self, caller: Caller, bucket: str, key: str, version_id: str = "", *, max_bytes: int
    ) -> bytes:
        """An object's bytes for a part of the platform that acts for `caller`.

        Raises what GetObject raises, and EntityTooLarge instead of reading more than `max_bytes`.
        """
        request = {"Bucket": bucket, "Key": key, **({"VersionId": version_id} if version_id else {})}
        for _ in range(READ_ATTEMPTS):
            found = self._admission.object(caller, request, "s3:GetObject")
            if found.stored.size > max_bytes:
                raise errors.EntityTooLarge(max_bytes)
            try:
                pieces = await self._data_plane.pieces(found.stored, found.data, None)
                return b"".join([piece async for piece in pieces])
            except BytesGone:
                continue
        raise errors.NoSuchKey(key)

    async def stream_object(self, caller: Caller, request: Request) -> AsyncIterator[bytes]:
        """An object's bytes, in pieces, for a part of the platform that acts for `caller`.

        Raises what GetObject raises.
        """
        for _ in range(READ_ATTEMPTS):
            found = self._admission.object(caller, request, "s3:GetObject")
            try:
                return await self._data_plane.pieces(found.stored, found.data, None)
            except BytesGone:
                continue
        raise errors.NoSuchKey(request["Key"])

    async def delete_object(self, caller: Caller, request: Request) -> Result:
        attributes.check_served(request)
        bucket = self._admission.bucket(caller, request, "s3:DeleteObject", permission="WRITE", key=request["Key"])
        naming.key_bytes(request["Key"])
        check_version(request, request["Key"])
        change = Change(caller, bucket.name, request["Key"], notifications.REMOVED_DELETE)
        conditions = (request.get("IfMatch"), request.get("IfMatchLastModifiedTime"), request.get("IfMatchSize"))
        await self._changes.delete(change, _delete_check(request["Key"], *conditions))
        return {}

    async def delete_objects(self, caller: Caller, request: Request) -> Result:
        """One transaction for all of them; each key succeeds or fails by itself."""
        attributes.check_served(request)
        bucket = self._admission.bucket_alone(request)
        asked = request["Delete"].get("Objects") or []
        if not 1 <= len(asked) <= MAX_DELETED_KEYS:
            raise MalformedXML(
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        refused = [self._refusal(caller, bucket, identifier) for identifier in asked]

        def work(tx: Transaction) -> tuple[list[ServiceError | None], list[str]]:
            outcomes, orphans = list(refused), list[str]()
            for index, identifier in enumerate(asked):
                if outcomes[index] is not None:
                    continue
                change = Change(caller, bucket.name, identifier["Key"], notifications.REMOVED_DELETE)
                try:
                    orphans += self._changes.delete_in(tx, change, _identifier_check(identifier))
                except ServiceError as error:
                    outcomes[index] = error
            return outcomes, orphans

        outcomes, orphans = await self._database.write(work)
        self._data_plane.forget(orphans)
        return _deletion_result(asked, outcomes, is_quiet=bool(request["Delete"].get("Quiet")))

    def _refusal(self, caller: Caller, bucket: Bucket, identifier: Request) -> ServiceError | None:
        """Why this key may not even be tried."""
        key = identifier["Key"]
        try:
            naming.key_bytes(key)
            check_version(identifier, key)
            wish = Wish("s3:DeleteObject", key, Acl(bucket.acl, bucket.owner, "WRITE"))
            self._admission.check(caller, bucket, wish)
        except ServiceError as error:
            return error
        return None


def _not_modified(stored: StoredObject, request: Request) -> Result | None:
    """The answer 304, if the conditions say so. Raises PreconditionFailed."""
    conditions = Conditions.of(request)
    if conditions is None:
        return None
    verdict = preconditions.check_read(conditions, etag=stored.etag, modified_ms=stored.modified_ms)
    return reading.not_modified(stored) if verdict is Verdict.NOT_MODIFIED else None


def _delete_check(
    key: str, etag: str | None, modified: float | None, size: int | None
) -> Callable[[StoredObject | None], None]:
    def check(current: StoredObject | None) -> None:
        facts = (current.etag, current.modified_ms, current.size) if current is not None else None
        preconditions.check_delete(key=key, etag=etag, modified=modified, size=size, current=facts)

    return check


def _identifier_check(identifier: Request) -> Callable[[StoredObject | None], None]:
    conditions = (identifier.get("ETag"), identifier.get("LastModifiedTime"), identifier.get("Size"))
    return _delete_check(identifier["Key"], *conditions)


def _deletion_result(asked: list[Request], outcomes: list[ServiceError | None], *, is_quiet: bool) -> Result:
    result: Result = {}
    failed = [
        {
            "Key": identifier["Key"],
            "Code": error.code,
            "Message": error.message,
            **({"VersionId": identifier["VersionId"]} if "VersionId" in identifier else {}),
        }
        for identifier, error in zip(asked, outcomes, strict=True)
        if error is not None
    ]
    if failed:
        result["Errors"] = failed
    if not is_quiet:
        result["Deleted"] = [
            {"Key": identifier["Key"], **({"VersionId": NULL_VERSION} if "VersionId" in identifier else {})}
            for identifier, error in zip(asked, outcomes, strict=True)
            if error is None
        ]
    return result
