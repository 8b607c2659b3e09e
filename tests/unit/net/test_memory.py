"""Bodies of any size pass through in flat memory. The server is a process of its own, so that it can be weighed."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
HTTP_2_SIZE = SIZE // 4  # each of its frames is work in Python
GROWTH_KIB = 32 * 1024  # the promise to clients is 64 MiB for 5 GiB; pages of shared libraries need some of it


def peak_kib(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@contextmanager
def serving(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """Port and process id of a server that sends a file of so many bytes and counts what it is sent."""
    with path.open("wb") as file:
        file.truncate(size)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline()), server.pid
    finally:
        server.kill()
        server.communicate()


@pytest.mark.slow
def test_a_large_upload_and_a_large_download_cost_no_memory(tmp_path: Path) -> None:
    with serving(tmp_path / "content", SIZE) as (port, pid), socket.create_connection(("127.0.0.1", port)) as client:
        before = peak_kib(pid)
        client.sendall(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % SIZE)
        piece = bytes(4 * 1024 * 1024)
        for _ in range(SIZE // len(piece)):
            client.sendall(piece)
        assert b"x-count: %d\r\n" % SIZE in client.recv(4096)
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        received = 0
        while received < SIZE:
            received += len(client.recv(1024 * 1024))
        assert peak_kib(pid) - before < GROWTH_KIB


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here, and a client in Python takes a minute")
def test_neither_do_they_over_http_2(tmp_path: Path) -> None:
    path = tmp_path / "content"
    with serving(path, HTTP_2_SIZE) as (port, pid):
        curl = ["curl", "--silent", "--fail", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/"]
        subprocess.run([*curl, "--head", "--output", "/dev/null"], check=True)  # what serves HTTP/2 is loaded
        before = peak_kib(pid)
        sent = subprocess.run([*curl, "--dump-header", "-", "--upload-file", path], check=True, stdout=subprocess.PIPE)
        assert b"x-count: %d" % HTTP_2_SIZE in sent.stdout
        subprocess.run([*curl, "--output", "/dev/null"], check=True)
        assert peak_kib(pid) - before < GROWTH_KIB
