"""The platform's end of one zygote: boots it, asks it for children, hears of its death.

A zygote is a fresh interpreter started by posix_spawn (the platform has threads, so it cannot fork itself safely) with
an empty environment and a SEQPACKET socket as descriptor 3. Closing that socket, by will or by the platform's death,
ends the zygote and every sandbox with it. The messages are described in `bootstrap/zygote.py`.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lambent.kit.frozen import frozen
from lambent.sandbox.bootstrap import syscalls
from lambent.sandbox.isolation.contract import ChildFailed

_MESSAGE_BYTES = 262144
_MOST_FDS = 16
_BOOT_SECONDS = 60.0
_ANSWER_SECONDS = 20.0
LAUNCH_FILE = Path(syscalls.__file__).parent / "launch.py"


@frozen
class IdMap:
    """Host ids lent to a zygote's user namespace: inside 0 is `first_host_id`, and so on."""

    first_host_id: int
    count: int


class ZygoteLink:
    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self._pid = pid
        self._waiting: dict[str, asyncio.Future[list[int]]] = {}
        self.alive = True

    @classmethod
    async def boot(cls, program: Path, boot: Mapping[str, Any], id_map: IdMap | None) -> "ZygoteLink":
        """Raises ChildFailed if the zygote cannot set itself up, with its reason."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            pid = _spawn(program, theirs.fileno())
        ours.setblocking(False)
        link = cls(ours, pid)
        try:
            async with asyncio.timeout(_BOOT_SECONDS):
                await link._become_ready(boot, id_map)
        except TimeoutError as error:
            link.close()
            raise ChildFailed(f"{program}: no zygote within {_BOOT_SECONDS:.0f} seconds") from error
        except BaseException:  # cancelled as well: a zygote that waits for us ends only when our side is closed
            link.close()
            raise
        finally:
            await asyncio.to_thread(_collect, pid)
        asyncio.get_running_loop().add_reader(ours.fileno(), link._on_readable)
        return link

    async def spawn(self, name: str, request: Mapping[str, Any], fds: Sequence[int]) -> list[int]:
        """Answers with the child's pidfd, then its listening sockets in the order of `ports`."""
        return await self._answer(name, self._ask(name, {"spawn": name, **request}, fds))

    def assign(self, name: str, request: Mapping[str, Any], fds: Sequence[int]) -> Awaitable[None]:
        """Sends the request at once; the mounts are there when the answer has been awaited."""
        return self._assigned(name, self._ask(name, {"assign": name, **request}, fds))

    def close(self) -> None:
        """Ends the zygote and all its children."""
        if not self.alive:
            return
        self.alive = False
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ChildFailed("the zygote is gone"))
        self._waiting.clear()

    async def _become_ready(self, boot: Mapping[str, Any], id_map: IdMap | None) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._sock, json.dumps(boot).encode())
        while True:
            answer = json.loads(await loop.sock_recv(self._sock, _MESSAGE_BYTES) or b"{}")
            if "ready" in answer:
                return
            if "map" not in answer or id_map is None:
                raise ChildFailed(answer.get("broken", "the zygote died while it started"))
            _lend_ids(self._pid, id_map)
            await loop.sock_sendall(self._sock, b"mapped")

    async def _assigned(self, name: str, waiting: "asyncio.Future[list[int]]") -> None:
        await self._answer(name, waiting)

    def _ask(self, name: str, message: Mapping[str, Any], fds: Sequence[int]) -> "asyncio.Future[list[int]]":
        if not self.alive:
            raise ChildFailed("the zygote is gone")
        try:
            syscalls.send_with_fds(self._sock, json.dumps(message).encode(), list(fds))
        except OSError as error:
            raise ChildFailed(f"the zygote cannot be reached: {error}") from error
        waiting: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = waiting
        return waiting

    async def _answer(self, name: str, waiting: "asyncio.Future[list[int]]") -> list[int]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await waiting
        except TimeoutError as error:
            raise ChildFailed(f"the zygote did not answer within {_ANSWER_SECONDS:.0f} seconds") from error
        finally:
            self._waiting.pop(name, None)

    def _on_readable(self) -> None:
        while self.alive:
            try:
                data, fds = syscalls.receive_with_fds(self._sock, _MESSAGE_BYTES, _MOST_FDS)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            if not data:
                self.close()
                return
            self._take(json.loads(data), fds)

    def _take(self, message: dict[str, Any], fds: list[int]) -> None:
        name = message.get("child") or message.get("assigned") or message.get("failed") or ""
        waiting = self._waiting.get(name)
        if waiting is None or waiting.done():  # whoever asked has given up
            for fd in fds:
                os.close(fd)
        elif "failed" in message:
            waiting.set_exception(ChildFailed(message["error"]))
        else:
            waiting.set_result(fds)


def _spawn(program: Path, fd: int) -> int:
    """Descriptor 3 is `fd`; a session of its own, so that Ctrl-C is ours to handle."""
    moved = fd if fd != 3 else os.dup(fd)
    try:
        return os.posix_spawn(
            program,
            [str(program), "-I", "-S", "-B", str(LAUNCH_FILE), "zygote"],
            {},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, moved, 3),
            ],
            setsid=True,
            setsigmask=[],
        )
    finally:
        if moved != fd:
            os.close(moved)


def _lend_ids(pid: int, id_map: IdMap) -> None:
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{pid}/{name}").write_text(f"0 {id_map.first_host_id} {id_map.count}")


def _collect(pid: int) -> None:
    """The process we started ends when the zygote proper has been forked off, or has failed."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
