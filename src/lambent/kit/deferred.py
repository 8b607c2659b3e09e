"""Modules that are imported when they are first needed: the start would wait for them, and the first answer need not.

This is the only way in which anything is imported late. It names its module in full and stands where imports stand:
`_CLIENT = Deferred("lambent.delivery.http_client")`. Type checker and import-linter do not see through the name, so
`tests/test_architecture.py` holds what is deferred to the same layers. `docs/decisions/0017-deferred-modules.md`.
"""

import importlib
from typing import Any


class Deferred:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def load(self) -> Any:
        """The module. Only the first call takes time, some milliseconds."""
        return importlib.import_module(self._name)
