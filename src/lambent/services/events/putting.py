"""Putting events onto a bus: what an entry of PutEvents must be, and the one function by which every event gets in.

`accept` is for everybody: PutEvents, rules that send to another bus, schedules, functions' destinations, S3. Sources
that begin with `aws.` are kept from clients only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.kit.frozen import frozen
from lambent.services.events import bus_store, envelopes
from lambent.services.events.envelopes import LOG, Envelope, Facts
from lambent.services.events.errors import ValidationException
from lambent.services.events.names import BusKey
from lambent.storage import log
from lambent.storage.transaction import Transaction

#: "the total entry size must be less than 1MB"; that much is still taken.
MAX_REQUEST_BYTES = 1024 * 1024
#: What a time counts for; "Calculating PutEvents event entry size" in the user guide.
TIME_BYTES = 14
#: PutEventsRequestEntry: "Free-form string, with a maximum of 128 characters".
MAX_DETAIL_TYPE_CHARS = 128


@frozen
class EntryError:
    """One entry of PutEvents that is not taken, while the others are."""

    code: str
    message: str


def check_size(entries: Sequence[Mapping[str, Any]]) -> None:
    """Raises ValidationException."""
    if sum(map(_size, entries)) > MAX_REQUEST_BYTES:
        raise ValidationException("Total size of the entries in the request is over the limit.")


def _size(entry: Mapping[str, Any]) -> int:
    texts = [entry.get(name, "") for name in ("Source", "DetailType", "Detail")] + list(entry.get("Resources", ()))
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if "Time" in entry else 0)


def entry_error(entry: Mapping[str, Any]) -> EntryError | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return _invalid(name, f"{name} is a required argument.")
    if len(entry["DetailType"]) > MAX_DETAIL_TYPE_CHARS:
        return _invalid("DetailType", f"DetailType must have at most {MAX_DETAIL_TYPE_CHARS} characters.")
    if entry["Source"].startswith("aws."):
        return EntryError("NotAuthorizedForSourceException", "Not authorized for the source.")
    if not is_plain_object(entry["Detail"]):
        return EntryError("MalformedDetail", "Detail is malformed.")
    return None


def is_plain_object(text: str | bytes) -> bool:
    """Whether it is the text of a JSON object that rules can take apart and put together again.

    They can to about 245 levels (what orjson writes); AWS goes to 1,000.
    """
    try:
        document = orjson.loads(text)
        orjson.dumps([[[[[[[[document]]]]]]]])  # what an event and a template put around it
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False
    return isinstance(document, dict)


def _invalid(name: str, reason: str) -> EntryError:
    return EntryError("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}")


def accept(tx: Transaction, bus: BusKey, facts: Facts, detail: str, *, now_ms: int, trace: str = "") -> bool:
    """Append an event to what rules look at; `detail` is a JSON object's text. False if there is no such bus."""
    if bus_store.find_bus(tx, bus) is None:
        return False
    append(tx, Envelope(bus, envelopes.document(facts, detail), now_ms, trace))
    return True


def append(tx: Transaction, *accepted: Envelope) -> None:
    if accepted:
        log.append_all(tx, LOG, [(envelope.accepted_ms, envelope.to_bytes()) for envelope in accepted])
