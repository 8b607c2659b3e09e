"""How tables and what belongs to them are named: table keys, ARNs, and what a request may say instead of a name."""

import re
from typing import NamedTuple

from lambent.kit.arn import Arn
from lambent.services.dynamodb.errors import ResourceNotFound, ValidationException

_PATTERN = "[a-zA-Z0-9_.-]+"
_matches_pattern = re.compile(_PATTERN).fullmatch


class TableKey(NamedTuple):
    account_id: str
    region: str
    name: str


def read_table_key(text: str, *, account_id: str, region: str) -> TableKey:
    """`text` is a table's name or its ARN. Raises ValidationException, ResourceNotFound (an ARN of elsewhere)."""
    if not text.startswith("arn:"):
        check_name(text)
        return TableKey(account_id, region, text)
    key = key_of_arn(text)
    if key is None:
        raise ValidationException(f"Invalid table/index name or ARN: {text}")
    if key.account_id != account_id or key.region != region:
        raise table_not_found()
    return key


def key_of_arn(text: str) -> TableKey | None:
    """None if `text` is not the ARN of a table (or of something in one)."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        return None
    kind, _, rest = arn.resource.partition("/")
    name = rest.partition("/")[0]
    if arn.service != "dynamodb" or kind != "table" or not _matches_pattern(name):
        return None
    return TableKey(arn.account_id, arn.region, name)


def check_name(name: str, parameter: str = "TableName") -> None:
    """Raises ValidationException: the sentence of AWS's models, which allow an ARN where a name is meant."""
    if 3 <= len(name) <= 255 and _matches_pattern(name):
        return
    if len(name) < 3:
        rule = "have length greater than or equal to 3"
    elif len(name) > 255:
        rule = "have length less than or equal to 255"
    else:
        rule = f"satisfy regular expression pattern: {_PATTERN}"
    where = parameter[0].lower() + parameter[1:]
    raise ValidationException(
        f"1 validation error detected: Value '{name}' at '{where}' failed to satisfy constraint: Member must {rule}"
    )


def table_arn(key: TableKey) -> str:
    return f"arn:aws:dynamodb:{key.region}:{key.account_id}:table/{key.name}"


def table_not_found(name: str = "") -> ResourceNotFound:
    """Operations on items do not say the name, those on tables do."""
    return ResourceNotFound(f"Requested resource not found: Table: {name} not found" if name else _NOT_FOUND)


_NOT_FOUND = "Requested resource not found"
