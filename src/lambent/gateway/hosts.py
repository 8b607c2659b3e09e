"""What does a Host header say: the platform itself, a bucket, or a bucket's website?

    localhost, 127.0.0.1, [::1], s3.localhost, s3.eu-west-1.amazonaws.com   the platform (path style)
    photos.s3.localhost, photos.localhost, photos.s3.eu-west-1.localhost     the bucket `photos`
    photos.s3.amazonaws.com, photos.s3-eu-west-1.amazonaws.com               the same
    photos.s3-website.localhost, photos.s3-website-eu-west-1.localhost       the website of `photos`
    www.example.com                                                          whatever it is; perhaps a bucket's website

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
"""

import ipaddress
from enum import Enum

from lambent.kit.frozen import frozen


class HostKind(Enum):
    #: The platform: the path says the rest.
    PLATFORM = "platform"
    #: Requests to a bucket's own host; `name` is the bucket.
    BUCKET = "bucket"
    #: `name` is the bucket whose website is asked for.
    WEBSITE = "website"
    #: A name that is nothing of ours; a website's if there is a bucket of that name.
    OTHER = "other"


@frozen
class HostName:
    kind: HostKind
    name: str = ""


_PLATFORM = HostName(HostKind.PLATFORM)
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_:")


def read_host(header: str) -> HostName:
    host = _without_port(header.strip().lower())
    labels = host.rstrip(".").split(".")
    if not _HOST_CHARACTERS.issuperset(host):
        return HostName(HostKind.OTHER)
    if labels in ([""], ["localhost"]) or _is_address(host):
        return _PLATFORM
    for at in range(len(labels) - 2, -1, -1):
        kind = _service_label(labels[at])
        if kind is not None:
            bucket = ".".join(labels[:at])
            return HostName(kind, bucket) if bucket else _PLATFORM
    if labels[-1] == "localhost":
        return HostName(HostKind.BUCKET, ".".join(labels[:-1]))
    return HostName(HostKind.OTHER, ".".join(labels))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdecimal() else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _service_label(label: str) -> HostKind | None:
    """`s3`, `s3-eu-west-1` (older regions), `s3-website`, `s3-website-eu-west-1`."""
    if label == "s3-website" or label.startswith("s3-website-"):
        return HostKind.WEBSITE
    if label == "s3" or (label.startswith("s3-") and label.count("-") == 3 and label[-1].isdecimal()):
        return HostKind.BUCKET
    return None
