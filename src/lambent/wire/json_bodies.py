"""JSON bodies: bytes <-> members of a shape, for aws_json, rest_json and the events of both.

Blobs are base64, timestamps numbers (unless the model says otherwise), and NaN and the infinities strings. orjson
refuses what is not UTF-8, nests deeper than 1,024 levels or is not JSON; the client hears SerializationException.
"""

import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pybase64

from lambent.wire import timestamps
from lambent.wire.documents import Leaves, compile_reader, compile_writer, wrong_type
from lambent.wire.errors import SerializationError
from lambent.wire.model import Shape

_INT_LIMIT, _LONG_LIMIT = 2**31, 2**63
_FLOAT_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def compile_decoder(shape: Shape | None) -> Callable[[bytes], dict[str, Any]]:
    """An empty body is an empty structure."""
    if shape is None:
        return lambda body: {}
    read = compile_reader(shape, _READ)

    def decode(body: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = read(parse(body)) if body else {}
        return decoded

    return decode


def compile_encoder(shape: Shape | None) -> Callable[[Mapping[str, Any]], bytes]:
    if shape is None:
        return lambda value: b"{}"
    write = compile_writer(shape, _WRITE)
    return lambda value: orjson.dumps(write(value))


def parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SerializationError(f"Could not parse request body into json: {error}") from error


def _read_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise wrong_type(value, "String")


def _read_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise wrong_type(value, "Boolean")


def _integer_reader(limit: int, wanted: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and -limit <= value < limit:
            return value
        raise wrong_type(value, wanted)

    return read


def _read_float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    if type(value) is str and value in _FLOAT_WORDS:
        return _FLOAT_WORDS[value]
    raise wrong_type(value, "Double")


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        raise wrong_type(value, "Blob")
    try:
        return pybase64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SerializationError("Invalid base64 in a binary member") from error


def _read_timestamp(value: Any) -> float:
    try:
        if type(value) is float or type(value) is int:
            return timestamps.check_unix(float(value))
        if type(value) is str:
            return timestamps.parse_any(value, "iso8601")
    except ValueError as error:
        raise SerializationError(str(error)) from error
    raise wrong_type(value, "Timestamp")


def _write_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_READ = Leaves(
    scalars={
        "string": _read_string,
        "boolean": _read_boolean,
        "integer": _integer_reader(_INT_LIMIT, "Integer"),
        "long": _integer_reader(_LONG_LIMIT, "Long"),
        "float": _read_float,
        "double": _read_float,
        "blob": _read_blob,
    },
    timestamps=dict.fromkeys(("unixtimestamp", "iso8601", "rfc822"), _read_timestamp),
    default_timestamp="unixtimestamp",
    uses_location_names=True,
)
_WRITE = Leaves(
    scalars={"float": _write_float, "double": _write_float, "blob": pybase64.b64encode_as_string},
    timestamps={
        "unixtimestamp": timestamps.number_of,
        "iso8601": timestamps.format_iso8601,
        "rfc822": timestamps.format_rfc822,
    },
    default_timestamp="unixtimestamp",
    uses_location_names=True,
)
