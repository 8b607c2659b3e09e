"""Conservation over all sources at once: what went in was handled, or was given up to somebody, and nothing else is.

One run is a platform with every source, and random steps: records are put, time passes, functions are throttled, a URL
is silent, permissions and policies come and go, mappings are changed, deleted and made anew, shards are split and
merged, streams are deleted under those who write to them, archives are replayed, the disk is full, and between any two
of it the platform is drained, stopped or cut off and started again. Then all is let come to an end, and the books are
balanced for each line of a source: records in = records handled + records given up, none missing and none too many, in
order where order is promised, exactly once where that is; and nothing is left anywhere that waits.

LAMBENT_CONSERVATION_ROUNDS says how many runs, LAMBENT_CONSERVATION_SEED which is the first, LAMBENT_CONSERVATION_STEPS
how many steps each has.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from certificates import Authority
from delivery.conservation import changes, sources
from delivery.conservation.edge import Edge, Failing
from delivery.conservation.endpoint import Endpoint
from delivery.conservation.life import Ending, Life, SteppingClock
from delivery.conservation.lines import LINES, End, Line
from delivery.conservation.world import World
from lambent.delivery import replays

ROUNDS = int(os.environ.get("LAMBENT_CONSERVATION_ROUNDS", "2"))
FIRST_SEED = int(os.environ.get("LAMBENT_CONSERVATION_SEED", "2"))
STEPS = int(os.environ.get("LAMBENT_CONSERVATION_STEPS", "40"))

#: At the end, and nothing more may come in it, whatever falls due.
SILENCE_SECONDS = 2 * 3600

#: So few that a replay takes a while.
REPLAYED_AT_ONCE = 3

#: Runs in which each of a line's ways to its end is taken, and taken often.
MANY_ROUNDS = 50

#: (line, what became of a record) -> how often, in all runs.
TALLY: Counter[tuple[str, str]] = Counter()

Step = Callable[[World], Awaitable[None]]

STEPS_TAKEN: dict[Step, int] = {
    World.put: 12,
    World.wait: 8,
    World.wait_long: 1,
    World.hesitate: 4,
    changes.throttle: 3,
    changes.change_mapping: 5,
    changes.delete_mapping: 3,
    changes.make_mappings: 4,
    changes.forbid: 1,
    changes.permit: 1,
    changes.forbid_briefly: 1,
    changes.reshard: 2,
    changes.delete_stream: 1,
    changes.make_streams: 2,
    changes.change_subscriptions: 1,
    changes.replay: 2,
    changes.cancel_replay: 1,
    changes.delete_archive: 1,
}
#: After which something may have come twice.
HARSH: dict[Step, int] = {World.restart: 4, World.hurry: 2, World.fill_disk: 2}


async def play(directory: Path, seed: int, authority: Authority) -> World:
    """`authority`: whom this machine trusts to know who URLs are.

    Every third run is calm: the platform is never ended, its disk is in time, and then nothing comes twice."""
    chance, clock = random.Random(seed), SteppingClock()
    is_calm = seed % 3 == 0
    edge = Edge(clock, random.Random(seed))
    endpoint = Endpoint(edge)
    await endpoint.start(directory, authority)
    life = await Life.begin(directory / "0.db", clock, edge, endpoint)
    world = World(life, edge, clock, chance, await sources.deploy(life, chance))
    steps = STEPS_TAKEN | ({} if is_calm else HARSH)
    try:
        for _ in range(STEPS):
            (step,) = chance.choices(list(steps), list(steps.values()))
            world.done[step.__name__] += 1
            await step(world)
        await world.all_is_put()
        await changes.undo(world)
        await world.finish()
        world.close(is_calm=is_calm)
        await life_is_silent(world)
    finally:
        await world.life.end(Ending.STOP)
        await endpoint.stop()
    return world


async def life_is_silent(world: World) -> None:
    """Nothing is under way, and nothing comes any more."""
    parts = world.life.parts
    handled = {line: len(names) for line, names in world.edge.handled.items()}
    await world.life.pass_time(SILENCE_SECONDS)
    assert {line: len(names) for line, names in world.edge.handled.items()} == handled
    assert world.remains() == []
    assert world.edge.running == 0
    assert not parts.async_invocations.depths().total()
    assert not any(load.running for load in (*parts.invoker._loads.values(), *parts.invoker._account_loads.values()))
    assert not parts.parcels._carried
    assert not parts.posts.under_way


@pytest.mark.slow
@pytest.mark.timeout(60 + STEPS)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_of_every_source_nothing_is_lost_and_nothing_appears(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "PORTION", REPLAYED_AT_ONCE)
    random.seed(seed)
    print(f"LAMBENT_CONSERVATION_SEED={seed}")
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    world = asyncio.run(play(tmp_path, seed, authority))
    print(dict(world.done), dict(world.edge.invocations), {name: len(names) for name, names in world.accepted.items()})
    TALLY.update(world.tally)


@pytest.mark.skipif(ROUNDS < MANY_ROUNDS, reason="of a few runs each takes its own ways")
def test_every_way_was_taken() -> None:
    """After the others: what never happens holds without meaning anything."""
    print(table := tallied())
    wanted = [(line.name, what) for line in LINES for what in ways_of(line)]
    never = [cell for cell in [*wanted, *ENDS_OF_REPLAYS] if not TALLY[cell]]
    assert not never, f"{never}\n{table}"


ENDS_OF_REPLAYS = [("replays", state) for state in ("COMPLETED", "CANCELLED after a part", "FAILED after a part")]


def ways_of(line: Line) -> list[str]:
    """What may become of its records, and does."""
    ways = ["arrived", "due in a new life"]
    if line.end in (End.FUNCTION, End.URL):
        ways += ["given up", *(failing.value for failing in Failing)]
    elif line.name in changes.REFUSED:
        ways.append("given up")
    return [*ways, "destroyed"] if line.stream else ways


def tallied() -> str:
    columns = dict.fromkeys(what for _, what in TALLY)
    names = [*(line.name for line in LINES), "replays"]
    rows = [(name, *(str(TALLY[name, what]) for what in columns)) for name in names]
    return "\n".join("  ".join(cell.rjust(17) for cell in row) for row in (("", *columns), *rows))
