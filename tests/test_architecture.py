"""A module's name says what it may do: shells do I/O, stores do SQL, everything else in a service is rules."""

import ast
import configparser
import copy
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import grimp
import pytest

import lambent

SOURCE = Path(lambent.__file__).parent
#: Modules of services that are shells by name; what ends in `operations` is one as well.
SHELLS = {
    "data_plane",
    "invoker",
    "live_tail",
    "package_files",
    "publisher",
    "receiving",
    "retention",
    "upkeep",
    "writer",
}
IO = {"asyncio", "socket", "sqlite3", "apsw", "subprocess", "threading"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("lambent", include_external_packages=True, cache_dir=None)


def test_rules_do_no_io(graph: grimp.ImportGraph) -> None:
    for module in sorted(graph.find_descendants("lambent.services")):
        name = module.rpartition(".")[2]
        if name in SHELLS or name.endswith("operations"):
            continue
        reached = graph.find_modules_directly_imported_by(module) & IO
        assert not reached, f"{module} imports {sorted(reached)}; move the I/O to a shell, or name the module as one"


def test_what_is_deferred_is_imported_downwards_only(graph: grimp.ImportGraph) -> None:
    """import-linter does not see through a `Deferred`: as if it were an import, it has to keep to the layers."""
    graph = copy.deepcopy(graph)
    deferred = [(importer, name) for importer, name in _deferred() if name.startswith("lambent.")]
    assert len(deferred) > 20
    for importer, name in deferred:
        assert name in graph.modules, f"{importer} defers {name}, which is not there"
        assert importer not in graph.find_upstream_modules(name), f"{name} imports {importer}, which defers it"
        graph.add_import(importer=importer, imported=name)
    assert not graph.find_illegal_dependencies_for_layers(_layers(), {"lambent"})
    for importer, name in deferred:
        folders = [module.split(".")[2] for module in (importer, name) if module.startswith("lambent.services.")]
        assert len(set(folders)) < 2, f"{importer} defers {name}: services do not know each other"


def test_what_is_deferred_elsewhere_is_installed() -> None:
    for importer, name in _deferred():
        assert find_spec(name) is not None, f"{importer} defers {name}"


def test_modules_are_imported_late_in_one_way_only() -> None:
    """What runs inside of sandboxes has ways of its own."""
    others = {SOURCE / "kit" / "deferred.py", *(SOURCE / "sandbox" / "bootstrap").rglob("*.py")}
    for path in set(SOURCE.rglob("*.py")) - others:
        assert "import_module(" not in path.read_text(), f"{path} imports in a way of its own"


def _deferred() -> Iterator[tuple[str, str]]:
    """(module, what it defers)."""
    for path in SOURCE.rglob("*.py"):
        module = ".".join(("lambent", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Deferred":
                [name] = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} must name the module it defers"
                yield module, str(name.value)


def _layers() -> list[grimp.Layer]:
    """As `.importlinter` has them."""
    contracts = configparser.ConfigParser()
    contracts.read(SOURCE.parents[1] / ".importlinter")
    lines = filter(None, contracts["importlinter:contract:layers"]["layers"].split("\n"))
    return [grimp.Layer(*line.replace(":", " ").replace("|", " ").split(), independent="|" in line) for line in lines]
