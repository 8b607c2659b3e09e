"""Finding Node, and which of AWS's runtimes each version serves (docs/decisions/0006-node-versions.md)."""

from pathlib import Path

import pytest

from lambent.sandbox import custom_runtimes, node_runtimes
from lambent.sandbox.node_runtimes import Node
from lambent.sandbox.runtimes import Dialect, Start


def node(*version: int) -> Node:
    return Node(version=(version[0], version[1], version[2]), program=Path(f"/node/{version[0]}.{version[1]}/bin/node"))


INSTALLED = [node(16, 20, 0), node(20, 9, 0), node(20, 11, 1), node(24, 1, 0)]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (0, (20, 11, 1)),
        (4, (20, 11, 1)),
        (16, (20, 11, 1)),  # too old for our runtime, though installed
        (18, (20, 11, 1)),
        (20, (20, 11, 1)),
        (22, (24, 1, 0)),
        (24, (24, 1, 0)),
        (26, None),
    ],
)
def test_its_own_version_else_the_nearest_newer_one(wanted: int, chosen: tuple[int, int, int] | None) -> None:
    found = node_runtimes.choose(wanted, INSTALLED)
    assert (found.version if found else None) == chosen


def test_no_node_no_runtimes() -> None:
    assert node_runtimes.choose(20, []) is None


def install(prefix: Path, version: str, *, header: bool) -> Path:
    program = prefix / "bin" / "node"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho v{version}\n")
    program.chmod(0o755)
    if header:
        numbers = zip(("MAJOR", "MINOR", "PATCH"), version.split("."), strict=True)
        text = "".join(f"#define NODE_{name}_VERSION {number}\n" for name, number in numbers)
        (prefix / "include" / "node").mkdir(parents=True)
        (prefix / "include" / "node" / "node_version.h").write_text(text)
    return program


def test_nodes_are_found_where_people_have_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    expected = {
        install(tmp_path / "system", "18.19.0", header=True),
        install(tmp_path / "other", "20.1.0", header=False),  # asked
        install(home / ".nvm/versions/node/v22.3.1", "22.3.1", header=False),
        install(home / ".local/share/fnm/node-versions/v23.0.0/installation", "23.0.0", header=False),
        install(home / ".asdf/installs/nodejs/21.0.1", "21.0.1", header=False),
        install(home / ".volta/tools/image/node/19.1.0", "19.1.0", header=False),
    }
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "node").symlink_to(tmp_path / "system" / "bin" / "node")
    search_path = [tmp_path / name for name in ("system/bin", "links", "other/bin", "absent")]
    found = node_runtimes.installed(search_path, home)
    assert expected <= {one.program for one in found}
    assert len({one.program for one in found}) == len(found)
    versions = {one.version for one in found if one.program in expected}
    assert versions == {(18, 19, 0), (20, 1, 0), (22, 3, 1), (23, 0, 0), (21, 0, 1), (19, 1, 0)}


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense"])
def test_what_is_not_node_is_passed_over(script: str, tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert program not in {one.program for one in node_runtimes.installed([tmp_path], tmp_path)}


def test_a_runtime_says_what_the_sandbox_needs(tmp_path: Path) -> None:
    program = install(tmp_path / "opt", "97.1.2", header=True)
    runtime = node_runtimes.discover([program.parent], tmp_path)["nodejs26.x"]
    assert (runtime.program, runtime.execution_environment) == (program, "AWS_Lambda_nodejs26.x")
    assert (runtime.start, runtime.dialect) == (Start.EXEC, Dialect.FRAMES)
    assert runtime.argv[0] in {bind.inside for bind in runtime.binds}
    bootstrap = next(bind.host for bind in runtime.binds if runtime.argv[1].startswith(f"{bind.inside}/"))
    assert (bootstrap / "bootstrap.cjs").is_file()


def test_custom_runtimes_need_nothing() -> None:
    for name, runtime in custom_runtimes.discover().items():
        assert (runtime.name, runtime.start, runtime.dialect) == (name, Start.LAUNCH, Dialect.RUNTIME_API)
        assert not runtime.execution_environment
