"""The error documents that the platform, not the function, answers with (pure).

The wording is AWS's, as callers see it beside `X-Amz-Function-Error: Unhandled`; types and causes are listed in
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html and
.../dg/troubleshooting-execution.html.
"""

import json

from lambent.kit.frozen import frozen
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES
from lambent.sandbox.isolation.contract import ExitStatus

_SIGNAL_NAMES = {
    4: "illegal instruction",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
    31: "bad system call",
}


@frozen
class Failure:
    error_type: str
    message: str
    status: str = "error"
    """For the REPORT line."""

    def document(self) -> bytes:
        return json.dumps({"errorType": self.error_type, "errorMessage": self.message}).encode()


def timed_out(request_id: str, timeout_seconds: int) -> Failure:
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
    return Failure("Sandbox.Timedout", message, "timeout")


def exited(request_id: str, status: ExitStatus) -> Failure:
    if status.signal is not None:
        name = _SIGNAL_NAMES.get(status.signal, f"signal {status.signal}")
        reason = f"Runtime exited with error: signal: {name}"
    elif status.code:
        reason = f"Runtime exited with error: exit status {status.code}"
    else:
        reason = "Runtime exited without providing a reason"
    return Failure("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")


def killed_for_memory(request_id: str) -> Failure:
    """A function that is too big ends by SIGKILL; `Runtime.OutOfMemory` is what its REPORT line may say."""
    return exited(request_id, ExitStatus(code=None, signal=9))


def response_too_large() -> Failure:
    return Failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
    )
