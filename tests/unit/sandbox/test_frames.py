import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.sandbox import frames
from lambent.sandbox.bootstrap.channel import Channel, Closed

LIMIT = 1000
FRAMES = st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=LIMIT + 50)), max_size=8)


@given(FRAMES, st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_frames_survive_any_cutting(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.encode(kind, payload) for kind, payload in sent)
    reader = frames.FrameReader(LIMIT)
    received, position, turn = [], 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        received += reader.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    expected = [frame if len(frame[1]) <= LIMIT else (frames.OVERSIZED, b"") for frame in sent]
    assert received == expected


def test_an_oversized_frame_is_dropped_and_the_next_one_read() -> None:
    reader = frames.FrameReader(LIMIT)
    stream = frames.encode(2, b"x" * (LIMIT + 1)) + frames.encode(3, b"fine")
    assert reader.feed(stream) == [(frames.OVERSIZED, b""), (3, b"fine")]


@pytest.mark.parametrize("size", [0, 1, 65_500, 65_536, 90_000])
def test_both_ends_speak_the_same(size: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(theirs)
        ours.sendall(frames.encode_invoke(b'{"meta":1}', b"e" * size))
        assert channel.receive() == (frames.INVOKE, b'\x00\n{"meta":1}' + b"e" * size)
        channel.send(frames.RESULT, b"r" * size)
        reader = frames.FrameReader(1 << 20)
        assert reader.feed(ours.recv(1 << 20)) == [(frames.RESULT, b"r" * size)]
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(Closed):
            channel.receive()


def test_a_fork_of_the_function_does_not_speak_for_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(theirs)
        assert channel.is_ours
        pid = os.fork()
        if pid == 0:
            os._exit(0 if not channel.is_ours else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
