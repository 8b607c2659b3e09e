"""Deployment packages: what a zip may contain, decided from its directory before anything is written.

The members become a plan of directories, files and symbolic links, each with a path that stays inside the package.
`package_files` carries the plan out. Limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""

import stat
import zipfile
from collections.abc import Iterable

from lambent.kit.frozen import frozen
from lambent.services.lambda_.errors import InvalidParameterValue, RequestTooLarge

MAX_UPLOAD_BYTES = 50 * 1024 * 1024

#: AWS's figure for the base64 text of such an upload, as its message gives it.
MAX_UPLOAD_REQUEST_BYTES = 70_167_211

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024

#: What a zip without the zip64 extension can hold; also keeps a package from using up the file system's inodes.
MAX_MEMBERS = 65_535

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255

#: The target of a symbolic link is read into memory while planning.
MAX_LINK_TARGET_BYTES = 1024

_ENCRYPTED = 1
_COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

_CORRUPT = "Could not unzip uploaded file. Please check your file, then try to upload again."


@frozen
class PlannedFile:
    path: tuple[str, ...]
    """Components below the package's root."""
    member: zipfile.ZipInfo
    mode: int


@frozen
class PlannedLink:
    path: tuple[str, ...]
    target: str


@frozen
class Plan:
    """What to write. Links come after all files, so that nothing is ever written through one."""

    directories: list[tuple[str, ...]]
    """Parents before children."""
    files: list[PlannedFile]
    links: list[PlannedLink]


def corrupt(detail: str = "") -> InvalidParameterValue:
    """AWS's answer to whatever is not a usable zip, with the reason where we know it."""
    return InvalidParameterValue(f"{_CORRUPT} ({detail})" if detail else _CORRUPT)


def too_large_unzipped() -> InvalidParameterValue:
    return InvalidParameterValue(f"Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes")


def check_upload_size(size: int, operation: str) -> None:
    """A package sent in the request itself. Raises RequestTooLarge."""
    if size > MAX_UPLOAD_BYTES:
        raise RequestTooLarge(
            f"Request must be smaller than {MAX_UPLOAD_REQUEST_BYTES} bytes for the {operation} operation"
        )


def plan_package(archive: zipfile.ZipFile) -> Plan:
    """Raises InvalidParameterValue. Reads from the archive only its directory and the targets of links."""
    members = archive.infolist()
    _check_sizes(members)
    directories: set[tuple[str, ...]] = set()
    files: dict[tuple[str, ...], PlannedFile] = {}
    links: dict[tuple[str, ...], PlannedLink] = {}
    for member in members:
        path = _safe_path(member.filename)
        if member.is_dir():
            directories.add(path)
        elif stat.S_ISLNK(member.external_attr >> 16):
            links[path] = PlannedLink(path, _link_target(archive, member, path))
        else:
            files[path] = PlannedFile(path, member, _mode(member))
    leaves = files.keys() | links.keys()
    for path in [*leaves, *directories]:
        directories.update(path[:depth] for depth in range(1, len(path)))
    if len(leaves) != len(files) + len(links) or leaves & directories:
        raise corrupt("the same path is both a file and a directory or link")
    directories.discard(())
    return Plan(sorted(directories), list(files.values()), list(links.values()))


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise InvalidParameterValue("Uploaded file must be a non-empty zip")
    if len(members) > MAX_MEMBERS:
        raise corrupt(f"it has more than {MAX_MEMBERS} members")
    if sum(member.file_size for member in members) > MAX_UNZIPPED_BYTES:
        raise too_large_unzipped()
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise corrupt("it is encrypted")
    if any(member.compress_type not in _COMPRESSIONS for member in members):
        raise corrupt("it is compressed with something other than deflate")


def _safe_path(name: str) -> tuple[str, ...]:
    """Components without "." and empty ones. Raises on whatever would leave the package (zip slip)."""
    if name.startswith("/") or "\0" in name or len(name.encode(errors="surrogateescape")) > MAX_PATH_BYTES:
        raise corrupt(f"member {name[:80]!r} has an unusable path")
    path = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in path:
        raise corrupt(f"member {name[:80]!r} leads outside of the package")
    if any(len(part.encode(errors="surrogateescape")) > MAX_NAME_BYTES for part in path):
        raise corrupt(f"member {name[:80]!r} has too long a name")
    return path


def _mode(member: zipfile.ZipInfo) -> int:
    """Readable by the sandbox's user whatever the zip says; executable if anybody might execute it."""
    return 0o755 if (member.external_attr >> 16) & 0o111 else 0o644


def _link_target(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: tuple[str, ...]) -> str:
    """A relative target that stays inside: `..` only in front, and not more of them than the link is deep.

    `..` behind a name is refused because that name may itself be a link, and then leads somewhere else.
    """
    if member.file_size > MAX_LINK_TARGET_BYTES:
        raise corrupt(f"the target of link {member.filename[:80]!r} is too long")
    target = archive.read(member).decode(errors="surrogateescape")
    parts = [part for part in target.split("/") if part not in {"", "."}]
    climbs = _leading(parts)
    if target.startswith("/") or "\0" in target or climbs >= len(path) or ".." in parts[climbs:]:
        raise corrupt(f"link {member.filename[:80]!r} leads outside of the package")
    return target


def _leading(parts: Iterable[str]) -> int:
    """How many `..` come first."""
    count = 0
    for part in parts:
        if part != "..":
            break
        count += 1
    return count
