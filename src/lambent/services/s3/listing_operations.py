"""ListObjects, in both its versions."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.s3 import listing, naming, store
from lambent.services.s3.admission import Admission
from lambent.services.s3.listing import Page, Span
from lambent.services.s3.records import Listed
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class ListingOperations:
    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    async def list_objects(self, caller: Caller, request: Request) -> Result:
        self._admit(caller, request)
        limit = listing.parse_limit(request.get("MaxKeys"))
        encoding = listing.check_encoding(request.get("EncodingType"))
        marker = request.get("Marker", "")
        page = await self._collect(request, after=marker.encode(), limit=limit)
        result = _shared(request, page, limit=limit, encoding=encoding, with_owner=True)
        result["Marker"] = _shown(marker, encoding)
        if page.is_truncated and request.get("Delimiter"):
            result["NextMarker"] = _shown(page.last.decode(), encoding)
        return result

    async def list_objects_v2(self, caller: Caller, request: Request) -> Result:
        self._admit(caller, request)
        limit = listing.parse_limit(request.get("MaxKeys"))
        encoding = listing.check_encoding(request.get("EncodingType"))
        token, start_after = request.get("ContinuationToken"), request.get("StartAfter")
        after = listing.after_token(token) if token is not None else (start_after or "").encode()
        page = await self._collect(request, after=after, limit=limit)
        result = _shared(request, page, limit=limit, encoding=encoding, with_owner=bool(request.get("FetchOwner")))
        result["KeyCount"] = page.count
        if token is not None:
            result["ContinuationToken"] = token
        if start_after is not None:
            result["StartAfter"] = _shown(start_after, encoding)
        if page.is_truncated:
            result["NextContinuationToken"] = listing.token_of(page.last)
        return result

    def _admit(self, caller: Caller, request: Request) -> None:
        context = {
            "s3:prefix": request.get("Prefix", ""),
            "s3:delimiter": request.get("Delimiter", ""),
            "s3:max-keys": str(request.get("MaxKeys", listing.MAX_KEYS)),
        }
        self._admission.bucket(caller, request, "s3:ListBucket", permission="READ", context=context)

    async def _collect(self, request: Request, *, after: bytes, limit: int) -> Page:
        bucket = request["Bucket"]
        span = Span(request.get("Prefix", "").encode(), request.get("Delimiter", "").encode(), after, limit)

        def work(tx: Transaction) -> Page:
            def fetch(start: bytes, end: bytes, rows: int) -> list[Listed]:
                return store.list_objects(tx, bucket, start=start, end=end, limit=rows)

            return listing.collect(span, fetch)

        # Without a delimiter the limit bounds the rows, and reading 1,000 on the loop takes 2 ms; a thread has to ask
        # for the interpreter at every row, waits for it behind other requests, and takes three times as long.
        return await self._database.scan(work) if span.delimiter else self._database.read(work)


def _shared(request: Request, page: Page, *, limit: int, encoding: str | None, with_owner: bool) -> Result:
    """What both versions answer."""
    prefix, delimiter = request.get("Prefix", ""), request.get("Delimiter")
    result: Result = {
        "Name": request["Bucket"],
        "Prefix": _shown(prefix, encoding),
        "MaxKeys": limit,
        "IsTruncated": page.is_truncated,
        "Contents": [_listed(row, encoding, with_owner=with_owner) for row in page.contents],
    }
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": _shown(group.decode(), encoding)} for group in page.prefixes]
    if delimiter:
        result["Delimiter"] = _shown(delimiter, encoding)
    if encoding:
        result["EncodingType"] = encoding
    return result


def _listed(row: Listed, encoding: str | None, *, with_owner: bool) -> Result:
    key = row.key.decode()
    shown: Result = {
        "Key": listing.encode(key) if encoding else key,
        "LastModified": row.modified_ms // 1000,
        "ETag": f'"{row.etag}"',
        "ChecksumAlgorithm": [row.checksum_algorithm],
        "ChecksumType": row.checksum_type,
        "Size": row.size,
        "StorageClass": row.storage_class,
    }
    if with_owner:
        shown["Owner"] = {"ID": naming.canonical_user_id(row.owner)}
    return shown


def _shown(text: str, encoding: str | None) -> str:
    return listing.encode(text) if encoding else text
