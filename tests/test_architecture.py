"""A module's name says what it may do: shells do I/O, stores do SQL, everything else in a service is rules."""

import grimp

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


def test_rules_do_no_io() -> None:
    graph = grimp.build_graph("lambent", include_external_packages=True, cache_dir=None)
    for module in sorted(graph.find_descendants("lambent.services")):
        name = module.rpartition(".")[2]
        if name in SHELLS or name.endswith("operations"):
            continue
        reached = graph.find_modules_directly_imported_by(module) & IO
        assert not reached, f"{module} imports {sorted(reached)}; move the I/O to a shell, or name the module as one"
