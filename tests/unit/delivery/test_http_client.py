"""POSTs to endpoints: where none are sent, and who is believed to be an endpoint."""

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import posts
from certificates import Authority
from lambent.delivery import http_client
from lambent.delivery.http_client import HttpClient, Unreachable


@pytest.mark.parametrize(
    ("peer", "is_forbidden"),
    [
        ("169.254.169.254", True),
        ("169.254.0.1", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.0.0.1", False),
        ("fd00::1", False),
        ("203.0.113.5", False),
    ],
)
def test_link_local_addresses_are_out_of_bounds(peer: str, is_forbidden: bool) -> None:
    assert http_client.is_forbidden(peer) == is_forbidden


def test_nothing_is_sent_to_where_a_name_must_not_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback stands for a link-local address here: machines that run tests need not have one."""
    monkeypatch.setattr(http_client, "is_forbidden", "127.0.0.1".__eq__)
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(1))

        accepting = threading.Thread(target=accept)
        accepting.start()
        with pytest.raises(Unreachable, match="link-local") as caught:
            HttpClient().post(f"http://localhost:{server.getsockname()[1]}/", {}, b"secret")
        accepting.join()
    assert caught.value.is_final
    assert received == [b""]


# HTTPS


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this machine trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def accept(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200 if body == b"secret" else 400)
    handler.send_header("content-length", "0")
    handler.end_headers()


def test_whom_a_trusted_authority_vouches_for_gets_messages(authority: Authority) -> None:
    with posts.listening(accept, authority.server()) as url:
        client = HttpClient()
        assert [client.post(url, {}, b"secret") for _ in range(2)] == [200, 200]


WRONG: list[tuple[str, Callable[[Authority, Path], ssl.SSLContext]]] = [
    ("unable to get local issuer certificate", lambda _, elsewhere: Authority(elsewhere, "somebody").server()),
    ("Hostname mismatch", lambda trusted, _: trusted.server("elsewhere.test")),
    ("certificate has expired", lambda trusted, _: trusted.server(valid=-timedelta(hours=1))),
]


@pytest.mark.parametrize(("complaint", "server"), WRONG, ids=[complaint for complaint, _ in WRONG])
def test_a_certificate_that_is_wrong_may_be_mended(
    tmp_path: Path, authority: Authority, complaint: str, server: Callable[[Authority, Path], ssl.SSLContext]
) -> None:
    """So it is no final refusal; nothing of the message was sent."""
    received: list[bytes] = []
    with (
        posts.listening(lambda _, body: received.append(body), server(authority, tmp_path)) as url,
        pytest.raises(Unreachable, match=complaint) as caught,
    ):
        HttpClient().post(url, {}, b"secret")
    assert not caught.value.is_final
    assert received == []


def test_who_speaks_no_tls_is_not_waited_for(authority: Authority) -> None:
    with posts.listening(accept) as url, pytest.raises(Unreachable) as caught:
        HttpClient().post(url.replace("http:", "https:"), {}, b"secret")
    assert not caught.value.is_final


def test_who_shakes_no_hand_is_waited_for_as_for_an_answer(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Unreachable, match="timed out") as caught:
        HttpClient().post(f"https://127.0.0.1:{server.getsockname()[1]}/", {}, b"secret")
    assert not caught.value.is_final
