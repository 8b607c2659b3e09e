"""The environment variables of a function's process, as AWS defines them (pure).

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from collections.abc import Mapping

from lambent.kit.frozen import frozen
from lambent.sandbox.isolation.contract import RUNTIME_API_PORT
from lambent.sandbox.runtimes import Dialect, Runtime
from lambent.sandbox.types import FunctionSpec, RoleCredentials

#: Read by an interpreter or the dynamic loader when a process starts, never again.
_START_TIME_PREFIXES = ("PYTHON", "LD_", "NODE_", "MALLOC_", "GLIBC_", "GCONV_")
_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
#: Set in every Node function; naming modules' places needs no fresh process, ours looks them up at assignment.
_HARMLESS = frozenset({"NODE_PATH", "NODE_ENV"})


@frozen
class Placement:
    """What a function is told about the environment it landed in."""

    log_stream: str
    endpoint_url: str
    task_root: str
    credentials: RoleCredentials


def needs_fresh_process(environment: Mapping[str, str]) -> bool:
    return any(
        name == _WRAPPER or (name.startswith(_START_TIME_PREFIXES) and name not in _HARMLESS) for name in environment
    )


def launch_arguments(runtime: Runtime, environment: Mapping[str, str]) -> list[str]:
    """What to execute for a fresh process: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html."""
    wrapper = environment.get(_WRAPPER)
    return [wrapper, *runtime.argv] if wrapper and runtime.argv else list(runtime.argv)


def for_function(spec: FunctionSpec, runtime: Runtime, placement: Placement) -> dict[str, str]:
    """The function's own variables, then ours, which it cannot change, except for where its programs are found."""
    variables = {**_changeable(runtime), **spec.environment}
    variables.update(
        {
            "_HANDLER": spec.handler,
            "AWS_REGION": spec.region,
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": placement.log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_ACCESS_KEY_ID": placement.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": placement.credentials.secret_access_key,
            "AWS_SESSION_TOKEN": placement.credentials.session_token,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "LAMBDA_TASK_ROOT": placement.task_root,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
        }
    )
    variables.setdefault("AWS_DEFAULT_REGION", spec.region)
    variables.setdefault("AWS_ENDPOINT_URL", placement.endpoint_url)
    if runtime.execution_environment:
        variables["AWS_EXECUTION_ENV"] = runtime.execution_environment
    if runtime.dialect is Dialect.RUNTIME_API:
        variables["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{RUNTIME_API_PORT}"
    return variables


def _changeable(runtime: Runtime) -> dict[str, str]:
    variables = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    }
    if runtime.name.startswith("python"):
        variables["PYTHONPATH"] = "/var/runtime"
    if runtime.name.startswith("nodejs"):
        major = runtime.name.removeprefix("nodejs").partition(".")[0] or "0"
        variables["NODE_PATH"] = (
            f"/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"
        )
    return variables
