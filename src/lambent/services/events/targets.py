"""Targets of rules: what PutTargets takes, and what the target of an event is given of it.

Delivery asks for the input (`Target.input_for`); the rest says how it is sent and what is done when it is refused.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.events import json_paths, transformers
from lambent.services.events.errors import ValidationException, bad_arn
from lambent.services.events.json_paths import MISSING, Path
from lambent.services.events.transformers import InvalidTemplate, Transformer

#: PutTargets: "Each rule can have up to five (5) targets associated with it at one time".
MAX_TARGETS = 5

#: "By default, EventBridge retries sending the event for 24 hours and up to 185 times" (the user guide,
#: "How EventBridge retries delivering events").
MAX_RETRY_ATTEMPTS = 185
MAX_AGE_SECONDS = 86_400

_INPUTS = ("Input", "InputPath", "InputTransformer")


@frozen
class Target:
    document: Mapping[str, Any]
    """As it was put."""
    target_id: str
    arn: str
    max_attempts: int
    max_age_seconds: int
    dead_letter_arn: str
    group_id: str
    partition_key: Path | None
    path: Path | None
    """Of InputPath."""
    transformer: Transformer | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Target":
        """Of a document that `requested_target` has seen."""
        retry = document.get("RetryPolicy") or {}
        key_path = (document.get("KinesisParameters") or {}).get("PartitionKeyPath")
        return cls(
            document=document,
            target_id=document["Id"],
            arn=document["Arn"],
            max_attempts=retry.get("MaximumRetryAttempts", MAX_RETRY_ATTEMPTS),
            max_age_seconds=retry.get("MaximumEventAgeInSeconds", MAX_AGE_SECONDS),
            dead_letter_arn=(document.get("DeadLetterConfig") or {}).get("Arn", ""),
            group_id=(document.get("SqsParameters") or {}).get("MessageGroupId", ""),
            partition_key=json_paths.parse(key_path) if key_path else None,
            path=json_paths.parse(document["InputPath"]) if "InputPath" in document else None,
            transformer=_transformer(document),
        )

    def input_for(self, text: bytes, event: Mapping[str, Any], reserved: Mapping[str, Any]) -> bytes:
        """`text` is the event as it came, `event` the same parsed; `reserved` are the transformer's own variables."""
        if "Input" in self.document:
            return str(self.document["Input"]).encode()
        if self.transformer is not None:
            return self.transformer.fill(event, reserved)
        if self.path is not None and self.path.steps:
            found = self.path.find(event)
            return orjson.dumps(None if found is MISSING else found)
        return text

    def partition_key_for(self, event: Mapping[str, Any]) -> str:
        """The event's id, if there is no path or it finds nothing (KinesisParameters: "the default is ... eventId")."""
        found = MISSING if self.partition_key is None else self.partition_key.find(event)
        if found is MISSING:
            return str(event["id"])
        return found if isinstance(found, str) else orjson.dumps(found).decode()


def _transformer(document: Mapping[str, Any]) -> Transformer | None:
    """Raises InvalidTemplate."""
    if "InputTransformer" not in document:
        return None
    asked = document["InputTransformer"]
    return transformers.parse(asked["InputTemplate"], asked.get("InputPathsMap") or {})


def requested_target(document: Mapping[str, Any]) -> Target:
    """Raises ValidationException."""
    target_id, arn = document["Id"], document["Arn"]
    service = kind_of(arn)
    if sum(name in document for name in _INPUTS) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target_id}."
        )
    if service == "sqs" and arn.endswith(".fifo") and not (document.get("SqsParameters") or {}).get("MessageGroupId"):
        raise ValidationException(f"Parameter(s) SqsParameters must be specified for target: {target_id}.")
    if service == "kinesis" and not document.get("RoleArn"):
        raise ValidationException(f"RoleArn is required for target {arn}.")
    _check_input(document)
    dead_letters = (document.get("DeadLetterConfig") or {}).get("Arn", "")
    if dead_letters and (kind_of(dead_letters) != "sqs" or dead_letters.endswith(".fifo")):
        raise bad_arn(dead_letters)
    return Target.of(document)


def _check_input(document: Mapping[str, Any]) -> None:
    target_id = document["Id"]
    if "Input" in document:
        try:
            orjson.loads(document["Input"])
        except orjson.JSONDecodeError as error:
            raise ValidationException(f"JSON syntax error in input for target {target_id}: {error}") from error
    if "InputPath" in document and json_paths.parse(document["InputPath"]) is None:
        raise ValidationException(f"Invalid InputPath for target {target_id}.")
    try:
        _transformer(document)
    except InvalidTemplate as error:
        raise ValidationException(f"InputTemplate for target {target_id} {error}") from error


def kind_of(arn: str) -> str:
    """The service in an ARN. Raises ValidationException."""
    try:
        return Arn.parse(arn).service
    except ValueError as error:
        raise bad_arn(arn) from error
