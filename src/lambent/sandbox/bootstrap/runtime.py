"""The Python runtime: waits in the pool, becomes one function, answers its invocations one after another."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from typing import Any, NoReturn

from . import faults, function_logs, handlers, preload
from .channel import ASSIGN, FATAL_ERROR, HANDLED_ERROR, INVOKE, LAUNCH, READY, RESULT, Channel, Closed
from .context import LambdaContext

_CHANNEL = 3
_REHEARSAL = "/var/runtime/lambent/rehearsal"
_META_LENGTH = struct.Struct(">H")
#: Exit status after an error that AWS reports by its document rather than by its status.
_FAULT_STATUS = 1


def main(sdk_directory: str) -> NoReturn:
    """A fresh interpreter inside the sandbox: for functions whose settings only a new process can honour."""
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    preload.prepare_interpreter([sdk_directory])
    os.set_inheritable(_CHANNEL, False)
    function_logs.open_output()
    _serve(Channel(socket.socket(fileno=_CHANNEL)), function_logs.FunctionLogHandler(), frozenset())


def wait(preloaded: frozenset[str], *, uses_sdk: bool) -> NoReturn:
    """A fork of the zygote, confined, is the Python runtime itself, or what it is told to execute later."""
    function_logs.open_output()
    log_handler = function_logs.FunctionLogHandler()
    if preloaded:
        _rehearse(log_handler, preloaded)
    if uses_sdk:
        preload.rehearse_sdk()
    _serve(Channel(socket.socket(fileno=_CHANNEL)), log_handler, preloaded)


def _serve(channel: Channel, log_handler: function_logs.FunctionLogHandler, preloaded: frozenset[str]) -> NoReturn:
    try:
        channel.send(READY, b"")
        kind, payload = channel.receive()
        if kind == LAUNCH:
            _launch(channel, json.loads(payload))
        assert kind == ASSIGN
        function = Function(channel, json.loads(payload), log_handler, preloaded)
        channel.send(READY, b"")
        while True:
            function.invoke(*channel.receive())
    except Closed:
        os._exit(0)
    except SystemExit as leaving:
        function_logs.flush()
        os._exit(_status_of(leaving))


class Function:
    """One function version in this process, until its end."""

    def __init__(
        self,
        channel: Channel,
        assignment: dict[str, Any],
        log_handler: function_logs.FunctionLogHandler,
        preloaded: frozenset[str],
    ) -> None:
        self._channel = channel
        _adopt_environment(assignment["env"], assignment["task_root"])
        own = [assignment["task_root"], *_layer_path()]
        sys.path[:0] = own
        for directory in own:  # what was looked up before the code was mounted
            sys.path_importer_cache.pop(directory, None)
        self._hidden = handlers.hide_preloaded(preloaded, own)
        preload.forget_default_session(assignment["env"])
        self._log_handler = log_handler
        log_handler.take_over()
        try:
            self._handler = handlers.load(assignment["handler"])
        except Exception as error:  # noqa: BLE001 - whatever a module does when imported
            self._fail(error, "", FATAL_ERROR)
            os._exit(_FAULT_STATUS)

    def invoke(self, kind: int, payload: bytes) -> None:
        assert kind == INVOKE
        (length,) = _META_LENGTH.unpack_from(payload)
        meta = json.loads(payload[2 : 2 + length])
        request_id = meta["aws_request_id"]
        self._log_handler.request_id = request_id
        if meta.get("trace_id"):
            os.environ["_X_AMZN_TRACE_ID"] = meta["trace_id"]
        try:
            event = _unmarshal(payload[2 + length :])
            response = _marshal(self._handler(event, LambdaContext(meta)))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            self._fail(error, request_id, HANDLED_ERROR)
            return
        function_logs.flush()
        self._answer(RESULT, response)

    def _fail(self, error: BaseException, request_id: str, kind: int) -> None:
        document, event = faults.describe(error, request_id)
        function_logs.write_event(event)
        self._answer(kind, document)

    def _answer(self, kind: int, payload: bytes) -> None:
        if not self._channel.is_ours:  # a fork of the function's that came back out of the handler
            os._exit(0)
        self._channel.send(kind, payload)


def _adopt_environment(environment: dict[str, str], task_root: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if environment.get("TZ") != preload.UTC:
        time.tzset()
    os.chdir(task_root)


def _layer_path() -> list[str]:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [f"/opt/python/lib/{version}/site-packages", "/opt/python"]


def _unmarshal(event: bytes) -> Any:
    try:
        return json.loads(event.decode("utf-8"))
    except ValueError as error:
        raise faults.Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def _marshal(response: object) -> bytes:
    try:
        text = _ENCODER.encode(response)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise faults.Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


class _Encoder(json.JSONEncoder):
    """As AWS's runtime: decimals become numbers; text stays as it is from Python 3.12 on."""

    def default(self, o: object) -> object:
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(o, decimal.Decimal):
            return float(o)
        return super().default(o)


_ENCODER = _Encoder(ensure_ascii=sys.version_info < (3, 12))


def _launch(channel: Channel, order: dict[str, Any]) -> NoReturn:
    """Executes `argv` and hands it the channel, or else the package's or a layer's `bootstrap`, which gets none."""
    candidates = [order["argv"]] if order["argv"] else [["/var/task/bootstrap"], ["/opt/bootstrap"]]
    problem = ""
    os.chdir("/var/task")
    for argv in candidates:
        if order["argv"] or os.path.exists(argv[0]):
            try:
                execute(argv, order["env"], with_channel=bool(order["argv"]))
            except OSError as error:
                problem = f"Error: fork/exec {argv[0]}: {os.strerror(error.errno or 0).lower()}"
    problem = problem or "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    document = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": problem}
    channel.send(FATAL_ERROR, json.dumps(document).encode())
    os._exit(_FAULT_STATUS)


def execute(argv: list[str], environment: dict[str, str], *, with_channel: bool = True) -> NoReturn:
    """Another program takes this process over, and descriptor 3 if it speaks frames."""
    os.set_inheritable(_CHANNEL, with_channel)
    os.execve(argv[0], argv, environment)


def _status_of(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    os.write(2, f"{leaving.code}\n".encode())
    return 1


def _rehearse(log_handler: function_logs.FunctionLogHandler, preloaded: frozenset[str]) -> None:
    """Runs a function of our own once, so that the first import and call find their memory already copied."""
    platform, inside = (Channel(sock) for sock in socket.socketpair())
    meta = b'{"aws_request_id":"r","deadline_ms":0,"invoked_function_arn":"","client_context":null,"trace_id":"1"}'
    frame = _META_LENGTH.pack(len(meta)) + meta + b'{"key":"' + b"x" * 300 + b'"}'
    environment = {f"AWS_LAMBDA_VARIABLE_{number}": "x" * 60 for number in range(30)}
    environment["TZ"] = preload.UTC
    assignment = {"handler": "lambent_rehearsal.handler", "env": environment, "task_root": _REHEARSAL}
    platform.send(ASSIGN, json.dumps(assignment).encode())
    path = list(sys.path)
    function = Function(inside, json.loads(inside.receive()[1]), log_handler, preloaded)
    for _ in range(2):
        platform.send(INVOKE, frame)
        function.invoke(*inside.receive())
    sys.path[:] = path
    sys.modules.pop("lambent_rehearsal", None)
    sys.path_importer_cache.pop(_REHEARSAL, None)
    os.environ.clear()
    os.chdir("/")
