"""The event source calls of the first Lambda API (2014-11-13): what a client of then sends and is answered.

AddEventSource, GetEventSource, ListEventSources and RemoveEventSource were called so until May 2015; their shapes stand
in the SDKs of those months (version 2014-11-11 of the service description), today's description has forgotten them.
They work on the same rows as their successors. "Each event source, such as a Kinesis stream, can only be associated
with one AWS Lambda function. If you call AddEventSource for an event source that is already mapped to another
function, the existing mapping is updated": so it is here among the mappings that AddEventSource made.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.lambda_ import documents, names
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import (
    NO_RECORDS,
    RUNNING,
    EventSourceMapping,
    Options,
    StartingPosition,
)

Document = dict[str, Any]

#: The only parameter there ever was.
INITIAL_POSITION = "InitialPositionInStream"

_URI = "/2014-11-13/event-source-mappings/"
_ERRORS = [
    {"shape": name} for name in ("ServiceException", "ResourceNotFoundException", "InvalidParameterValueException")
]
_STRING = {"shape": "String"}


def _operation(name: str, method: str, uri: str, *, code: int = 200) -> Document:
    shaped: Document = {
        "name": name,
        "http": {"method": method, "requestUri": uri, "responseCode": code},
        "input": {"shape": f"{name}Request"},
        "errors": _ERRORS,
    }
    if code == 200:
        shaped["output"] = {
            "shape": "ListEventSourcesResponse" if name.startswith("List") else "EventSourceConfiguration"
        }
    return shaped


def _query(name: str, shape: str) -> Document:
    return {"shape": shape, "location": "querystring", "locationName": name}


_UUID_REQUEST = {
    "type": "structure",
    "required": ["UUID"],
    "members": {"UUID": {"shape": "String", "location": "uri", "locationName": "UUID"}},
}

#: What is merged into today's description of the service (`wire.model.load_service`).
AMENDMENTS: Document = {
    "operations": {
        "AddEventSource": _operation("AddEventSource", "POST", _URI),
        "GetEventSource": _operation("GetEventSource", "GET", f"{_URI}{{UUID}}"),
        "ListEventSources": _operation("ListEventSources", "GET", _URI),
        "RemoveEventSource": _operation("RemoveEventSource", "DELETE", f"{_URI}{{UUID}}", code=204),
    },
    "shapes": {
        "AddEventSourceRequest": {
            "type": "structure",
            "required": ["EventSource", "FunctionName", "Role"],
            "members": {
                "EventSource": _STRING,
                "FunctionName": {"shape": "NamespacedFunctionName"},
                "Role": {"shape": "RoleArn"},
                "BatchSize": {"shape": "BatchSize"},
                "Parameters": {"shape": "EventSourceParameters"},
            },
        },
        "GetEventSourceRequest": _UUID_REQUEST,
        "RemoveEventSourceRequest": _UUID_REQUEST,
        "ListEventSourcesRequest": {
            "type": "structure",
            "members": {
                "EventSourceArn": _query("EventSource", "String"),
                "FunctionName": _query("FunctionName", "NamespacedFunctionName"),
                "Marker": _query("Marker", "String"),
                "MaxItems": _query("MaxItems", "MaxListItems"),
            },
        },
        "EventSourceParameters": {"type": "map", "key": _STRING, "value": _STRING},
        "EventSourceIsActive": {"type": "boolean"},
        "EventSourceConfiguration": {
            "type": "structure",
            "members": {
                "UUID": _STRING,
                "BatchSize": {"shape": "BatchSize"},
                "EventSource": _STRING,
                "FunctionName": _STRING,
                "Parameters": {"shape": "EventSourceParameters"},
                "Role": _STRING,
                "LastModified": _STRING,
                "IsActive": {"shape": "EventSourceIsActive"},
                "Status": _STRING,
            },
        },
        "EventSourceList": {"type": "list", "member": {"shape": "EventSourceConfiguration"}},
        "ListEventSourcesResponse": {
            "type": "structure",
            "members": {"NextMarker": _STRING, "EventSources": {"shape": "EventSourceList"}},
        },
    },
}


def options_of(request: Mapping[str, Any]) -> Options:
    """Of an AddEventSource; without a position it reads from the oldest record. Raises InvalidParameterValue."""
    parameters: Mapping[str, str] = request.get("Parameters") or {}
    unknown = sorted(set(parameters) - {INITIAL_POSITION})
    if unknown:
        raise InvalidParameterValue(f"Unsupported parameter: {', '.join(unknown)}. Only {INITIAL_POSITION} is known.")
    position = parameters.get(INITIAL_POSITION, StartingPosition.TRIM_HORIZON.value)
    if position not in {StartingPosition.TRIM_HORIZON.value, StartingPosition.LATEST.value}:
        raise InvalidParameterValue(f"{INITIAL_POSITION} must be TRIM_HORIZON or LATEST, not {position}.")
    return Options(starting_position=StartingPosition(position), batch_size=request.get("BatchSize") or 100)


def describe_source(mapping: EventSourceMapping) -> Document:
    """An EventSourceConfiguration."""
    function = names.parse_arn(mapping.function_arn)
    assert function is not None, "rows hold full ARNs"
    return {
        "UUID": mapping.uuid,
        "BatchSize": mapping.options.batch_size,
        "EventSource": mapping.source_arn,
        "FunctionName": function.key.name,
        "Parameters": {INITIAL_POSITION: mapping.options.starting_position.value},
        "Role": mapping.role_arn,
        "LastModified": documents.lambda_time(mapping.modified_ms),
        "IsActive": mapping.state in RUNNING,
        "Status": "PENDING" if mapping.last_result == NO_RECORDS else mapping.last_result,
    }
