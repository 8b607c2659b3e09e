import base64

import pytest

from lambent.services.lambda_ import payloads
from lambent.services.lambda_.errors import InvalidRequestContent, PayloadTooLarge


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (b"", b"{}"),
        (b'{"a": 1}', b'{"a": 1}'),
        (b'"text"', b'"text"'),
        (b"null", b"null"),
        (b" [1,2] ", b" [1,2] "),
        (b'"\\ud800"', b'"\\ud800"'),
        (b"1" * 100, b"1" * 100),
    ],
)
def test_events(payload: bytes, event: bytes) -> None:
    assert payloads.check_sync_event(payload) == event
    assert payloads.check_async_event(payload) == event


@pytest.mark.parametrize(
    "payload", [b"{", b"nonsense", b"{'a': 1}", b"NaN", b'{"a": Infinity}', b"\xff", b"1 2", b"[" * 100_000]
)
def test_what_is_not_json(payload: bytes) -> None:
    with pytest.raises(InvalidRequestContent, match="Could not parse request body into json: "):
        payloads.check_sync_event(payload)


def test_sizes() -> None:
    largest = b'"' + b"x" * (payloads.MAX_SYNC_BYTES - 2) + b'"'
    assert payloads.check_sync_event(largest) == largest
    with pytest.raises(PayloadTooLarge, match="smaller than 6291456 bytes for the InvokeFunction operation"):
        payloads.check_sync_event(largest + b" ")
    largest = b'"' + b"x" * (payloads.MAX_ASYNC_BYTES - 2) + b'"'
    assert payloads.check_async_event(largest) == largest
    with pytest.raises(PayloadTooLarge, match=r"1048577 byte payload is too large .* \(limit 1048576 bytes\)"):
        payloads.check_async_event(largest + b" ")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_client_contexts() -> None:
    assert payloads.decode_client_context("") is None
    assert payloads.decode_client_context(encoded('{"custom": {"a": "b"}}')) == '{"custom": {"a": "b"}}'


@pytest.mark.parametrize("text", ["no base64!", encoded("no json"), encoded("[1]"), encoded("{") + "=", encoded('"x"')])
def test_what_is_no_client_context(text: str) -> None:
    with pytest.raises(InvalidRequestContent, match="valid Base64-encoded JSON object"):
        payloads.decode_client_context(text)


def test_a_client_context_may_have_3583_bytes_of_base64() -> None:
    with pytest.raises(InvalidRequestContent, match="3583"):
        payloads.decode_client_context(encoded('{"a": "' + "x" * 3000 + '"}'))
