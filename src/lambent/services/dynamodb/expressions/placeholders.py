"""ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them its expressions used."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.values import AttributeValue


class Placeholders:
    """Shared by all expressions of one request; `check_all_used` after the last of them is compiled."""

    __slots__ = ()

    def __init__(
        self, names: Mapping[str, str] | None = None, values: Mapping[str, AttributeValue] | None = None
    ) -> None:
        """Raises ValidationException for empty maps, ill-formed keys and values that are no attribute values."""
        raise NotImplementedError

    @classmethod
    def of_request(cls, request: Mapping[str, Any], expressions: Sequence[str]) -> "Placeholders":
        """From a request's parameters; refuses names and values when none of `expressions` (parameters) is given."""
        raise NotImplementedError

    def check_all_used(self) -> None:
        """Raises ValidationException naming what no expression used."""
        raise NotImplementedError
