"""POSTs over HTTP and HTTPS, with a library's connections, TLS and parsing. Synchronous; `http_posts` has the threads.

An endpoint may be anywhere this machine reaches, but for link-local addresses: clouds have their metadata there, which
hand out credentials. That is looked at when a connection is made, so no name and no redirection of one leads there.

Whoever answers for an https URL is believed if an authority that this machine trusts vouches for its name: those of the
system, or of SSL_CERT_FILE and SSL_CERT_DIR, which OpenSSL reads. They are read once: that takes 45 ms.

Loaded when the first message goes to a URL, not before: the library takes 100 ms that no start should wait for.
"""

import functools
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationValueError

#: Of one attempt, as AWS has it for HTTP endpoints.
TIMEOUT_SECONDS = 15.0

#: Hosts and connections a host that are kept open.
_HOSTS = 64
_CONNECTIONS = 16

#: Amazon's metadata service over IPv6 has an address of its own, a unique local one.
_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254")})

#: Of an answer that is read so that its connection can be used again; nobody looks at it.
_MAX_ANSWER_BYTES = 65_536


class Unreachable(Exception):
    """No answer; the message says why. `is_final`: the URL is none."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class ForbiddenAddress(Exception):
    """An endpoint's name leads to where messages must not go."""


class HttpClient:
    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            num_pools=_HOSTS, maxsize=_CONNECTIONS, retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS)
        )
        self._pool.pool_classes_by_scheme = {"http": _HttpPool, "https": self._https_pool}  # type: ignore[dict-item]  # made in the same way

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer. Follows no redirects. Raises Unreachable."""
        try:
            parsed = urllib3.util.parse_url(url)
            credentials = urllib3.make_headers(basic_auth=parsed.auth) if parsed.auth else {}
            response = self._pool.request(
                "POST",
                parsed._replace(auth=None).url,
                body=body,
                headers={**headers, **credentials},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (LocationValueError, ForbiddenAddress) as error:
            raise Unreachable(str(error), is_final=True) from error
        except HTTPError as error:
            raise Unreachable(str(error)) from error
        _finish(response)
        return response.status

    def _https_pool(self, host: str, port: int, **options: Any) -> "_HttpsPool":
        return _HttpsPool(host, port, ssl_context=self._trust, **options)

    @functools.cached_property
    def _trust(self) -> ssl.SSLContext:
        """Certificates and names are checked: the context is urllib3's, which insists on it."""
        context = urllib3.util.ssl_.create_urllib3_context()
        context.load_default_certs()
        return context


class _HttpConnection(HTTPConnection):
    def _new_conn(self) -> Any:
        return _checked(super()._new_conn())


class _HttpsConnection(HTTPSConnection):
    def _new_conn(self) -> Any:
        return _checked(super()._new_conn())


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def _checked(connected: Any) -> Any:
    """A socket, before anything is sent. Raises ForbiddenAddress."""
    peer = connected.getpeername()[0]
    if is_forbidden(peer):
        connected.close()
        raise ForbiddenAddress(f"{peer} is a link-local address: no messages are sent there")
    return connected


def is_forbidden(peer: str) -> bool:
    """`peer` as a connected socket has it: `169.254.169.254`, `fe80::1%eth0`, `::ffff:169.254.169.254`."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_link_local or address in _METADATA


def _finish(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back if the answer is short; what goes wrong now changes nothing any more."""
    try:
        if len(response.read(_MAX_ANSWER_BYTES + 1)) <= _MAX_ANSWER_BYTES:
            response.release_conn()
            return
    except HTTPError:
        pass
    response.close()
