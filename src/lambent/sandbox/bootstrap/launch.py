"""The first file a fresh interpreter runs: loads its neighbours as the package `_lambent`, then hands over.

`launch.py zygote` becomes a zygote (zygote.py); `launch.py runtime DIRECTORY` is a Python runtime started afresh
inside a sandbox (runtime.py), which finds the SDK in that directory. Both find their socket as descriptor 3. The
private package name keeps functions free to call their own modules `zygote` or `bootstrap`.
"""

import os
import sys
from importlib import import_module, util


def _load_neighbours() -> None:
    directory = os.path.dirname(os.path.abspath(__file__))
    location = os.path.join(directory, "__init__.py")
    spec = util.spec_from_file_location("_lambent", location, submodule_search_locations=[directory])
    assert spec is not None
    assert spec.loader is not None
    package = util.module_from_spec(spec)
    sys.modules["_lambent"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load_neighbours()
    _part, _arguments = sys.argv[1], sys.argv[2:]
    sys.argv[:] = ["/var/runtime/bootstrap"]
    import_module("_lambent." + _part).main(*_arguments)
