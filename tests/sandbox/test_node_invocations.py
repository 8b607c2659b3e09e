"""What happens to one event in the Node runtime: results, errors, logs, the context, streams, and a loop run dry.

https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html, nodejs-exceptions.html, nodejs-logging.html
"""

import re
import time
from pathlib import Path

import pytest

from lambent.sandbox import frames
from sandbox.node_process import NODES, node_process, package, run

LOG_LINE = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t11111111-2222\t(INFO|WARN|ERROR|DEBUG|TRACE)\t", re.DOTALL
)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("undefined", b"null"),
        ("null", b"null"),
        ("'text'", b'"text"'),
        ("'\\u00e9\\ud83d\\ude00'", '"é😀"'.encode()),
        ("() => 1", b"null"),
        ("({ a: undefined, d: new Date(0) })", b'{"d":"1970-01-01T00:00:00.000Z"}'),
    ],
)
def test_results_are_json(expression: str, result: bytes, tmp_path: Path) -> None:
    assert run(tmp_path, f"exports.handler = async () => {expression}").payload == result


@pytest.mark.parametrize("expression", ["10n", "(() => { const a = {}; a.a = a; return a })()"])
def test_what_json_cannot_say_is_an_error(expression: str, tmp_path: Path) -> None:
    answer = run(tmp_path, f"exports.handler = async () => {expression}")
    assert answer.kind == frames.HANDLED_ERROR
    assert answer.document["errorMessage"] == "Unable to stringify response body"


def test_events_of_every_size(tmp_path: Path) -> None:
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": "exports.handler = async (event) => event"}))
        for size in (0, 1, 70_000, 6_000_000, 10):
            event = "é" + "x" * size
            assert process.invoke(event).document == event


ERRORS = {
    "thrown": ("exports.handler = async () => { throw new RangeError('no') }", "RangeError", "no"),
    "thrown at once": ("exports.handler = () => { throw new RangeError('no') }", "RangeError", "no"),
    "callback": ("exports.handler = (e, c, callback) => callback(new RangeError('no'))", "RangeError", "no"),
    "callback with text": ("exports.handler = (e, c, callback) => callback('no')", "string", "no"),
    "done": ("exports.handler = (e, context) => context.done(new RangeError('no'))", "RangeError", "no"),
    "fail": ("exports.handler = (e, context) => context.fail('no')", "string", "no"),
    "fail without a word": ("exports.handler = (e, context) => context.fail()", "string", "handled"),
    "an object": ("exports.handler = async () => { throw { code: 1 } }", "object", "[object Object]"),
    "own class": (
        (
            "class Mine extends Error { constructor(m) { super(m); this.name = 'Mine' } }\n"
            "exports.handler = async () => { throw new Mine('no') }"
        ),
        "Mine",
        "no",
    ),
    "another realm's": (
        "exports.handler = async () => { throw require('vm').runInNewContext('new RangeError(\"no\")') }",
        "RangeError",
        "no",
    ),
    "one that cannot be read": (
        (
            "exports.handler = async () => { const e = new Error(); Object.defineProperty(e, 'message',"
            " { get() { throw 1 } }); throw e }"
        ),
        "handled",
        (
            "callback called with Error argument, but there was a problem while retrieving one or more of its "
            "message, name, and stack"
        ),
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_become_documents_and_cost_nothing_else(case: str, tmp_path: Path) -> None:
    code, error_type, message = ERRORS[case]
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        for _ in range(2):
            answer = process.invoke()
            assert answer.kind == frames.HANDLED_ERROR
            assert (answer.document["errorType"], answer.document["errorMessage"]) == (error_type, message)
            assert re.match(LOG_LINE.pattern + r"Invoke Error \t", answer.logs[-1])
    if error_type == "RangeError":
        assert answer.document["trace"][0] == f"RangeError: {message}"


def test_a_rejection_nobody_handles_fails_its_invocation(tmp_path: Path) -> None:
    code = "exports.handler = async () => { Promise.reject(new TypeError('lost')); return 'fine' }"
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        answer = process.invoke()
        assert answer.kind == frames.FATAL_ERROR
        assert answer.document["errorType"] == "Runtime.UnhandledPromiseRejection"
        assert answer.document["errorMessage"] == "TypeError: lost"
        assert "ERROR\tUnhandled Promise Rejection \t{" in answer.logs[-1]
        assert '"reason":{"errorType":"TypeError","errorMessage":"lost"' in answer.logs[-1]
        assert process.exit_status() == 128


def test_an_exception_nobody_catches_ends_the_environment(tmp_path: Path) -> None:
    code = "exports.handler = () => { setTimeout(() => { throw new TypeError('late') }, 1) }"
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        answer = process.invoke()
        assert (answer.kind, answer.document["errorType"]) == (frames.FATAL_ERROR, "TypeError")
        assert "ERROR\tUncaught Exception \t{" in answer.logs[-1]
        assert process.exit_status() == 129


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("exports.handler = async () => process.exit(3)", 3),
        ("exports.handler = async () => process.kill(process.pid, 'SIGKILL')", -9),
    ],
)
def test_a_function_may_end_its_process(code: str, status: int, tmp_path: Path) -> None:
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        with pytest.raises(EOFError):
            process.invoke()
        assert process.exit_status() == status


def test_an_import_that_never_ends_leaves_with_nodes_status(tmp_path: Path) -> None:
    with node_process() as process:
        with pytest.raises(EOFError):
            process.start(package(tmp_path, {"index.mjs": "await new Promise(() => {})"}))
        assert process.exit_status() == 13


def test_when_the_loop_runs_dry(tmp_path: Path) -> None:
    code = "exports.handler = (event) => { if (event.promise) return new Promise(() => {}) }"
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        for _ in range(2):
            answer = process.invoke({"promise": True})
            assert (answer.kind, answer.document["errorType"]) == (frames.HANDLED_ERROR, "Runtime.NodeJsExit")
            assert process.invoke({}).payload == b"null"


@pytest.mark.parametrize(("waits", "at_least_ms"), [("true", 280), ("false", 0)])
def test_callbacks_wait_for_an_empty_loop_unless_told_not_to(waits: str, at_least_ms: int, tmp_path: Path) -> None:
    code = f"""let ticks = 0
    exports.handler = (event, context, callback) => {{
      context.callbackWaitsForEmptyEventLoop = {waits}
      setTimeout(() => {{ ticks += 1 }}, 300)
      callback(null, ticks)
    }}"""
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        began = time.monotonic()
        assert process.invoke().document == 0
        took_ms = (time.monotonic() - began) * 1000
        assert took_ms >= at_least_ms
        if not at_least_ms:
            assert took_ms < 280


def test_nothing_runs_between_invocations(tmp_path: Path) -> None:
    code = """let ticks = 0
    setInterval(() => { ticks += 1 }, 5)
    exports.handler = async () => { const now = ticks; await new Promise((ok) => setTimeout(ok, 12)); return now }"""
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        process.invoke()
        before = process.invoke().document
        time.sleep(0.2)
        assert process.invoke().document <= before + 10


def test_only_the_first_answer_counts(tmp_path: Path) -> None:
    code = """exports.handler = async (event, context, callback) => {
      context.succeed('first'); context.fail('second'); callback('third'); return 'fourth' }"""
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        assert [process.invoke().document for _ in range(2)] == ["first", "first"]


def test_the_context_is_aws_own(tmp_path: Path) -> None:
    code = """exports.handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis(),
      trace: process.env._X_AMZN_TRACE_ID })"""
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2025/01/01/[$LATEST]abc",
    }
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}), **environment)
        context = process.invoke(client_context='{"custom": {"a": 1}}').document
    assert 2000 < context.pop("left") <= 3000
    assert context == {
        "functionName": "f",
        "functionVersion": "$LATEST",
        "memoryLimitInMB": "128",
        "logGroupName": "/aws/lambda/f",
        "logStreamName": "2025/01/01/[$LATEST]abc",
        "clientContext": {"custom": {"a": 1}},
        "invokedFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "awsRequestId": "11111111-2222",
        "callbackWaitsForEmptyEventLoop": True,
        "trace": "Root=1-5-6",
    }


def test_the_process_belongs_to_the_function(tmp_path: Path) -> None:
    code = """exports.handler = async () => ({ env: process.env, cwd: process.cwd(),
      offset: new Date(Date.UTC(2025, 0, 1)).getTimezoneOffset(),
      child: require('child_process').execFileSync('node', ['--version']).toString().trim(),
      channel: require('child_process').execFileSync('sh', ['-c', 'test -e /proc/$$/fd/3 || echo no']).toString() })"""
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}), TZ="America/New_York", MINE="1", PATH="/usr/bin")
        seen = process.invoke().document
    node_path = seen["env"].pop("NODE_PATH")
    assert node_path.startswith(f"/opt/nodejs/node{NODES[-1].major}/node_modules:/opt/nodejs/node_modules:/var/runtime")
    assert set(seen["env"]) == {"TZ", "MINE", "PATH", "_X_AMZN_TRACE_ID"}
    assert (seen["cwd"], seen["offset"]) == (str(tmp_path), 300)
    assert seen["channel"] == "no\n"
    assert seen["child"] == "v" + ".".join(map(str, NODES[-1].version))


def test_node_path_of_the_function_wins(tmp_path: Path) -> None:
    package(tmp_path, {"elsewhere/dep/index.js": "module.exports = 'dep'"})
    package(tmp_path, {"index.js": "const dep = require('dep'); exports.handler = async () => dep"})
    with node_process() as process:
        process.start(tmp_path, NODE_PATH=str(tmp_path / "elsewhere"))
        assert process.invoke().document == "dep"


def test_console_writes_log_events(tmp_path: Path) -> None:
    code = r"""exports.handler = async () => {
      console.log('two\nlines %d', 7, { a: [1] }); console.info('i'); console.warn('w'); console.debug('d')
      console.trace('t'); console.error(new Error('e')); process.stdout.write('raw\n') }"""
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        logs = process.invoke().logs
        assert process.process.stdout is not None
        assert process.process.stdout.readline() == b"raw\n"
    levels = [match[1] for line in logs if (match := LOG_LINE.match(line))]
    assert levels == ["INFO", "INFO", "WARN", "DEBUG", "TRACE", "ERROR"]
    assert logs[0].endswith("\tINFO\ttwo\nlines 7 { a: [ 1 ] }")
    assert "\tERROR\tError: e\n    at " in logs[5]


STREAMS = {
    "text": ("stream.write('one '); stream.write('two'); stream.end()", b"one two", None),
    "piped": (
        "await require('stream/promises').pipeline(require('stream').Readable.from(['a', 'b']), stream)",
        b"ab",
        None,
    ),
    "typed": (
        "stream.setContentType('text/plain'); stream.end('x')",
        b"x",
        b'{"content_type":"text/plain"}',
    ),
    "http": (
        "const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201 }); http.write('x'); http.end()",
        b'{"statusCode":201}' + bytes(8) + b"x",
        b'{"content_type":"application/vnd.awslambda.http-integration-response"}',
    ),
    "http without a body": (
        "awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end()",
        b'{"statusCode":204}' + bytes(8),
        b'{"content_type":"application/vnd.awslambda.http-integration-response"}',
    ),
    "large": ("stream.write(Buffer.alloc(9_000_000, 'x')); stream.end()", b"x" * 9_000_000, None),
    "nothing": ("stream.end()", b"", None),
}


@pytest.mark.parametrize("case", STREAMS)
def test_streamed_responses(case: str, tmp_path: Path) -> None:
    statements, body, prelude = STREAMS[case]
    code = f"exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {{ {statements} }})"
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        for _ in range(2):
            answer = process.invoke()
            assert (answer.kind, answer.payload, answer.prelude) == (frames.RESULT, b"", prelude)
            assert b"".join(answer.chunks) == body


@pytest.mark.parametrize(
    ("statements", "error_type"),
    [
        ("stream.write('half'); throw new RangeError('broke off')", "RangeError"),
        ("stream.write('half'); stream.destroy(new RangeError('broke off'))", "RangeError"),
        ("stream.write('half')", "Runtime.NodeJsExit"),
    ],
)
def test_streams_that_break_off(statements: str, error_type: str, tmp_path: Path) -> None:
    code = f"exports.handler = awslambda.streamifyResponse(async (event, stream) => {{ {statements} }})"
    with node_process() as process:
        process.start(package(tmp_path, {"index.js": code}))
        for _ in range(2):
            answer = process.invoke()
            assert (answer.kind, answer.chunks) == (frames.HANDLED_ERROR, [b"half"])
            assert answer.document["errorType"] == error_type
