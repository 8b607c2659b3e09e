"""Node functions in every style AWS has had, and how their handlers are found.

https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
"""

from pathlib import Path

import pytest

from lambent.sandbox import frames
from lambent.sandbox.node_runtimes import Node
from sandbox.node_process import NODES, node_process, package, run

STYLES = {
    "async": ("index.js", "exports.handler = async (event) => ({ got: event.n })"),
    "promise": ("index.js", "exports.handler = (event) => Promise.resolve({ got: event.n })"),
    "callback": ("index.js", "exports.handler = (event, context, callback) => callback(null, { got: event.n })"),
    "callback later": (
        "index.js",
        "exports.handler = (event, c, callback) => { setTimeout(() => callback(null, { got: event.n }), 5) }",
    ),
    "done": ("index.js", "exports.handler = function (event, context) { context.done(null, { got: event.n }) }"),
    "succeed": ("index.js", "exports.handler = function (event, context) { context.succeed({ got: event.n }) }"),
    "ES module": ("index.mjs", "export const handler = async (event) => ({ got: event.n })"),
    "CommonJS by name": ("index.cjs", "exports.handler = async (event) => ({ got: event.n })"),
    "top-level await": (
        "index.mjs",
        "const n = await Promise.resolve(0); export const handler = async (e) => ({ got: e.n + n })",
    ),
}


@pytest.mark.parametrize("node", NODES, ids=lambda node: f"node{node.major}")
@pytest.mark.parametrize("style", STYLES)
def test_every_style_answers_again_and_again(style: str, node: Node, tmp_path: Path) -> None:
    file, code = STYLES[style]
    with node_process(node) as process:
        assert process.start(package(tmp_path, {file: code})).kind == frames.READY
        for number in range(3):
            answer = process.invoke({"n": number})
            assert (answer.kind, answer.document) == (frames.RESULT, {"got": number})


def test_package_json_makes_js_files_es_modules(tmp_path: Path) -> None:
    package(tmp_path, {"package.json": '{"type": "module"}', "lib.js": "export const two = 2"})
    answer = run(tmp_path, "import { two } from './lib.js'; export const handler = async () => two")
    assert answer.document == 2


def test_modules_of_the_package_are_found(tmp_path: Path) -> None:
    package(
        tmp_path,
        {
            "node_modules/dep/package.json": '{"main": "main.js"}',
            "node_modules/dep/main.js": "module.exports = { name: 'dep' }",
        },
    )
    assert (
        run(tmp_path, "import dep from 'dep'; export const handler = async () => dep.name", file="index.mjs").document
        == "dep"
    )
    assert run(tmp_path, "const dep = require('dep'); exports.handler = async () => dep.name").document == "dep"


@pytest.mark.parametrize(
    ("handler", "files"),
    [
        ("src/app.handler", {"src/app.js": "exports.handler = async () => 'here'"}),
        ("src/deep/er/app.handler", {"src/deep/er/app.mjs": "export const handler = async () => 'here'"}),
        ("index.api.users.list", {"index.js": "exports.api = { users: { list: async () => 'here' } }"}),
        ("index.handler", {"index.js": "module.exports = { default: { handler: async () => 'here' } }"}),
        ("pkg.handler", {"node_modules/pkg/index.js": "exports.handler = async () => 'here'"}),
    ],
)
def test_handlers_are_found(handler: str, files: dict[str, str], tmp_path: Path) -> None:
    with node_process() as process:
        assert process.start(package(tmp_path, files), handler).kind == frames.READY
        assert process.invoke().document == "here"


@pytest.mark.parametrize(
    ("handler", "files", "error_type", "message"),
    [
        ("index.handler", {}, "Runtime.ImportModuleError", "Error: Cannot find module 'index'"),
        (
            "index.handler",
            {"index.js": "require('absent')"},
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'absent'",
        ),
        (
            "index.handler",
            {"index.mjs": "import 'absent'"},
            "Error",
            "Cannot find package 'absent'",
        ),
        (
            "index.main",
            {"index.js": "exports.handler = () => 1"},
            "Runtime.HandlerNotFound",
            "index.main is undefined or not exported",
        ),
        (
            "index.handler",
            {"index.js": "exports.handler = 3"},
            "Runtime.HandlerNotFound",
            "index.handler is not a function",
        ),
        ("index.handler", {"index.js": "exports.handler = {"}, "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("handler", {}, "Runtime.MalformedHandlerName", "Bad handler"),
        ("../index.handler", {}, "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name."),
        ("index.handler", {"index.js": "throw new TypeError('at start')"}, "TypeError", "at start"),
        ("index.handler", {"index.mjs": "await Promise.reject(new RangeError('later'))"}, "RangeError", "later"),
    ],
)
def test_what_cannot_start_says_why(
    handler: str, files: dict[str, str], error_type: str, message: str, tmp_path: Path
) -> None:
    with node_process() as process:
        answer = process.start(package(tmp_path, files), handler)
        assert answer.kind == frames.FATAL_ERROR
        assert answer.document["errorType"] == error_type
        assert answer.document["errorMessage"].startswith(message)
        assert answer.document["trace"]
        assert "\tundefined\tERROR\tUncaught Exception \t{" in answer.logs[-1]
        assert process.exit_status() == 129


def test_callbacks_are_gone_from_nodejs24(tmp_path: Path) -> None:
    """https://aws.amazon.com/blogs/compute/node-js-24-runtime-now-available-in-aws-lambda/"""
    package(tmp_path, {"index.js": "exports.handler = (event, context, callback) => callback(null, 1)"})
    with node_process() as process:
        refused = process.start(tmp_path, AWS_EXECUTION_ENV="AWS_Lambda_nodejs24.x")
        assert refused.document["errorType"] == "Runtime.CallbackHandlerDeprecated"
    with node_process() as process:
        assert process.start(tmp_path, AWS_EXECUTION_ENV="AWS_Lambda_nodejs22.x").kind == frames.READY
        assert process.invoke().document == 1


def test_what_a_synchronous_handler_returns_counts_from_nodejs24(tmp_path: Path) -> None:
    package(tmp_path, {"index.js": "exports.handler = (event) => ({ got: event })"})
    for runtime, result in [("nodejs22.x", None), ("nodejs24.x", {"got": 1})]:
        with node_process() as process:
            process.start(tmp_path, AWS_EXECUTION_ENV=f"AWS_Lambda_{runtime}")
            assert process.invoke(1).document == result


@pytest.mark.parametrize("node", NODES, ids=lambda node: f"node{node.major}")
@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("index.js", "const dep = require('dep'); exports.handler = async () => dep.name"),
        ("index.mjs", "import dep from 'dep'; export const handler = async () => dep.name"),
        ("index.mjs", "import dep from 'dep/main.js'; export const handler = async () => dep.name"),
        ("index.mjs", "export const handler = async () => (await import('dep')).default.name"),
    ],
)
def test_modules_of_layers_are_found(file: str, code: str, node: Node, tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/nodejs-layers.html"""
    if file.endswith(".mjs") and node.major < 22:
        pytest.skip("older Nodes cannot be taught where ES modules are without a loader thread")
    layer = package(
        tmp_path / "layer" / "node_modules",
        {"dep/package.json": '{"main": "main.js"}', "dep/main.js": "module.exports = { name: 'layer' }"},
    )
    with node_process(node) as process:
        started = process.start(package(tmp_path / "task", {file: code}), NODE_PATH=f"/absent/node_modules:{layer}")
        assert started.kind == frames.READY, started
        assert process.invoke().document == "layer"


def test_the_functions_own_modules_come_first(tmp_path: Path) -> None:
    layer = package(tmp_path / "layer/node_modules", {"dep/index.js": "module.exports = 'layer'"})
    package(tmp_path / "task", {"node_modules/dep/index.js": "module.exports = 'own'"})
    package(tmp_path / "task", {"index.mjs": "import dep from 'dep'; export const handler = async () => dep"})
    with node_process() as process:
        process.start(tmp_path / "task", NODE_PATH=str(layer))
        assert process.invoke().document == "own"


def test_what_is_nowhere_is_reported_as_ever(tmp_path: Path) -> None:
    layer = package(tmp_path / "layer/node_modules", {"dep/index.js": ""})
    package(tmp_path / "task", {"index.mjs": "import 'absent'"})
    with node_process() as process:
        answer = process.start(tmp_path / "task", NODE_PATH=str(layer))
        assert answer.document["errorMessage"].startswith("Cannot find package 'absent'")
