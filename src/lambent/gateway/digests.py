"""Digests that S3's clients send along with a document (tags, policies, keys to delete), checked before it is believed.

Objects are checked by the operations that store them, while they stream. `x-amz-checksum-*` speaks of the body only
beside `x-amz-sdk-checksum-algorithm`: CompleteMultipartUpload uses the same headers for the object it makes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import hashlib
from collections.abc import Mapping

from lambent.services.s3 import checksums
from lambent.services.s3.checksums import Announced


def check_document(content: bytes, headers: Mapping[str, str]) -> None:
    """Raises BadDigest, InvalidDigest, InvalidRequest."""
    given = headers.get("content-md5")
    if given is not None:
        computed = hashlib.md5(content, usedforsecurity=False).digest()
        checksums.verify_md5(checksums.decode_md5(given), computed)
    name = headers.get("x-amz-sdk-checksum-algorithm")
    if name is not None:
        _check_checksum(content, headers, name)


def _check_checksum(content: bytes, headers: Mapping[str, str], name: str) -> None:
    algorithm = checksums.by_name(name)
    value = headers.get(algorithm.header)
    if value is None:
        return  # it came in a trailer, or only the choice was sent
    checksums.check_value(algorithm, value)
    digest = algorithm.start()
    digest.update(content)
    checksums.verify(Announced(algorithm, value), digest.digest())
