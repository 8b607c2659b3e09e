"""POSTs over HTTP and HTTPS, with a library's connections, TLS and parsing. Synchronous; `http_posts` has the threads.

Loaded when the first message goes to a URL, not before: the library takes 100 ms that no start should wait for.
"""

from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

#: Of one attempt, as AWS has it for HTTP endpoints.
TIMEOUT_SECONDS = 15.0

#: Hosts and connections a host that are kept open.
_HOSTS = 64
_CONNECTIONS = 16

#: Of an answer that is read so that its connection can be used again; nobody looks at it.
_MAX_ANSWER_BYTES = 65_536


class Unreachable(Exception):
    """No answer; the message says why. `is_final`: the URL is none."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class HttpClient:
    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            num_pools=_HOSTS, maxsize=_CONNECTIONS, retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS)
        )

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
        except LocationValueError as error:
            raise Unreachable(str(error), is_final=True) from error
        except HTTPError as error:
            raise Unreachable(str(error)) from error
        _finish(response)
        return response.status


def _finish(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back if the answer is short; what goes wrong now changes nothing any more."""
    try:
        if len(response.read(_MAX_ANSWER_BYTES + 1)) <= _MAX_ANSWER_BYTES:
            response.release_conn()
            return
    except HTTPError:
        pass
    response.close()
