"""Definitions of tables as JSON, and back: what a row of `dynamodb_table` holds."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from lambent.services.dynamodb.destinations import Destination, DestinationStatus
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.tables import Definition, Index, IndexStatus, Projection, Restore, Throughput


def dump(definition: Definition) -> str:
    return orjson.dumps(dataclasses.asdict(definition)).decode()


def load(text: str) -> Definition:
    document = orjson.loads(text)
    restore = document.get("restore")
    return Definition(
        **{
            **document,
            "attributes": tuple((name, kind) for name, kind in document["attributes"]),
            "schema": _load_schema(document["schema"]),
            "indexes": tuple(_load_index(index) for index in document["indexes"]),
            "throughput": Throughput(**document["throughput"]),
            "restore": Restore(**restore) if restore is not None else None,
            "destinations": tuple(_load_destination(one) for one in document.get("destinations", ())),
        }
    )


def _load_index(document: Mapping[str, Any]) -> Index:
    return Index(
        **{
            **document,
            "schema": _load_schema(document["schema"]),
            "projection": Projection(document["projection"]),
            "included": tuple(document["included"]),
            "status": IndexStatus(document["status"]),
            "throughput": Throughput(**document["throughput"]),
        }
    )


def _load_destination(document: Mapping[str, Any]) -> Destination:
    return Destination(**{**document, "status": DestinationStatus(document["status"])})


def _load_schema(document: Mapping[str, Any]) -> KeySchema:
    return KeySchema(**document)
