"""Bodies of any size pass through in flat memory. The server is a process of its own, so that it can be weighed."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = """
import asyncio, os, sys
import uvloop
from lambent.net.listener import Listener
from lambent.wire.http import FileSlice, Response

async def handle(request):
    if request.method == "GET":
        return Response(200, {}, FileSlice(os.open(sys.argv[1], os.O_RDONLY), 0, os.stat(sys.argv[1]).st_size))
    count = 0
    async for piece in request.body.chunks():
        count += len(piece)
        await asyncio.sleep(0)
    return Response(200, {"x-count": str(count)})

async def main():
    async with Listener(handle) as listener:
        await listener.bind("127.0.0.1", 0)
        print(listener.port, flush=True)
        await asyncio.Event().wait()

uvloop.run(main())
"""
SIZE = 1024 * 1024 * 1024
GROWTH_KIB = 32 * 1024  # the promise to clients is 64 MiB for 5 GiB; pages of shared libraries need some of it


def peak_kib(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.slow
def test_a_large_upload_and_a_large_download_cost_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "content"
    with path.open("wb") as file:
        file.truncate(SIZE)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as client:
            before = peak_kib(server.pid)
            client.sendall(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % SIZE)
            piece = bytes(4 * 1024 * 1024)
            for _ in range(SIZE // len(piece)):
                client.sendall(piece)
            assert b"x-count: %d\r\n" % SIZE in client.recv(4096)
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            received = 0
            while received < SIZE:
                received += len(client.recv(1024 * 1024))
            assert peak_kib(server.pid) - before < GROWTH_KIB
    finally:
        server.kill()
        server.communicate()
