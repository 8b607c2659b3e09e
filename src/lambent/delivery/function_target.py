"""A function as a target: the message's body becomes an asynchronous invocation."""

from collections.abc import Sequence

from lambent.delivery.targets import Message, Moment, Refused, Sender
from lambent.kit import trace
from lambent.services.lambda_ import names, policies, queue_store, store
from lambent.services.lambda_.errors import ResourceNotFound
from lambent.services.lambda_.policies import Statement
from lambent.services.lambda_.queue_store import NewInvocation
from lambent.storage.transaction import Transaction


def send(tx: Transaction, message: Message, moment: Moment) -> None:
    """Raises Refused: no such function, or its policy does not let the sender invoke it."""
    check(tx, message)
    request_id = moment.ids.uuid()
    invocation = NewInvocation(
        request_id=request_id,
        function_arn=message.target_arn,
        payload=message.body,
        source=message.source,
        trace_id=message.trace or trace.begin(request_id, moment.now_ms / 1000),
    )
    queue_store.enqueue(tx, [invocation], moment.now_ms)


def check(tx: Transaction, message: Message) -> None:
    """Whether it could be sent. Raises Refused."""
    reference = names.parse_arn(message.target_arn)
    found = store.find_policy(tx, reference.key) if reference is not None else None
    if reference is None or found is None:
        raise Refused("ResourceNotFoundException", f"Function not found: {message.target_arn}")
    try:
        names.require_latest(reference)
    except ResourceNotFound as error:
        raise Refused(error.code, error.message) from error
    sender, (statements, _) = message.sender, found
    if not _permits(statements, reference.key.account_id, sender):
        raise Refused(
            "AccessDeniedException",
            f"The policy of {message.target_arn} does not let {sender.name} invoke it for {sender.arn}",
        )


def _permits(statements: Sequence[Statement], owner: str, sender: Sender) -> bool:
    if sender.service:
        return policies.permits(statements, sender.service, source_arn=sender.arn, source_account=sender.account_id)
    return sender.account_id == owner or policies.permits_account(statements, sender.account_id)
