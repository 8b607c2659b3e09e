"""Finding a function's handler, with AWS's errors where it cannot be found.

The zygote has loaded modules that AWS's runtime would not have: the SDK and what it imports. A package may bring its
own of the same name; those then win, as they would with AWS, where the package comes first on the path.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Callable

from .faults import Fault

Handler = Callable[[Any, Any], Any]

#: These belong together: a package that brings one is given none of ours.
_SDK = frozenset({"boto3", "botocore", "s3transfer"})


def load(handler: str) -> Handler:
    """`module.function`, with slashes for directories, as the function's configuration names it. Raises Fault."""
    module_name, dot, function_name = handler.rpartition(".")
    if not dot or not module_name:
        raise Fault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)",
        )
    module_name = module_name.replace("/", ".")
    if module_name.split(".", 1)[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise _syntax_fault(module_name, error) from error
    found = getattr(module, function_name, None)
    if found is None:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return found  # type: ignore[no-any-return]


def hide_preloaded(preloaded: frozenset[str], directories: list[str]) -> list[object]:
    """Takes preloaded modules out of the way of a package's own. `preloaded`: names of top-level modules.

    The answer must be kept: letting go of a module would write to memory that is shared with the zygote.
    """
    brought = {name.partition(".")[0] for directory in directories for name in _names_in(directory)}
    if brought & _SDK:
        brought |= _SDK
    tops = brought & preloaded
    hidden = [name for name in sys.modules if name.partition(".")[0] in tops] if tops else []
    return [sys.modules.pop(name, None) for name in hidden]


def _names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _syntax_fault(module_name: str, error: SyntaxError) -> Fault:
    trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text or ""}']
    return Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
