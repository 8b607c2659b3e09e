"""The log against a plain list: whatever is appended, read and trimmed in whatever order."""

import asyncio
import tempfile
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.storage import log
from lambent.storage.database import Database

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(["a", "b"]), st.binary(max_size=20)),
        st.tuples(st.just("trim"), st.sampled_from(["a", "b"]), st.integers(0, 12)),
        st.tuples(st.just("read"), st.sampled_from(["a", "b"]), st.integers(0, 12)),
        st.tuples(st.just("reopen"), st.just("a"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_log_behaves_like_a_list_with_a_trimmed_front(steps: list[tuple[str, str, bytes | int]]) -> None:
    async def main(path: Path) -> None:
        database = Database.open(path)
        model: dict[str, list[bytes]] = {"a": [], "b": []}
        trimmed = {"a": 0, "b": 0}
        for step, name, value in steps:
            if isinstance(value, bytes):
                # Records of the bytes of `value`, of "" where it has none: at least one.
                records = [(7, value[n : n + 1]) for n in range(max(len(value), 1))]
                position = await database.write(partial(log.append_all, log=name, records=records))
                model[name] += [payload for _, payload in records]
                assert position == len(model[name])
            elif step == "trim":
                await database.write(partial(log.trim, log=name, through=value))
                trimmed[name] = max(trimmed[name], min(value, len(model[name])))
            elif step == "read":
                found = database.read(partial(log.read_after, log=name, position=value, limit=5))
                first = max(value, trimmed[name])
                expected = list(enumerate(model[name], 1))[first : first + 5]
                assert [(record.position, record.payload) for record in found] == expected
            else:
                await database.close()
                database = Database.open(path)
            assert database.read(partial(log.head, log=name)) == len(model[name])
        await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "db"))
