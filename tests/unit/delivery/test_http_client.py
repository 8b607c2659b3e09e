"""POSTs to endpoints: where none are sent."""

import socket
import threading

import pytest

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
