"""Multipart uploads: create, upload parts (from bodies or other objects), complete, abort, list.

Every part is a file of its own from the beginning. Completing an upload writes one object row and gives the parts their
offsets; no byte is copied, whatever the size.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.s3 import (
    attributes,
    checksums,
    copying,
    errors,
    listing,
    naming,
    notifications,
    preconditions,
    ranges,
    reading,
    store,
    uploads,
)
from lambent.services.s3.admission import Admission, Found
from lambent.services.s3.changes import Change, Changes
from lambent.services.s3.copy_operations import CopyOperations
from lambent.services.s3.data_plane import DataPlane, Expected, Received
from lambent.services.s3.object_operations import ObjectOperations
from lambent.services.s3.records import NULL_VERSION, Part, StoredObject, Upload
from lambent.services.s3.uploads import UploadPage
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

Request = dict[str, Any]
Result = dict[str, Any]

#: Uploads read at once while a page is filled.
_BATCH = 1000
#: Behind every upload id of a key.
_LAST_ID = "\x7f"


class UploadOperations:
    def __init__(
        self,
        database: Database,
        admission: Admission,
        data_plane: DataPlane,
        changes: Changes,
        objects: ObjectOperations,
        copies: CopyOperations,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._admission = admission
        self._data_plane = data_plane
        self._changes = changes
        self._objects = objects
        self._copies = copies
        self._clock = clock
        self._ids = ids

    async def create_multipart_upload(self, caller: Caller, request: Request) -> Result:
        attributes.check_served(request)
        bucket = self._admission.bucket(caller, request, "s3:PutObject", permission="WRITE", key=request["Key"])
        named, wanted_type = request.get("ChecksumAlgorithm"), request.get("ChecksumType")
        if wanted_type is not None and named is None:
            raise errors.InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        algorithm = checksums.by_name(named or checksums.DEFAULT_ALGORITHM)
        draft = self._objects.draft(caller, bucket, request)
        now_ms = self._clock.now_ms()
        upload = Upload(
            key=draft.key,
            # Ids of one key sort by age, as ListMultipartUploads wants them.
            upload_id=f"{now_ms:012x}{self._ids.uuid().replace('-', '')}",
            initiated_ms=now_ms,
            storage_class=draft.storage_class,
            owner=draft.owner,
            checksum_algorithm=algorithm.name,
            checksum_type=checksums.choose_type(algorithm, wanted_type),
            acl=draft.acl,
            tags=draft.tags,
            attributes=draft.attributes,
        )

        def work(tx: Transaction) -> None:
            if store.find_bucket(tx, bucket.name) is None:
                raise errors.NoSuchBucket(bucket.name)
            store.insert_upload(tx, bucket.name, upload)

        await self._database.write(work)
        result: Result = {"Bucket": bucket.name, "Key": request["Key"], "UploadId": upload.upload_id}
        if named is not None:
            result |= {"ChecksumAlgorithm": upload.checksum_algorithm, "ChecksumType": upload.checksum_type}
        return result

    async def upload_part(self, caller: Caller, request: Request) -> Result:
        attributes.check_served(request)
        upload = self._upload(caller, request)
        uploads.check_part_number(request["PartNumber"])
        said = checksums.announced(request)
        uploads.check_algorithm(upload, said.algorithm)
        md5 = checksums.decode_md5(request.get("ContentMD5"))
        expected = Expected(said, md5, keep_algorithm=upload.checksum_algorithm)
        received = await self._data_plane.receive(request["Body"], expected, always_file=True)
        part = await self._keep(request, received)
        result = {"ETag": f'"{part.etag}"'}
        if said.algorithm is not None and said.value:
            result[said.algorithm.member] = said.value
        else:
            result[f"Checksum{received.algorithm}"] = received.checksum
        return result

    async def upload_part_copy(self, caller: Caller, request: Request) -> Result:
        attributes.check_served(request)
        upload = self._upload(caller, request)
        uploads.check_part_number(request["PartNumber"])
        source = copying.parse_source(request["CopySource"])

        async def duplicate(found: Found) -> Received:
            header = request.get("CopySourceRange")
            span = ranges.select_copy(header, found.stored.size) if header else None
            copying.check_size(found.stored.size if span is None else span.length)
            return await self._data_plane.duplicate(
                found.stored, found.data, upload.checksum_algorithm, span=span, always_file=True
            )

        received = await self._copies.with_source(caller, source, request, duplicate)
        part = await self._keep(request, received)
        return {
            "CopyPartResult": {
                "ETag": f'"{part.etag}"',
                "LastModified": part.modified_ms / 1000,
                f"Checksum{received.algorithm}": received.checksum,
            }
        }

    async def _keep(self, request: Request, received: Received) -> Part:
        """Make a received part one of the upload. Raises NoSuchUpload if it ended meanwhile."""
        assert received.blob_id is not None
        part = Part(
            part_number=request["PartNumber"],
            size=received.size,
            etag=received.etag,
            modified_ms=self._clock.now_ms(),
            checksum=received.checksum,
            blob_id=received.blob_id,
        )

        def work(tx: Transaction) -> list[str]:
            _find(tx, request)
            return store.put_part(tx, request["UploadId"], part)

        try:
            self._data_plane.forget(await self._database.write(work))
        except (ServiceError, StorageError):
            self._data_plane.discard(received)
            raise
        return part

    async def complete_multipart_upload(self, caller: Caller, request: Request) -> Result:
        preconditions.check_write_headers(request)
        bucket = self._admission.bucket(caller, request, "s3:PutObject", permission="WRITE", key=request["Key"])
        change = Change(caller, bucket.name, request["Key"], notifications.CREATED_COMPLETE_UPLOAD)

        def work(tx: Transaction) -> tuple[StoredObject, list[str]]:
            return self._complete_in(tx, change, request)

        stored, orphans = await self._database.write(work)
        self._data_plane.forget(orphans)
        return {
            "Location": f"{caller.endpoint}/{bucket.name}/{listing.encode(request['Key'])}",
            "Bucket": bucket.name,
            "Key": request["Key"],
            "ETag": f'"{stored.etag}"',
            **reading.checksum_members(stored),
        }

    def _complete_in(self, tx: Transaction, change: Change, request: Request) -> tuple[StoredObject, list[str]]:
        """(the object, orphaned blob ids). A client that repeats a completed request gets the same answer."""
        bucket, key, upload_id = change.bucket, change.key_bytes, request["UploadId"]
        upload = store.find_upload(tx, bucket, key, upload_id)
        if upload is None:
            current = store.find_object(tx, bucket, key)
            if current is None or current.upload_id != upload_id:
                raise errors.NoSuchUpload(upload_id)
            return current, []
        wanted = (request.get("MultipartUpload") or {}).get("Parts") or []
        assembly = uploads.assemble(upload, wanted, store.list_parts(tx, upload_id))
        uploads.check_whole(upload, assembly, request)
        finished = StoredObject(
            key=key,
            version_id=NULL_VERSION,
            size=assembly.size,
            etag=assembly.etag,
            modified_ms=0,
            storage_class=upload.storage_class,
            owner=upload.owner,
            checksum_algorithm=upload.checksum_algorithm,
            checksum_type=upload.checksum_type,
            checksum=assembly.checksum,
            acl=upload.acl,
            tags=upload.tags,
            attributes=upload.attributes,
            parts=len(assembly.parts),
            small_blob_id=None,
            blob_id=None,
            upload_id=upload_id,
        )
        stored, orphans = self._changes.put_in(tx, change, finished, data=None, conditions=request)
        orphans += store.keep_parts(tx, upload_id, assembly.parts)
        store.delete_upload(tx, bucket, key, upload_id)
        return stored, orphans

    async def abort_multipart_upload(self, caller: Caller, request: Request) -> Result:
        self._admission.bucket(caller, request, "s3:AbortMultipartUpload", permission="WRITE", key=request["Key"])

        def work(tx: Transaction) -> list[str]:
            upload = _find(tx, request)
            store.delete_upload(tx, request["Bucket"], upload.key, upload.upload_id)
            return store.delete_parts(tx, upload.upload_id)

        self._data_plane.forget(await self._database.write(work))
        return {}

    async def list_parts(self, caller: Caller, request: Request) -> Result:
        self._admission.bucket(caller, request, "s3:ListMultipartUploadParts", key=request["Key"])
        limit = listing.parse_limit(request.get("MaxParts"), name="max-parts")
        marker = request.get("PartNumberMarker", 0)
        upload_id = request["UploadId"]

        def work(tx: Transaction) -> tuple[Upload, list[Part]]:
            return _find(tx, request), store.list_parts(tx, upload_id, after=marker, limit=limit + 1)

        upload, found = await self._database.scan(work)
        page = found[:limit]
        owner = {"ID": naming.canonical_user_id(upload.owner)}
        return {
            "Bucket": request["Bucket"],
            "Key": request["Key"],
            "UploadId": upload_id,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": page[-1].part_number if page else 0,
            "MaxParts": limit,
            "IsTruncated": len(found) > limit,
            "Parts": [_shown_part(upload, part) for part in page],
            "Initiator": owner,
            "Owner": owner,
            "StorageClass": upload.storage_class,
            "ChecksumAlgorithm": upload.checksum_algorithm,
            "ChecksumType": upload.checksum_type,
        }

    async def list_multipart_uploads(self, caller: Caller, request: Request) -> Result:
        self._admission.bucket(caller, request, "s3:ListBucketMultipartUploads", permission="READ")
        limit = listing.parse_limit(request.get("MaxUploads"), name="max-uploads")
        encoding = listing.check_encoding(request.get("EncodingType"))
        prefix, delimiter = request.get("Prefix", ""), request.get("Delimiter", "")
        key_marker = request.get("KeyMarker", "")
        # Without a key marker the id marker means nothing (ListMultipartUploads in the API reference).
        id_marker = request.get("UploadIdMarker", "") if key_marker else ""
        start = max((prefix.encode(), ""), (key_marker.encode(), id_marker or _LAST_ID if key_marker else ""))
        group = listing.group_of(key_marker.encode(), prefix.encode(), delimiter.encode())
        if group is not None and key_marker.startswith(prefix):
            start = (listing.behind_prefix(group), "")

        def work(tx: Transaction) -> UploadPage:
            found = _uploads_behind(tx, request["Bucket"], start, listing.behind_prefix(prefix.encode()))
            return uploads.collect(found, prefix=prefix.encode(), delimiter=delimiter.encode(), limit=limit)

        page = await self._database.scan(work)
        return _shown_uploads(request, page, limit=limit, encoding=encoding)

    def _upload(self, caller: Caller, request: Request) -> Upload:
        """Raises NoSuchBucket, AccessDenied, NoSuchUpload."""
        self._admission.bucket(caller, request, "s3:PutObject", permission="WRITE", key=request["Key"])
        return self._database.read(lambda tx: _find(tx, request))


def _find(tx: Transaction, request: Request) -> Upload:
    upload = store.find_upload(tx, request["Bucket"], naming.key_bytes(request["Key"]), request["UploadId"])
    if upload is None:
        raise errors.NoSuchUpload(request["UploadId"])
    return upload


def _uploads_behind(tx: Transaction, bucket: str, start: tuple[bytes, str], end: bytes) -> Iterator[Upload]:
    for _ in itertools.count():
        batch = store.list_uploads(tx, bucket, start=start, end=end, limit=_BATCH)
        yield from batch
        if len(batch) < _BATCH:
            return
        start = (batch[-1].key, batch[-1].upload_id)


def _shown_part(upload: Upload, part: Part) -> Result:
    return {
        "PartNumber": part.part_number,
        "LastModified": part.modified_ms / 1000,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        f"Checksum{upload.checksum_algorithm}": part.checksum,
    }


def _shown_uploads(request: Request, page: UploadPage, *, limit: int, encoding: str | None) -> Result:
    def shown(text: str) -> str:
        return listing.encode(text) if encoding else text

    result: Result = {
        "Bucket": request["Bucket"],
        "KeyMarker": shown(request.get("KeyMarker", "")),
        "UploadIdMarker": request.get("UploadIdMarker", ""),
        "Prefix": shown(request.get("Prefix", "")),
        "MaxUploads": limit,
        "IsTruncated": page.is_truncated,
        "Uploads": [_shown_upload(upload, shown(upload.key.decode())) for upload in page.uploads],
    }
    if page.is_truncated:
        result |= {"NextKeyMarker": shown(page.last[0].decode()), "NextUploadIdMarker": page.last[1]}
    if request.get("Delimiter"):
        result["Delimiter"] = shown(request["Delimiter"])
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": shown(group.decode())} for group in page.prefixes]
    if encoding:
        result["EncodingType"] = encoding
    return result


def _shown_upload(upload: Upload, key: str) -> Result:
    owner = {"ID": naming.canonical_user_id(upload.owner)}
    return {
        "UploadId": upload.upload_id,
        "Key": key,
        "Initiated": upload.initiated_ms / 1000,
        "StorageClass": upload.storage_class,
        "Owner": owner,
        "Initiator": owner,
        "ChecksumAlgorithm": upload.checksum_algorithm,
        "ChecksumType": upload.checksum_type,
    }
