"""Which isolation this machine allows: tried out at start, best first.

A level counts only if a whole sandbox works: namespaces, root, mounts, filter, and code mounted late. Where none does
(containers without the right to make namespaces, AppArmor's restriction on Ubuntu, other systems), functions run as
mere processes, and only if the settings say that this is wanted.
"""

import asyncio
import logging
import os
import platform
import sys
from pathlib import Path

from lambent.kit.frozen import frozen
from lambent.sandbox.bootstrap import syscalls
from lambent.sandbox.isolation.cgroups import Cgroups
from lambent.sandbox.isolation.contract import ChildFailed, Isolation, IsolationUnavailable, Kind, Level, Resources
from lambent.sandbox.isolation.namespaces import Namespaces
from lambent.sandbox.isolation.process import Processes
from lambent.sandbox.runtimes import Dialect, Runtime, Start

_log = logging.getLogger(__name__)

_PROBE = Runtime(name="self-test", start=Start.LAUNCH, dialect=Dialect.FRAMES, program=Path())
_PROBE_SECONDS = 10.0
_READY_FRAME_BYTES = 5

_WARNING = (
    "Functions run WITHOUT isolation: as processes of this user, with access to its files, network and other"
    " processes. Run only code you trust."
)


@frozen
class IsolationPolicy:
    level: Level | None = None
    """None: the best there is."""
    allow_process: bool = False
    cpu_quota: bool = False
    """Hold functions to their CPU share even on an idle machine, as AWS does."""


async def choose(policy: IsolationPolicy) -> Isolation:
    """Raises IsolationUnavailable, with every level's reason."""
    reasons: list[str] = []
    for level in _candidates(policy):
        if level is Level.PROCESS:
            _log.warning(_WARNING)
            return Processes()
        try:
            return await _try_namespaces(level, policy)
        except (ChildFailed, OSError, TimeoutError, KeyError) as error:
            reasons.append(f"{level.value}: {error}")
    raise IsolationUnavailable(
        f"functions cannot be isolated here ({'; '.join(reasons) or 'not Linux'}). Run as root, or allow"
        " unprivileged user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu,"
        " user.max_user_namespaces > 0); or accept functions without isolation with --isolation process"
    )


def _candidates(policy: IsolationPolicy) -> list[Level]:
    levels = [Level.FULL, Level.USERNS] if os.geteuid() == 0 else [Level.USERNS]
    if sys.platform != "linux":
        levels = []
    if policy.allow_process or policy.level is Level.PROCESS:
        levels.append(Level.PROCESS)
    return [level for level in levels if policy.level in (None, level)]


async def _try_namespaces(level: Level, policy: IsolationPolicy) -> Isolation:
    if platform.machine() not in ("x86_64", "aarch64"):
        raise ChildFailed(f"no system call filter for {platform.machine()}")
    isolation = Namespaces(level, await asyncio.to_thread(Cgroups.open), cpu_quota=policy.cpu_quota)
    try:
        await _try_out(isolation)
    except BaseException:
        await isolation.close()
        raise
    await isolation.end_zygote(_PROBE)
    return isolation


async def _try_out(isolation: Namespaces) -> None:
    """A sandbox of the smallest kind, from its making to the mount of its code."""
    async with asyncio.timeout(_PROBE_SECONDS):
        child = await isolation.make_child(Kind(_PROBE, Start.LAUNCH, network=False), hurry=True)
        child.channel.setblocking(False)
        ready = await asyncio.get_running_loop().sock_recv(child.channel, _READY_FRAME_BYTES)
        if len(ready) != _READY_FRAME_BYTES:
            said = os.read(child.output, 4096).decode(errors="replace").strip()
            raise ChildFailed(said.splitlines()[-1] if said else "the sandbox died")
        code_dir = Path(syscalls.__file__).parent
        await isolation.assign(child, Resources(memory_mb=128, tmp_mb=512, code_dir=code_dir, layer_dirs=()))
        child.kill()
        await child.end
        child.release()
