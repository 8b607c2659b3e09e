"""Subscriptions: who is being pushed which shard; one for a consumer and a shard at any time.

"If you call SubscribeToShard again with the same ConsumerARN and ShardId within 5 seconds of a successful call, you'll
get a ResourceInUseException. If you call SubscribeToShard 5 seconds or more after a successful call, the second call
takes over the subscription" (API Reference). Kept in memory: a subscription lives no longer than its connection.
"""

from dataclasses import field

from lambent.kit.clock import Clock
from lambent.kit.frozen import mutable
from lambent.services.kinesis.errors import LimitExceeded, ResourceInUse
from lambent.services.kinesis.names import ConsumerKey
from lambent.storage.signal import Signal

#: In which a second call is refused.
PROTECTED_SECONDS = 5.0
#: API Reference: "for up to 5 minutes".
LIFETIME_SECONDS = 300.0
#: Of all consumers together; each holds a connection.
MAX_SUBSCRIPTIONS = 2_000


@mutable
class Subscription:
    consumer: ConsumerKey
    shard_id: str
    began: float
    bell: Signal = field(default_factory=Signal)
    """Rings when there may be records, and when something is decided about the subscription."""
    is_taken_over: bool = False
    is_over: bool = False
    """The platform stops, or the consumer is gone."""

    @property
    def ends(self) -> float:
        return self.began + LIFETIME_SECONDS


class Subscriptions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._current: dict[tuple[ConsumerKey, str], Subscription] = {}
        self._is_closed = False

    def begin(self, consumer: ConsumerKey, shard_id: str) -> Subscription:
        """Raises ResourceInUse, LimitExceeded."""
        now = self._clock.monotonic()
        self._forget_ended(now)
        earlier = self._current.get((consumer, shard_id))
        if earlier is not None:
            if now - earlier.began < PROTECTED_SECONDS:
                raise in_use(earlier)
            earlier.is_taken_over = True
            earlier.bell.ring()
        elif len(self._current) >= MAX_SUBSCRIPTIONS:
            raise LimitExceeded(f"{MAX_SUBSCRIPTIONS} subscriptions to shards are open; close one and try again.")
        subscription = Subscription(consumer, shard_id, now, is_over=self._is_closed)
        self._current[consumer, shard_id] = subscription
        return subscription

    def withdraw(self, consumer: ConsumerKey) -> None:
        """It was deregistered."""
        for subscription in self._current.values():
            if subscription.consumer == consumer:
                subscription.bell.ring()

    def end(self, subscription: Subscription) -> None:
        """Its connection is gone; the place stays taken as long as a second call is refused."""
        subscription.is_over = True
        self._forget_ended(self._clock.monotonic())

    def close(self) -> None:
        """End all: the platform is about to stop, and would wait for them."""
        self._is_closed = True
        for subscription in self._current.values():
            subscription.is_over = True
            subscription.bell.ring()

    def _forget_ended(self, now: float) -> None:
        ended = [
            place
            for place, one in self._current.items()
            if now >= one.ends or (one.is_over and now - one.began >= PROTECTED_SECONDS)
        ]
        for place in ended:
            del self._current[place]


def in_use(subscription: Subscription) -> ResourceInUse:
    stream = subscription.consumer.stream
    return ResourceInUse(
        f"Another active subscription exists for this consumer: {stream.account_id}:{stream.name}:"
        f"{subscription.shard_id}:{subscription.consumer.name}"
    )
