"""All small sources in one object, so that a cold start reads one object and not a thousand.             (pure)

A pack is believed only file by file: each carries the ETag it had, and one whose ETag is not the listed one is fetched
by itself. So a pack may be old, and needs no commit; it is written anew when too much has changed since. A pack that is
damaged, or of another version, is no pack at all.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from sitebuilder.sources import Source

#: And the length of the digest that follows it.
MAGIC, DIGEST_BYTES = b"sitepack-1\n", 32
MAX_FILE_BYTES = 256 << 10
MAX_PACK_BYTES = 64 << 20
#: Fewer files than this are fetched one by one.
WORTH_A_PACK = 8
#: Renewed when so many files, or this share of them, are not in it as they are now.
STALE_FILES, STALE_SHARE = 16, 0.02
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Packed:
    etag: str
    content: bytes


def packable(wanted: Mapping[str, Source]) -> list[str]:
    """The keys that belong into a pack: the smallest first, as far as there is room."""
    chosen, room = [], MAX_PACK_BYTES
    for key in sorted(wanted, key=lambda key: (wanted[key].size, key)):
        room -= wanted[key].size
        if wanted[key].size > MAX_FILE_BYTES or room < 0:
            break
        chosen.append(key)
    return chosen


def is_stale(packed: Mapping[str, str] | None, wanted: Mapping[str, Source]) -> bool:
    """`packed` is key to ETag; None: nobody knows."""
    keys = packable(wanted)
    if packed is None:
        return len(keys) >= WORTH_A_PACK
    differing = sum(packed.get(key) != wanted[key].etag for key in keys)
    return differing > max(STALE_FILES, STALE_SHARE * len(keys))


def encode(files: Mapping[str, Packed]) -> bytes:
    index = json.dumps([[key, file.etag, len(file.content)] for key, file in files.items()]).encode()
    body = zlib.compress(b"".join([index, b"\n", *(file.content for file in files.values())]), _LEVEL)
    return MAGIC + hashlib.sha256(body).digest() + body


def decode(pack: bytes) -> dict[str, Packed]:
    begin = len(MAGIC) + DIGEST_BYTES
    digest, body = pack[len(MAGIC) : begin], pack[begin:]
    if not pack.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        return {}
    index, _, contents = zlib.decompress(body).partition(b"\n")
    files, at = {}, 0
    for key, etag, size in json.loads(index):
        files[key] = Packed(etag, contents[at : at + size])
        at += size
    return files
