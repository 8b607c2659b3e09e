"""Targets: what an event is sent on to, named by its ARN: a function, a queue, a topic, a stream, a bus, a log group.

Sending is SQL in the transaction of whoever sends (a rule with its checkpoint, a schedule with its next time), so a
message is sent exactly as often as that transaction commits, which is once. A target is one function, `Send`; it looks
before it writes, so that a refusal leaves nothing half done. What happens after a refusal is the sender's business:
`parcels` keeps what may be tried again.
"""

from collections.abc import Callable, Mapping
from dataclasses import field

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.storage.transaction import Transaction


@frozen
class Sender:
    """On whose behalf a message is sent: what the target's resource policy is asked about."""

    service: str
    """`sns.amazonaws.com`; "" if a role of the account sends: to what the account owns, or where a policy lets it."""
    arn: str
    """The topic, rule, bucket or schedule (`aws:SourceArn`)."""
    account_id: str
    """Its owner (`aws:SourceAccount`)."""

    @property
    def principal_arn(self) -> str:
        """As whom a role sends: roles have no policies of their own here."""
        return f"arn:aws:iam::{self.account_id}:root"

    @property
    def name(self) -> str:
        """For people."""
        return self.service or f"account {self.account_id}"


@frozen
class Attribute:
    """A message attribute, as queues and topics know them."""

    data_type: str
    """`String`, `Number`, `Binary`, perhaps with a custom label behind a dot."""
    value: str
    """Base64 if it is binary."""


@frozen
class Message:
    """What is sent, with all that some kind of target has a use for."""

    target_arn: str
    body: bytes
    sender: Sender
    source: str
    """For people: `sns:orders`."""
    trace: str = ""
    """The trace header (`kit.trace`) of the event that this follows from."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """Of a queue's or topic's message."""
    subject: str = ""
    """Of a topic's message."""
    group_id: str = ""
    """Of a FIFO queue's or topic's message."""
    deduplication_id: str = ""
    partition_key: str = ""
    """Of a stream's record; "" for one at random."""
    detail_type: str = ""
    """Of a bus's event, with the next one."""
    event_source: str = ""
    resources: tuple[str, ...] = ()


class Refused(Exception):
    """A target does not take a message; nothing was written. The message says why, for the person who looks."""

    def __init__(self, code: str, message: str, *, is_final: bool = False) -> None:
        """`code` is what AWS calls it; `is_final`: trying again is no use (the message itself is wrong)."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.is_final = is_final


@frozen
class Moment:
    """What a target needs besides the message."""

    now_ms: int
    ids: Ids


Send = Callable[[Transaction, Message, Moment], None]
"""Raises Refused before it has written anything."""


class Targets:
    """All kinds there are, by the service in their ARNs."""

    def __init__(self, kinds: Mapping[str, Send]) -> None:
        self._kinds = dict(kinds)

    def send(self, tx: Transaction, message: Message, moment: Moment) -> None:
        """Raises Refused; then nothing was written."""
        send = self._kinds.get(kind_of(message.target_arn))
        if send is None:
            raise Refused("InvalidTarget", f"{message.target_arn} is nothing that events can be sent to", is_final=True)
        send(tx, message, moment)

    def serves(self, target_arn: str) -> bool:
        return kind_of(target_arn) in self._kinds


def kind_of(target_arn: str) -> str:
    """`arn:aws:sqs:us-east-1:1:orders` -> `sqs`; "" if it is no ARN."""
    try:
        return Arn.parse(target_arn).service
    except ValueError:
        return ""
