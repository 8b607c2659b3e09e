"""Which runtimes this machine has, of all kinds. Looks at files only, starts nothing."""

import os
from pathlib import Path

from lambent.sandbox import custom_runtimes, node_runtimes, python_runtimes
from lambent.sandbox.runtimes import Runtime


def discover() -> dict[str, Runtime]:
    search_path = [Path(entry) for entry in os.get_exec_path() if entry and os.access(entry, os.X_OK)]
    home = Path.home()
    return {
        **python_runtimes.discover(search_path, home),
        **node_runtimes.discover(search_path, home),
        **custom_runtimes.discover(),
    }
