import pytest

from lambent.gateway.hosts import HostKind, read_host

CASES = {
    "": (HostKind.PLATFORM, ""),
    "localhost": (HostKind.PLATFORM, ""),
    "LocalHost:4566": (HostKind.PLATFORM, ""),
    "localhost.": (HostKind.PLATFORM, ""),
    "127.0.0.1:4566": (HostKind.PLATFORM, ""),
    "[::1]:4566": (HostKind.PLATFORM, ""),
    "[::1]": (HostKind.PLATFORM, ""),
    "s3.localhost:4566": (HostKind.PLATFORM, ""),
    "s3.eu-west-1.localhost": (HostKind.PLATFORM, ""),
    "s3.amazonaws.com": (HostKind.PLATFORM, ""),
    "s3-eu-west-1.amazonaws.com": (HostKind.PLATFORM, ""),
    "photos.localhost:4566": (HostKind.BUCKET, "photos"),
    "my.photos.localhost": (HostKind.BUCKET, "my.photos"),
    "photos.s3.localhost:4566": (HostKind.BUCKET, "photos"),
    "my.photos.s3.localhost": (HostKind.BUCKET, "my.photos"),
    "photos.s3.eu-west-1.localhost": (HostKind.BUCKET, "photos"),
    "photos.s3.eu-west-1.amazonaws.com": (HostKind.BUCKET, "photos"),
    "photos.s3.dualstack.eu-west-1.amazonaws.com": (HostKind.BUCKET, "photos"),
    "photos.s3-eu-west-1.amazonaws.com": (HostKind.BUCKET, "photos"),
    "s3.s3.localhost": (HostKind.BUCKET, "s3"),
    "s3.photos.s3.localhost": (HostKind.BUCKET, "s3.photos"),
    "photos.s3.platform.example": (HostKind.BUCKET, "photos"),
    "photos.s3-website.localhost:4566": (HostKind.WEBSITE, "photos"),
    "www.photos.s3-website.eu-west-1.localhost": (HostKind.WEBSITE, "www.photos"),
    "photos.s3-website-eu-west-1.localhost": (HostKind.WEBSITE, "photos"),
    "photos.s3-website-eu-west-1.amazonaws.com": (HostKind.WEBSITE, "photos"),
    "www.example.com:4566": (HostKind.OTHER, "www.example.com"),
    "platform": (HostKind.OTHER, "platform"),
    "s3": (HostKind.OTHER, "s3"),
    "a/b.s3.localhost": (HostKind.OTHER, ""),
    "a%2fb.localhost": (HostKind.OTHER, ""),
    "ä.localhost": (HostKind.OTHER, ""),
    "999.999.999.999": (HostKind.OTHER, "999.999.999.999"),
}


@pytest.mark.parametrize("header", CASES)
def test_a_host_says_what_is_addressed(header: str) -> None:
    host = read_host(header)
    assert (host.kind, host.name) == CASES[header]
