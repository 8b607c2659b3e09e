"""May this caller do this to this queue? The owner may, unless the queue's policy denies it; others need its allow.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html. What the
API reference says of an operation, "cross-account permissions don't apply", makes it the owner's alone.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from lambent.services import policies
from lambent.services.caller import Caller
from lambent.services.policies import Asked, Effect
from lambent.services.sqs.errors import AccessDenied, QueueDoesNotExist
from lambent.services.sqs.queues import Queue, QueueKey

#: "Cross-account permissions don't apply to this action" (API reference, each of them).
OWNERS_ALONE = frozenset(
    {
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    }
)


class Approach(NamedTuple):
    """A request on its way to a queue, which is looked up in the transaction of what it wants there."""

    caller: Caller
    key: QueueKey
    action: str
    now: float

    def admitted_to(self, queue: Queue | None) -> Queue:
        """`queue` is what was found. Raises QueueDoesNotExist, AccessDenied."""
        if queue is None:
            raise QueueDoesNotExist
        check(self.caller, queue, self.action, self.now)
        return queue


def check(caller: Caller, queue: Queue, action: str, now: float) -> None:
    """`action` as in `SendMessage`. Raises AccessDenied."""
    is_owner = not caller.is_anonymous and caller.account_id == queue.key.account_id
    if not queue.policy:
        if not is_owner:
            raise _denied(caller, queue, action)
        return
    if is_owner and action in ("SetQueueAttributes", "RemovePermission") and caller.arn.endswith(":root"):
        return  # the root of the owning account can always repair a policy that locks everybody out
    said = policies.parse(queue.policy).evaluate(_asked(caller, queue, action, now))
    if said is Effect.DENY or not (is_owner or (said is Effect.ALLOW and action not in OWNERS_ALONE)):
        raise _denied(caller, queue, action)


def check_known(caller: Caller, action: str) -> None:
    """Of operations on an account, not on a queue: nobody in particular has none. Raises AccessDenied."""
    if caller.is_anonymous:
        raise AccessDenied(f"User: anonymous is not authorized to perform: sqs:{action.lower()}")


def lets_service(queue: Queue, service: str, *, source_arn: str, source_account: str) -> bool:
    """Whether an AWS service may send a message to the queue on behalf of a resource (a topic, a rule, a bucket)."""
    if not queue.policy:
        return False
    asked = Asked(
        action="sqs:SendMessage",
        resource=queue.key.arn,
        principal_arn="",
        account_id="",
        context={
            "aws:sourcearn": (source_arn,),
            "aws:sourceaccount": (source_account,),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (service,),
            "aws:securetransport": ("true",),
        },
        service=service,
    )
    return policies.parse(queue.policy).evaluate(asked) is Effect.ALLOW


def lets_account(queue: Queue, account_id: str, principal_arn: str) -> bool:
    """Whether a role may send a message to the queue: of the owner's account unless denied, of others if allowed."""
    is_owner = account_id == queue.key.account_id
    if not queue.policy:
        return is_owner
    context = {"aws:principalarn": (principal_arn,), "aws:principalaccount": (account_id,)}
    asked = Asked("sqs:SendMessage", queue.key.arn, principal_arn, account_id, context)
    said = policies.parse(queue.policy).evaluate(asked)
    return said is Effect.ALLOW or (is_owner and said is Effect.NONE)


def _asked(caller: Caller, queue: Queue, action: str, now: float) -> Asked:
    context = {
        "aws:sourceip": (caller.source_ip,),
        "aws:securetransport": ("false",),
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).isoformat(),),
        "aws:epochtime": (str(int(now)),),
        "aws:requestedregion": (queue.key.region,),
    }
    if not caller.is_anonymous:
        context |= {"aws:principalarn": (caller.arn,), "aws:principalaccount": (caller.account_id,)}
    return Asked(
        action=f"sqs:{_SINGLE.get(action, action)}",
        resource=queue.key.arn,
        principal_arn=caller.arn,
        account_id="" if caller.is_anonymous else caller.account_id,
        context=context,
    )


#: A policy speaks of the single action; that of its batch is the same.
_SINGLE = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


def _denied(caller: Caller, queue: Queue, action: str) -> AccessDenied:
    who = caller.arn or "anonymous"
    return AccessDenied(
        f"User: {who} is not authorized to perform: sqs:{action.lower()} on resource: {queue.key.arn} because no "
        f"resource-based policy allows the sqs:{action.lower()} action"
    )
