"""Universal targets: a parcel whose message is the request of an API call, made in the name of the account.

The call is no SQL, so it is made after the commit that decided on it, from the parcel: at least once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from lambent.delivery import schedule_messages
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.targets import Refused
from lambent.kit.arn import Arn
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.scheduler import universal_targets
from lambent.wire.errors import ServiceError

#: A call that takes longer counts as failed: more than the longest function takes.
CALL_SECONDS = 960.0

CallApi = Callable[[Caller, str, str, Mapping[str, Any]], Awaitable[Any]]
"""(who, service, action, request). Raises ServiceError."""

#: What a moment later may go better.
_PASSING = ("throttl", "toomanyrequests", "slowdown", "limitexceeded", "throughputexceeded", "inuse")


class UniversalCalls:
    def __init__(self, call: CallApi, ids: Ids) -> None:
        self._call = call
        self._ids = ids

    async def carry(self, parcel: Parcel) -> None:
        """Raises Refused."""
        message = schedule_messages.render(parcel)
        action = universal_targets.parse(message.target_arn)
        if action is None:
            raise Refused("InvalidTarget", f"{message.target_arn} is nothing that can be called", is_final=True)
        caller = self._caller(Arn.parse(message.sender.arn), message.trace)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._call(caller, action.service, action.action, orjson.loads(message.body))
        except ServiceError as error:
            raise Refused(error.code, error.message, is_final=_is_final(error)) from error
        except orjson.JSONDecodeError as error:
            raise Refused("InvalidRequest", f"Input is not JSON: {error}", is_final=True) from error
        except TimeoutError as error:
            raise Refused("Timeout", f"no answer within {CALL_SECONDS:.0f} seconds") from error

    def _caller(self, schedule: Arn, trace: str) -> Caller:
        """The account of the schedule: roles are not held to policies of their own here."""
        arn = f"arn:aws:iam::{schedule.account_id}:root"
        return Caller(
            schedule.account_id, schedule.region, arn, "scheduler.amazonaws.com", self._ids.uuid(), trace=trace
        )


def _is_final(error: ServiceError) -> bool:
    code = error.code.lower()
    return error.is_client_fault and not any(part in code for part in _PASSING)
