"""Calls from inside: operations by their names, with a request as people write it in JSON; no HTTP, no signature.

What configurations name as "any call of an API" (universal targets of EventBridge Scheduler) ends here. Members may be
spelled with a capital first letter throughout, as AWS has it there; blobs are text.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambent.gateway.endpoints import Endpoints, Method, ServedService
from lambent.kit.frozen import frozen
from lambent.services.caller import Caller
from lambent.wire import documents, timestamps, validation
from lambent.wire.documents import Convert, Leaves
from lambent.wire.errors import SerializationError, UnknownOperation
from lambent.wire.http import BytesBody
from lambent.wire.model import Member, Operation, Shape


def _read_text(value: Any) -> str:
    if type(value) is not str:
        raise documents.wrong_type(value, "String")
    return value


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise documents.wrong_type(value, "Boolean")
    return value


def _read_integer(value: Any) -> int:
    if type(value) is not int:
        raise documents.wrong_type(value, "Integer")
    return value


def _read_number(value: Any) -> float:
    if type(value) is not int and type(value) is not float:
        raise documents.wrong_type(value, "Double")
    return float(value)


def _read_blob(value: Any) -> bytes:
    return _read_text(value).encode()


def _read_timestamp(value: Any) -> float:
    try:
        if type(value) is str:
            return timestamps.parse_any(value, "iso8601")
        return timestamps.check_unix(_read_number(value))
    except ValueError as error:
        raise SerializationError(str(error)) from error


_LEAVES = Leaves(
    scalars={
        "string": _read_text,
        "boolean": _read_boolean,
        "integer": _read_integer,
        "long": _read_integer,
        "float": _read_number,
        "double": _read_number,
        "blob": _read_blob,
    },
    timestamps=dict.fromkeys(("unixtimestamp", "iso8601", "rfc822"), _read_timestamp),
    default_timestamp="unixtimestamp",
    uses_location_names=False,
)


@frozen
class _Call:
    operation: Operation
    method: Method


class ApiCalls:
    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._calls: dict[str, dict[str, _Call]] = {}
        """By service, and there by action."""

    def knows(self, service: str, action: str) -> bool:
        """By botocore's name of the service; `sendMessage`."""
        return self._find(service, action) is not None

    async def call(self, caller: Caller, service: str, action: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ServiceError."""
        found = self._find(service, action)
        if found is None:
            raise UnknownOperation(f"{service} has no operation {action!r} here")
        given = _read_request(found.operation, request)
        validation.validate(found.operation, given)
        return await found.method(caller, given)

    def _find(self, service: str, action: str) -> _Call | None:
        if service not in self._calls and self._endpoints.offers(service):
            self._calls[service] = _calls(self._endpoints.service(service))
        return self._calls.get(service, {}).get(action)


def _calls(service: ServedService) -> dict[str, _Call]:
    return {
        name[0].lower() + name[1:]: _Call(operation, getattr(service.operations, operation.python_name))
        for name, operation in service.model.operations.items()
    }


def _read_request(operation: Operation, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises SerializationError."""
    if operation.input is None:
        return {}
    tree = dict(_spelled(request, operation.input))
    streamed = operation.streaming_input
    content = tree.pop(streamed, "") if streamed else ""
    given: dict[str, Any] = _reader(operation.input)(tree)
    if streamed:
        given[streamed] = BytesBody(_read_blob(content))
    return given


def _reader(shape: Shape) -> Convert:
    """Over all members, wherever HTTP would have them."""
    members = {name: replace(member, location=None) for name, member in shape.members.items()}
    return documents.compile_reader(Shape(shape.name, shape.type, members), _LEAVES)


def _spelled(tree: Any, shape: Shape) -> Any:
    """`LogGroupName` as the model spells it, `logGroupName`, at every level."""
    if shape.type == "structure" and isinstance(tree, Mapping):
        found = {}
        for key, value in tree.items():
            member = _named(shape, key)
            if member is None:
                raise SerializationError(f"{shape.name} has no member {key!r}")
            found[member.name] = _spelled(value, member.shape)
        return found
    if shape.type == "list" and shape.element is not None and isinstance(tree, list):
        return [_spelled(value, shape.element.shape) for value in tree]
    if shape.type == "map" and shape.value is not None and isinstance(tree, Mapping):
        return {key: _spelled(value, shape.value.shape) for key, value in tree.items()}
    return tree


def _named(shape: Shape, key: str) -> Member | None:
    return shape.members.get(key) or shape.members.get(key[:1].lower() + key[1:])
