"""The platform's own lines in a function's log, worded as AWS words them (pure).

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html shows START, END and REPORT; the fields of a failed
invocation's REPORT (`Status`, `Error Type`) and INIT_REPORT are in .../dg/lambda-runtime-environment.html.
"""

import datetime as dt
import math

from lambent.kit.frozen import frozen


@frozen
class Report:
    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str | None = None
    """`timeout` or `error`; None if the handler returned."""
    error_type: str | None = None


def init_start_line(runtime: str, region: str) -> bytes:
    arn = f"arn:aws:lambda:{region}::runtime:lambent-{runtime}"
    return f"INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {arn}".encode()


def init_report_line(init_ms: float, status: str, error_type: str | None) -> bytes:
    line = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}"
    return (f"{line}\tError Type: {error_type}" if error_type else line).encode()


def start_line(request_id: str, version: str) -> bytes:
    return f"START RequestId: {request_id} Version: {version}".encode()


def end_line(request_id: str) -> bytes:
    return f"END RequestId: {request_id}".encode()


def report_line(report: Report) -> bytes:
    """Initialisation is billed, since August 2025: https://aws.amazon.com/blogs/compute/ (INIT phase billing)."""
    billed = math.ceil(report.duration_ms + (report.init_ms or 0.0))
    line = (
        f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\t"
        f"Billed Duration: {billed} ms\tMemory Size: {report.memory_mb} MB\t"
        f"Max Memory Used: {report.max_memory_mb} MB\t"
    )
    if report.init_ms is not None:
        line += f"Init Duration: {report.init_ms:.2f} ms\t"
    if report.status is not None:
        line += f"Status: {report.status}"
    if report.error_type is not None:
        line += f"\tError Type: {report.error_type}"
    return line.encode()


def timeout_line(request_id: str, now: float, timeout_seconds: int) -> bytes:
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return f"{stamp} {request_id} Task timed out after {timeout_seconds:.2f} seconds".encode()


def stream_name(now: float, version: str, token: str) -> str:
    """`YYYY/MM/DD/[$LATEST]<32 hexadecimal digits>`."""
    return f"{dt.datetime.fromtimestamp(now, dt.UTC):%Y/%m/%d}/[{version}]{token}"
