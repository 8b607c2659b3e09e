"""Work that is done in the transaction that announces its topic."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.standing_orders import StandingOrder
from lambent.storage.transaction import Transaction


def append(payload: bytes, *topics: str) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        log.append(tx, "sent", payload, 1)
        for topic in topics:
            tx.announce(topic)

    return work


def take_all(tx: Transaction) -> list[bytes] | None:
    """Moves what was sent to what was taken."""
    before = len(log.read_after(tx, "taken", 0, 1000))
    sent = [record.payload for record in log.read_after(tx, "sent", 0, 1000)][before:]
    for payload in sent:
        log.append(tx, "taken", payload, 1)
    return sent or None


def taken(database: Database) -> list[bytes]:
    return [record.payload for record in database.read(lambda tx: log.read_after(tx, "taken", 0, 1000))]


def run(tmp_path: Path, main: Callable[[Database], object]) -> None:
    async def opened() -> None:
        database = Database.open(tmp_path / "db")
        await main(database)  # type: ignore[misc]
        await database.close()

    asyncio.run(opened())


def test_an_order_is_done_with_the_commit_that_announces_its_topic(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        order = database.when_announced("box", take_all)
        await database.write(append(b"1"))
        assert (order.is_done, taken(database)) == (False, [])
        await database.write(append(b"2", "box"))
        assert taken(database) == [b"1", b"2"], "it is there as soon as the sender knows that it has sent"
        assert await order.demand() == [b"1", b"2"]
        await database.write(append(b"3", "box"))
        assert taken(database) == [b"1", b"2"], "once"

    run(tmp_path, main)


def test_an_order_sees_all_that_shares_the_commit(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        order = database.when_announced("box", take_all)
        await asyncio.gather(*(database.write(append(b"%d" % n, "box")) for n in range(5)))
        assert await order.demand() == [b"%d" % n for n in range(5)]

    run(tmp_path, main)


def test_an_order_placed_with_its_cause_is_done(tmp_path: Path) -> None:
    """The cause is submitted first and not committed yet: whoever looked before placing the order did not see it."""

    async def main(database: Database) -> None:
        sending = asyncio.ensure_future(database.write(append(b"1", "box")))
        await asyncio.sleep(0)
        order = database.when_announced("box", take_all)
        await sending
        assert await asyncio.wait_for(asyncio.shield(order.demand()), 5) == [b"1"]

    run(tmp_path, main)


def test_an_order_that_comes_to_nothing_goes_on_standing(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        order = database.when_announced("box", take_all)
        await database.write(lambda tx: tx.announce("box"))
        assert not order.is_done
        await database.write(append(b"1", "box"))
        assert await order.demand() == [b"1"]

    run(tmp_path, main)


def test_what_is_demanded_is_done_at_once_and_what_is_withdrawn_never(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        await database.write(append(b"1"))
        demanded, withdrawn = (database.when_announced("box", take_all) for _ in range(2))
        assert await demanded.demand() == [b"1"]
        assert await withdrawn.withdraw() is None
        nothing = database.when_announced("box", take_all)
        assert await nothing.demand() is None
        await database.write(append(b"2", "box"))
        assert taken(database) == [b"1"]

    run(tmp_path, main)


def test_an_order_that_is_done_before_it_is_withdrawn_says_what_it_came_to(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        order = database.when_announced("box", take_all)
        sending = asyncio.ensure_future(database.write(append(b"1", "box")))
        while not taken(database):  # the writer is quicker than the loop: the commit is there, its answer is not
            await asyncio.sleep(0)
        assert await order.withdraw() == [b"1"]
        await sending

    run(tmp_path, main)


@pytest.mark.parametrize("company", [0, 3])
def test_an_order_that_fails_takes_back_its_own_effects_alone(tmp_path: Path, company: int) -> None:
    def fail(tx: Transaction) -> None:
        take_all(tx)
        raise LookupError("on purpose")

    async def main(database: Database) -> None:
        order: StandingOrder[None] = database.when_announced("box", fail)
        await asyncio.gather(*(database.write(append(b"1", "box")) for _ in range(1 + company)))
        with pytest.raises(LookupError, match="on purpose"):
            await order.demand()
        assert taken(database) == []
        assert len(database.read(lambda tx: log.read_after(tx, "sent", 0, 10))) == 1 + company

    run(tmp_path, main)


def test_an_order_stands_until_a_cause_is_committed(tmp_path: Path) -> None:
    """The cause fails, or the disk refuses the whole transaction: it has not happened, and the order is not done."""

    def fail(tx: Transaction) -> None:
        append(b"never", "box")(tx)
        raise LookupError("on purpose")

    def refused(tx: Transaction) -> None:
        append(b"never", "box")(tx)
        raise apsw.FullError("on purpose")

    async def main(database: Database) -> None:
        order = database.when_announced("box", take_all)
        for work in (fail, refused):
            with pytest.raises(Exception, match=r"on purpose|no space left"):
                await database.write(work)
            assert not order.is_done
        await database.write(append(b"1", "box"))
        assert await order.demand() == [b"1"]

    run(tmp_path, main)


def test_two_orders_for_a_topic_are_done_in_order(tmp_path: Path) -> None:
    async def main(database: Database) -> None:
        first, second = (database.when_announced("box", take_all) for _ in range(2))
        await database.write(append(b"1", "box"))
        assert (first.is_done, second.is_done) == (True, False), "nothing was left for the second"
        await database.write(append(b"2", "box"))
        assert (await first.demand(), await second.demand()) == ([b"1"], [b"2"])

    run(tmp_path, main)


def take_one(tx: Transaction) -> bytes | None:
    """Moves the next one of what was sent to what was taken."""
    place = len(log.read_after(tx, "taken", 0, 1000))
    for sent in log.read_after(tx, "sent", place, 1):
        log.append(tx, "taken", sent.payload, 1)
        return sent.payload
    return None


def test_a_line_is_served_from_its_front_until_there_is_nothing_left(tmp_path: Path) -> None:
    tried: list[int] = []

    def taking(number: int) -> Callable[[Transaction], bytes | None]:
        def work(tx: Transaction) -> bytes | None:
            tried.append(number)
            return take_one(tx)

        return work

    async def main(database: Database) -> None:
        line = [database.when_announced("box", taking(number), in_line=True) for number in range(5)]
        other = database.when_announced("box", take_one)
        await asyncio.gather(*(database.write(append(payload, "box")) for payload in (b"a", b"b")))
        assert [order.is_done for order in line] == [True, True, False, False, False]
        assert tried == [0, 1, 2], "the third finds nothing, so nobody asks those behind it"
        assert not other.is_done, "whoever is not in the line is asked all the same"
        await database.write(append(b"c", "box"))
        assert [await order.withdraw() for order in line] == [b"a", b"b", b"c", None, None]

    run(tmp_path, main)


def test_who_waits_in_line_and_fails_holds_up_nobody(tmp_path: Path) -> None:
    def fail(_: Transaction) -> bytes:
        raise ValueError("no")

    async def main(database: Database) -> None:
        told: list[str] = []
        failing = database.when_announced("box", fail, in_line=True)
        next_one = database.when_announced("box", take_one, in_line=True)
        next_one.when_done(lambda: told.append("done"))
        await database.write(append(b"a", "box"))
        with pytest.raises(ValueError, match="no"):
            await failing.demand()
        assert await next_one.demand() == b"a"
        await asyncio.sleep(0)
        assert told == ["done"]

    run(tmp_path, main)
