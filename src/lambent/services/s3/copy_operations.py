"""CopyObject: a new object from another one's bytes, without moving them where that can be helped."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from lambent.services.caller import Caller
from lambent.services.s3 import attributes, checksums, copying, errors, notifications, preconditions, reading
from lambent.services.s3.admission import Admission, Found, check_expected_owner
from lambent.services.s3.changes import Change, Changes
from lambent.services.s3.copying import CopySource
from lambent.services.s3.data_plane import BytesGone, DataPlane, Received
from lambent.services.s3.object_operations import READ_ATTEMPTS, ObjectOperations
from lambent.services.s3.preconditions import Conditions
from lambent.services.s3.records import FULL_OBJECT
from lambent.storage.errors import StorageError
from lambent.wire.errors import ServiceError

T = TypeVar("T")

Request = dict[str, Any]
Result = dict[str, Any]


class CopyOperations:
    def __init__(
        self, admission: Admission, data_plane: DataPlane, changes: Changes, objects: ObjectOperations
    ) -> None:
        self._admission = admission
        self._data_plane = data_plane
        self._changes = changes
        self._objects = objects

    async def copy_object(self, caller: Caller, request: Request) -> Result:
        attributes.check_served(request)
        preconditions.check_write_headers(request)
        source = copying.parse_source(request["CopySource"])
        copying.check_not_onto_itself(source, request)
        bucket = self._admission.bucket(caller, request, "s3:PutObject", permission="WRITE", key=request["Key"])

        async def duplicate(found: Found) -> tuple[Found, Received]:
            copying.check_size(found.stored.size)
            named = request.get("ChecksumAlgorithm")
            algorithm = checksums.by_name(named).name if named else found.stored.checksum_algorithm
            received = await self._data_plane.duplicate(
                found.stored, found.data, algorithm, span=None, always_file=False
            )
            return found, received

        draft = self._objects.draft(caller, bucket, request)
        found, received = await self.with_source(caller, source, request, duplicate)
        draft = draft._replace(
            size=received.size,
            etag=received.etag,
            checksum_algorithm=received.algorithm,
            checksum=received.checksum,
            checksum_type=FULL_OBJECT,
            blob_id=received.blob_id,
        )
        change = Change(caller, bucket.name, request["Key"], notifications.CREATED_COPY)
        try:
            draft = draft._replace(
                attributes=copying.attributes_of_copy(found.stored, request),
                tags=copying.tags_of_copy(found.stored, request),
            )
            stored = await self._changes.put(change, draft, data=received.data, conditions=request)
        except (ServiceError, StorageError):
            self._data_plane.discard(received)
            raise
        return {
            "CopyObjectResult": {
                "ETag": f'"{stored.etag}"',
                "LastModified": stored.modified_ms / 1000,
                **reading.checksum_members(stored),
            }
        }

    async def with_source(
        self, caller: Caller, source: CopySource, request: Request, work: Callable[[Found], Awaitable[T]]
    ) -> T:
        """`work` on the source, again if it is replaced meanwhile. Raises what GetObject and the conditions raise."""
        for _ in range(READ_ATTEMPTS):
            found = self._admission.object(caller, source.as_request(), "s3:GetObject")
            check_expected_owner(found.bucket, request, "ExpectedSourceBucketOwner")
            conditions = Conditions.of(request, "CopySource")
            if conditions is not None:
                stored = found.stored
                preconditions.check_copy_source(conditions, etag=stored.etag, modified_ms=stored.modified_ms)
            try:
                return await work(found)
            except BytesGone:
                continue
        raise errors.NoSuchKey(source.key)
