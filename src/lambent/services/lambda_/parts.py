"""What Lambda's operations work with, and the few steps that all of them share."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.happenings import Happenings
from lambent.services.lambda_ import names, store
from lambent.services.lambda_.configuration import Function
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.services.lambda_.invoker import TOPIC, Invoker, not_found
from lambent.services.lambda_.names import FunctionReference
from lambent.services.lambda_.package_files import PackageFiles
from lambent.services.lambda_.upkeep import Upkeep
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")

Document = dict[str, Any]


class FetchObject(Protocol):
    """`S3Operations.read_object`: an object's bytes, as `caller`.

    Raises ServiceError as S3 would, `EntityTooLarge` for more than `max_bytes`.
    """

    def __call__(
        self, caller: Caller, bucket: str, key: str, version_id: str, *, max_bytes: int
    ) -> Awaitable[bytes]: ...


BeginReading = Callable[[Transaction, EventSourceMapping], None]
"""Takes a new mapping's place in its source. Raises InvalidParameterValue if there is no such source."""


@frozen
class LambdaParts:
    database: Database
    packages: PackageFiles
    invoker: Invoker
    upkeep: Upkeep
    happenings: Happenings
    clock: Clock
    ids: Ids
    installed_runtimes: Collection[str]
    """`Pool.supported_runtimes()`."""
    prepare_runtime: Callable[[str], None]
    """`Pool.prepare`: environments of a runtime that is about to be used are made ready in the background."""
    fetch_object: FetchObject
    begin_reading: BeginReading
    link_secret: bytes
    """Signs download links; random per process is enough."""

    async def change(self, work: Callable[[Transaction], T]) -> T:
        """Commit a change to functions; afterwards no invocation sees the old state."""

        def announced(tx: Transaction) -> T:
            result = work(tx)
            tx.announce(TOPIC)
            return result

        result = await self.database.write(announced)
        self.invoker.forget()
        return result

    def find(self, reference: FunctionReference) -> Function:
        """Raises ResourceNotFound."""
        return self.database.read(lambda tx: present(tx, reference))


def reference_of(caller: Caller, request: Document) -> FunctionReference:
    """The caller's function that a request names by FunctionName and perhaps Qualifier. Raises AccessDenied."""
    reference = names.parse_reference(
        request["FunctionName"],
        request.get("Qualifier") or "",
        account_id=caller.account_id,
        region=caller.region,
    )
    return names.require_own(reference, caller.account_id)


def present(tx: Transaction, reference: FunctionReference) -> Function:
    """Raises ResourceNotFound."""
    function = store.find_function(tx, names.require_latest(reference))
    if function is None:
        raise not_found(reference)
    return function
