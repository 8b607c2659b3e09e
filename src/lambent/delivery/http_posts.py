"""Messages to URLs: each is a POST in a thread of its own, of which there are as many as parcels are carried at once.

What is answered with 2xx is taken. What fails in a way that may pass (no answer, 429, 5xx) is tried again by `parcels`;
any other answer is final, redirects too: "Amazon SNS message delivery retries" in the developer guide.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import MAX_CARRIED
from lambent.delivery.targets import Refused
from lambent.kit.clock import Clock
from lambent.kit.deferred import Deferred

if TYPE_CHECKING:
    from lambent.delivery.http_client import HttpClient

_CLIENT = Deferred("lambent.delivery.http_client")

#: With those whose time is up and which have not noticed yet: an endpoint may answer one byte a second.
MAX_THREADS = 2 * MAX_CARRIED

#: Subscriptions whose pace is remembered.
_MAX_PACES = 10_000


class HttpPosts:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = 0
        self._client: HttpClient | None = None
        self._free_at: dict[str, float] = {}
        """Subscription -> when its next message may go."""

    async def carry(self, parcel: Parcel) -> None:
        """Raises Refused."""
        module = await asyncio.to_thread(_CLIENT.load)
        client = self._client = self._client or module.HttpClient()
        await self._keep_pace(parcel.terms["subscription"], parcel.terms["rate"])
        url, headers, body = parcel.message.target_arn, parcel.terms["headers"], parcel.message.body
        try:
            async with asyncio.timeout(module.TIMEOUT_SECONDS):
                status = await self._in_thread(lambda: client.post(url, headers, body))
        except TimeoutError as error:
            raise Refused("Timeout", f"no answer within {module.TIMEOUT_SECONDS:.0f} seconds") from error
        except module.Unreachable as error:
            raise Refused("Unreachable", str(error), is_final=error.is_final) from error
        if not 200 <= status < 300:
            raise Refused(f"HTTP {status}", f"the endpoint answered {status}", is_final=not _may_pass(status))

    async def _keep_pace(self, subscription: str, per_second: int | None) -> None:
        """Each waits for its turn: at most as long as those carried to one host are many."""
        if per_second is None:
            return
        now = self._clock.monotonic()
        turn = max(now, self._free_at.get(subscription, 0.0))
        if len(self._free_at) >= _MAX_PACES:
            self._free_at.clear()
        self._free_at[subscription] = turn + 1 / per_second
        await self._clock.sleep(turn - now)

    async def _in_thread(self, work: Callable[[], int]) -> int:
        """In one that dies with the process: no endpoint holds up its end. Raises Refused if there are too many."""
        if self._threads >= MAX_THREADS:
            raise Refused("Throttled", "too many endpoints take their time")
        self._threads += 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[int] = loop.create_future()

        def finish(status: int, error: Exception | None) -> None:
            self._threads -= 1
            if answer.done():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(status)

        threading.Thread(target=_run, args=(work, finish, loop), name="lambent-http", daemon=True).start()
        return await answer


def _run(work: Callable[[], int], finish: Callable[[int, Exception | None], Any], loop: Any) -> None:
    outcome: tuple[int, Exception | None]
    try:
        outcome = (work(), None)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to whoever waits
        outcome = (0, error)
    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
        loop.call_soon_threadsafe(finish, *outcome)


def _may_pass(status: int) -> bool:
    return status == 429 or status >= 500
