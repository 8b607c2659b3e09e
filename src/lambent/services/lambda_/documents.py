"""Lambda's documents: what CreateFunction and its kin say, as our values, and our values as Lambda shows them.

AWS's spelling ends here. Parameters that would promise something we do not do are refused by name instead of being
stored and ignored.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lambent.services.lambda_ import names
from lambent.services.lambda_.configuration import Function, FunctionConfiguration
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_invoke import EventInvokeConfig
from lambent.services.lambda_.policies import Permission

Document = dict[str, Any]

#: Member -> field of FunctionConfiguration, where the value is taken as it is.
_PLAIN = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role_arn",
    "Description": "description",
    "Timeout": "timeout_seconds",
    "MemorySize": "memory_mb",
    "KMSKeyArn": "kms_key_arn",
}

#: Members of which any value at all is refused, and why.
_REFUSED = {
    "Layers": "Layers are not served yet: put what the layer holds into the deployment package.",
    "FileSystemConfigs": "File systems cannot be attached to functions here.",
    "ImageConfig": "Container images are not served: use a .zip deployment package.",
    "CodeSigningConfigArn": "Code signing is not served.",
    "TenancyConfig": "Tenant isolation is not served.",
    "CapacityProviderConfig": "Capacity providers are not served.",
    "DurableConfig": "Durable functions are not served.",
    "RuntimeConfig": "Customer managed runtimes are not served.",
    "AcceleratorConfig": "Accelerators are not served.",
    "PublishTo": "Published versions are not served yet.",
    "Publish": "Published versions are not served yet: leave Publish out and invoke $LATEST.",
}


def configured(current: FunctionConfiguration, request: Mapping[str, Any]) -> FunctionConfiguration:
    """`current` with what the request says. Raises InvalidParameterValue for what is not served."""
    refuse_unserved(request)
    changes: dict[str, Any] = {
        field: request[member] for member, field in _PLAIN.items() if request.get(member) is not None
    }
    if request.get("EphemeralStorage"):
        changes["tmp_mb"] = request["EphemeralStorage"]["Size"]
    if request.get("Environment") is not None:
        changes["environment"] = request["Environment"].get("Variables") or {}
    if request.get("TracingConfig"):
        changes["tracing_mode"] = request["TracingConfig"].get("Mode", "PassThrough")
    if request.get("SnapStart"):
        changes["snap_start"] = request["SnapStart"].get("ApplyOn", "None")
    if request.get("Architectures"):
        changes["architecture"] = request["Architectures"][0]
    if request.get("DeadLetterConfig") is not None:
        changes["dead_letters"] = request["DeadLetterConfig"].get("TargetArn") or ""
    if request.get("LoggingConfig"):
        changes["log_group"] = request["LoggingConfig"].get("LogGroup", current.log_group)
    return replace(current, **changes)


def refuse_unserved(request: Mapping[str, Any]) -> None:
    """Raises InvalidParameterValue, saying what to do instead."""
    for member, reason in _REFUSED.items():
        if request.get(member):
            raise InvalidParameterValue(reason)
    if request.get("PackageType", "Zip") != "Zip":
        raise InvalidParameterValue(_REFUSED["ImageConfig"])
    network = request.get("VpcConfig") or {}
    if network.get("SubnetIds") or network.get("SecurityGroupIds"):
        raise InvalidParameterValue("There are no VPCs here: leave VpcConfig out.")
    if (request.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        raise InvalidParameterValue("LogFormat JSON is not served yet: use Text.")


def describe_function(function: Function) -> Document:
    """A FunctionConfiguration as GetFunctionConfiguration returns it."""
    configuration = function.configuration
    document: Document = {
        "FunctionName": function.key.name,
        "FunctionArn": function.key.arn,
        "Runtime": configuration.runtime,
        "Role": configuration.role_arn,
        "Handler": configuration.handler,
        "CodeSize": function.package_bytes,
        "Description": configuration.description,
        "Timeout": configuration.timeout_seconds,
        "MemorySize": configuration.memory_mb,
        "LastModified": lambda_time(function.modified_ms),
        "CodeSha256": base64.b64encode(bytes.fromhex(function.package_sha256)).decode(),
        "Version": names.LATEST,
        "TracingConfig": {"Mode": configuration.tracing_mode},
        "RevisionId": function.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [configuration.architecture],
        "EphemeralStorage": {"Size": configuration.tmp_mb},
        "SnapStart": {"ApplyOn": configuration.snap_start, "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.log_group},
    }
    if configuration.environment is not None:
        document["Environment"] = {"Variables": dict(configuration.environment)}
    if configuration.dead_letters:
        document["DeadLetterConfig"] = {"TargetArn": configuration.dead_letters}
    if configuration.kms_key_arn:
        document["KMSKeyArn"] = configuration.kms_key_arn
    return document


def permission(request: Mapping[str, Any]) -> Permission:
    """Of an AddPermission request."""
    return Permission(
        statement_id=request["StatementId"],
        action=request["Action"],
        principal=request["Principal"],
        source_arn=request.get("SourceArn", ""),
        source_account=request.get("SourceAccount", ""),
        organization_id=request.get("PrincipalOrgID", ""),
        event_source_token=request.get("EventSourceToken", ""),
        url_auth_type=request.get("FunctionUrlAuthType", ""),
        via_function_url=request.get("InvokedViaFunctionUrl"),
    )


def event_invoke_config(request: Mapping[str, Any], current: EventInvokeConfig, modified_ms: int) -> EventInvokeConfig:
    """`current` with what the request says."""
    changes: dict[str, Any] = {"modified_ms": modified_ms}
    if request.get("MaximumRetryAttempts") is not None:
        changes["maximum_retry_attempts"] = request["MaximumRetryAttempts"]
    if request.get("MaximumEventAgeInSeconds") is not None:
        changes["maximum_age_seconds"] = request["MaximumEventAgeInSeconds"]
    destinations = request.get("DestinationConfig") or {}
    if "OnSuccess" in destinations:
        changes["on_success"] = destinations["OnSuccess"].get("Destination", "")
    if "OnFailure" in destinations:
        changes["on_failure"] = destinations["OnFailure"].get("Destination", "")
    return replace(current, **changes)


def describe_event_invoke_config(config: EventInvokeConfig, function_arn: str) -> Document:
    return {
        "LastModified": config.modified_ms / 1000,
        "FunctionArn": f"{function_arn}:{names.LATEST}",
        "MaximumRetryAttempts": config.maximum_retry_attempts,
        "MaximumEventAgeInSeconds": config.maximum_age_seconds,
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success} if config.on_success else {},
            "OnFailure": {"Destination": config.on_failure} if config.on_failure else {},
        },
    }


def lambda_time(time_ms: int) -> str:
    """`2025-04-15T20:24:16.283+0000`: Lambda's LastModified, unlike any other service's."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}+0000"
