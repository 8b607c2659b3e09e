"""Receipt handles: which message, and which time it was received. Opaque to clients, checked when they come back."""

import base64
import binascii
import struct

from lambent.kit.frozen import frozen
from lambent.services.sqs.errors import MissingParameter, ReceiptHandleIsInvalid

_FORM = struct.Struct(">BQQQ")
_VERSION = 1


@frozen
class Receipt:
    box_id: int
    position: int
    receive_count: int


def write(receipt: Receipt) -> str:
    packed = _FORM.pack(_VERSION, receipt.box_id, receipt.position, receipt.receive_count)
    return base64.b64encode(packed + _checksum(packed)).decode()


def read(handle: str) -> Receipt:
    """Raises ReceiptHandleIsInvalid, MissingParameter."""
    if not handle:
        raise MissingParameter("The request must contain the parameter ReceiptHandle.")
    try:
        packed = base64.b64decode(handle, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReceiptHandleIsInvalid(handle) from error
    body, check = packed[: _FORM.size], packed[_FORM.size :]
    if len(body) != _FORM.size or check != _checksum(body):
        raise ReceiptHandleIsInvalid(handle)
    version, box_id, position, receive_count = _FORM.unpack(body)
    if version != _VERSION:
        raise ReceiptHandleIsInvalid(handle)
    return Receipt(box_id, position, receive_count)


def _checksum(packed: bytes) -> bytes:
    """Against handles that were cut or mistyped, not against forgery: the queue's policy is asked anyway."""
    return binascii.crc32(packed).to_bytes(4, "big")
