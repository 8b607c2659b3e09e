"""An event bus as a target: of a rule, which passes the event on as it is; of anything else, which makes a new one.

Another account's bus takes events only where its policy lets the sender's account; one's own takes them all. An event
that came from another bus goes to no third one ("EventBridge can't route events received from a sender event bus to a
third event bus", https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html), so there are no loops.
"""

import orjson

from lambent.delivery.targets import Message, Moment, Refused
from lambent.services.events import bus_store, buses, envelopes, names, putting
from lambent.services.events.buses import Bus
from lambent.services.events.envelopes import Envelope, Facts
from lambent.services.events.errors import ValidationException
from lambent.storage.transaction import Transaction


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """A message with an `event_source` is a new event's detail, one without is an event already. Raises Refused."""
    bus = _find(tx, message.target_arn)
    envelope = _new(message, moment, bus) if message.event_source else _forwarded(message, moment, bus)
    _check_policy(bus, message, envelope.event)
    putting.append(tx, envelope)


def _find(tx: Transaction, arn: str) -> Bus:
    try:
        key = names.parse_bus_arn(arn)
    except ValidationException as error:
        raise Refused("InvalidTarget", f"{arn} is no event bus", is_final=True) from error
    bus = bus_store.find_bus(tx, key)
    if bus is None:
        raise Refused("ResourceNotFoundException", f"Event bus {key.name} does not exist.")
    return bus


def _new(message: Message, moment: Moment, bus: Bus) -> Envelope:
    if not putting.is_plain_object(message.body):
        raise Refused("MalformedDetail", "Detail is malformed.", is_final=True)
    facts = Facts(
        event_id=moment.ids.uuid(),
        source=message.event_source,
        detail_type=message.detail_type,
        account_id=message.sender.account_id or bus.key.account_id,
        region=bus.key.region,
        time_ms=moment.now_ms,
        resources=message.resources,
    )
    document = envelopes.document(facts, message.body.decode())
    return Envelope(bus.key, document, moment.now_ms, message.trace)


def _forwarded(message: Message, moment: Moment, bus: Bus) -> Envelope:
    if not envelopes.is_event(message.body):
        raise Refused("MalformedDetail", "This is no event.", is_final=True)
    return Envelope(bus.key, message.body, moment.now_ms, message.trace, is_forwarded=True)


def _check_policy(bus: Bus, message: Message, event: bytes) -> None:
    account_id = message.sender.account_id
    if not account_id or account_id == bus.key.account_id:
        return
    document = orjson.loads(event)
    if not buses.may_put(
        bus,
        account_id=account_id,
        principal_arn=f"arn:aws:iam::{account_id}:root",
        source=document["source"],
        detail_type=document["detail-type"],
    ):
        raise Refused(
            "AccessDeniedException",
            f"The policy of {message.target_arn} does not let {account_id} put events onto it for {message.sender.arn}",
        )
