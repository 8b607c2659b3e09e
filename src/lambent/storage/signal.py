"""Signal: "something was committed for you", without what. The subscriber reads the database to learn more."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable


class Signal:
    """One subscriber's bell. Rings that fall together are heard once."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    async def wait(self) -> None:
        """Return when the topic was announced since the last `wait`."""
        await self._rung.wait()
        self._rung.clear()

    def take(self) -> bool:
        """Was the topic announced since the last `wait` or `take`? For those who look when they need to know."""
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    def ring(self) -> None:
        self._rung.set()


class Switchboard:
    """Topic -> the bells to ring. Used on the event loop only."""

    def __init__(self) -> None:
        self._signals: defaultdict[str, list[Signal]] = defaultdict(list)

    def subscribe(self, topic: str, signal: Signal | None = None) -> Signal:
        signal = signal or Signal()
        self._signals[topic].append(signal)
        return signal

    def unsubscribe(self, topic: str, signal: Signal) -> None:
        self._signals[topic].remove(signal)

    def announce(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for signal in self._signals.get(topic, ()):
                signal.ring()
