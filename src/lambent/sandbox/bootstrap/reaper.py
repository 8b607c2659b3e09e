"""Process 1 of every sandbox: waits, reaps orphans, and tells the platform how the runtime ended.

It exists so that the runtime is an ordinary process: signals keep their default actions and orphans vanish. Where
there are no control groups it also stops and continues everything else when the platform asks. A function runs
under the same user id, so nothing here may hold more power than a function has.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def reap(runtime_pid: int, status_fd: int) -> NoReturn:
    """Does not return: ends with the runtime, and with it everything else in the sandbox."""
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(-1, signal.SIGSTOP))
    signal.signal(signal.SIGUSR2, lambda *_: os.kill(-1, signal.SIGCONT))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        pid, status = os.wait()
        if pid == runtime_pid:
            os.write(status_fd, b"%d" % status)
            os._exit(0)
