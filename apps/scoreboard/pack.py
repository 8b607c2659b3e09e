"""Make the deployment package of the function, in Python or in the shape of 2014.

    python apps/scoreboard/pack.py rollup.zip
    python apps/scoreboard/pack.py --node NODE_MODULES rollup.zip

Python's is the folder `rollup` and nothing else: boto3 is part of the runtime. Node's is `node/*.js` with async and the
AWS SDK v2, from the node_modules that `npm ci` made beside a copy of node/package.json. Equal inputs give an equal zip.
"""

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON_HANDLER = "rollup.handler.handle"
NODE_HANDLER = "index.handler"
#: Zip knows no time before 1980; all entries get this one.
TIME = (1980, 1, 1, 0, 0, 0)
#: The SDK describes 400 services, and Lambda takes 250 MB unpacked; these are the ones the function uses.
SERVICES = ("dynamodb", "streams.dynamodb", "s3-", "sts-", "metadata")
LEFT_OUT = {"dist", "dist-tools", "scripts"}
SUFFIXES = {".js", ".json", ".cjs"}


def write_package(target: Path, *, node_modules: Path | None = None) -> None:
    with zipfile.ZipFile(target, "w") as package:
        for name, file in _node_members(node_modules) if node_modules else _python_members():
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o100644 << 16
            package.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 1)


def _python_members() -> Iterator[tuple[str, Path]]:
    for file in sorted((HERE / "rollup").glob("*.py")):
        yield f"rollup/{file.name}", file


def _node_members(node_modules: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted((HERE / "node").glob("*.js")):
        yield file.name, file
    for file in sorted(node_modules.rglob("*")):
        path = file.relative_to(node_modules)
        if file.suffix in SUFFIXES and file.is_file() and _belongs(path):
            yield f"node_modules/{path.as_posix()}", file


def _belongs(path: Path) -> bool:
    if path.parts[0].startswith("."):
        return False
    if path.parts[:2] == ("aws-sdk", "apis"):
        return path.name.startswith(SERVICES)
    return not (path.parts[0] == "aws-sdk" and path.parts[1] in LEFT_OUT)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Make the deployment package of the scoreboard's function.")
    parser.add_argument("target", type=Path, help="the zip file to write")
    parser.add_argument(
        "--node", type=Path, metavar="NODE_MODULES", help="the version in JavaScript, with these modules"
    )
    chosen = parser.parse_args(arguments)
    if chosen.node and not (chosen.node / "aws-sdk").is_dir():
        print(f"There is no aws-sdk in {chosen.node}: run npm ci there first.", file=sys.stderr)
        return 1
    write_package(chosen.target, node_modules=chosen.node)
    handler = NODE_HANDLER if chosen.node else PYTHON_HANDLER
    print(f"{chosen.target}: {chosen.target.stat().st_size / 1e6:.2f} MB, handler {handler}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
