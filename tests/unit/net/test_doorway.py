"""Which protocol the first bytes of a connection speak, and what that costs those who do not speak HTTP/2."""

import subprocess
import sys

import pytest

from lambent.net.doorway import speaks_http_2

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        (PREFACE, True),
        (PREFACE[:16], True),
        (PREFACE[:15], None),
        (b"P", None),
        (b"PR", None),
        (b"PUT / HTTP/1.1\r\n", False),
        (b"PRI * HTTP/1.1\r\n", False),
        (b"PRI /", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"\r\n" + PREFACE, False),
        (b"\x16\x03\x01", False),
    ],
)
def test_the_first_bytes_tell(first: bytes, verdict: bool | None) -> None:
    assert speaks_http_2(first) is verdict


def test_the_platform_starts_without_loading_http_2() -> None:
    program = "import sys, lambent.app; sys.exit('h2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
