"""Settings beside a function's configuration: reserved concurrency, asynchronous treatment, the account's limits."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.lambda_ import destination_arns, documents, event_invoke, names, packages, store
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceNotFound
from lambent.services.lambda_.event_invoke import EventInvokeConfig
from lambent.services.lambda_.names import FunctionReference
from lambent.services.lambda_.parts import Document, LambdaParts, present, reference_of
from lambent.storage.transaction import Transaction

#: What must stay for functions without a reserve,
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
MIN_UNRESERVED_CONCURRENCY = 100

#: AWS's quota for all packages of an account in a region: shown by GetAccountSettings, not enforced here.
SHOWN_CODE_BYTES = 75 * 1024**3


class SettingsOperations:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts
        self._database = parts.database
        self._concurrency = parts.invoker.account_concurrency

    async def put_function_concurrency(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        reserved: int = request["ReservedConcurrentExecutions"]

        def put(tx: Transaction) -> None:
            function = present(tx, reference)
            others = store.reserved_in_account(tx, caller.account_id, caller.region) - (
                function.reserved_concurrency or 0
            )
            if self._concurrency - others - reserved < MIN_UNRESERVED_CONCURRENCY:
                raise InvalidParameterValue(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{MIN_UNRESERVED_CONCURRENCY}]."
                )
            store.set_reserved_concurrency(tx, function.key, reserved)

        await self._parts.change(put)
        return {"ReservedConcurrentExecutions": reserved}

    async def get_function_concurrency(self, caller: Caller, request: Document) -> Document:
        reserved = self._parts.find(reference_of(caller, request)).reserved_concurrency
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    async def delete_function_concurrency(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)

        def delete(tx: Transaction) -> None:
            store.set_reserved_concurrency(tx, present(tx, reference).key, None)

        await self._parts.change(delete)
        return {}

    async def put_function_recursion_config(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        recursive_loop: str = request["RecursiveLoop"]
        await self._parts.change(
            lambda tx: store.set_recursive_loop(tx, present(tx, reference).key, recursive_loop),
        )
        return {"RecursiveLoop": recursive_loop}

    async def get_function_recursion_config(self, caller: Caller, request: Document) -> Document:
        return {"RecursiveLoop": self._parts.find(reference_of(caller, request)).recursive_loop}

    async def get_account_settings(self, caller: Caller, request: Document) -> Document:  # noqa: ARG002 - none is used
        count, size = await self._database.scan(lambda tx: store.account_usage(tx, caller.account_id, caller.region))
        reserved = self._database.read(lambda tx: store.reserved_in_account(tx, caller.account_id, caller.region))
        return {
            "AccountLimit": {
                "TotalCodeSize": SHOWN_CODE_BYTES,
                "CodeSizeUnzipped": packages.MAX_UNZIPPED_BYTES,
                "CodeSizeZipped": packages.MAX_UPLOAD_BYTES,
                "ConcurrentExecutions": self._concurrency,
                "UnreservedConcurrentExecutions": self._concurrency - reserved,
            },
            "AccountUsage": {"TotalCodeSize": size, "FunctionCount": count},
        }

    async def put_function_event_invoke_config(self, caller: Caller, request: Document) -> Document:
        return await self._write_config(caller, request, keep_old=False)

    async def update_function_event_invoke_config(self, caller: Caller, request: Document) -> Document:
        return await self._write_config(caller, request, keep_old=True)

    async def get_function_event_invoke_config(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        config = self._database.read(lambda tx: _present_config(tx, reference))
        return documents.describe_event_invoke_config(config, reference.key.arn)

    async def list_function_event_invoke_configs(self, caller: Caller, request: Document) -> Document:
        """One at most: there is nothing but $LATEST to configure."""
        reference = reference_of(caller, request)
        key = self._parts.find(reference).key
        config = self._database.read(lambda tx: store.find_event_invoke_config(tx, key, names.LATEST))
        described: list[Any] = [documents.describe_event_invoke_config(config, key.arn)] if config else []
        return {"FunctionEventInvokeConfigs": described}

    async def delete_function_event_invoke_config(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)

        def delete(tx: Transaction) -> None:
            _present_config(tx, reference)
            store.delete_event_invoke_config(tx, reference.key, names.LATEST)

        await self._parts.change(delete)
        return {}

    async def _write_config(self, caller: Caller, request: Document, *, keep_old: bool) -> Document:
        reference = reference_of(caller, request)
        function = self._parts.find(reference)
        now_ms = self._parts.clock.now_ms()

        def write(tx: Transaction) -> EventInvokeConfig:
            present(tx, reference)
            current = _present_config(tx, reference) if keep_old else EventInvokeConfig(now_ms)
            config = documents.event_invoke_config(request, current, now_ms)
            self._check_destinations(tx, config, function.key.arn)
            store.put_event_invoke_config(tx, function.key, names.LATEST, config)
            return config

        config = await self._parts.change(write)
        return documents.describe_event_invoke_config(config, function.key.arn)

    def _check_destinations(self, tx: Transaction, config: EventInvokeConfig, function_arn: str) -> None:
        for option, arn, kinds in (
            ("OnSuccess", config.on_success, destination_arns.ON_SUCCESS),
            ("OnFailure", config.on_failure, destination_arns.ON_FAILURE),
        ):
            event_invoke.check_destination(
                arn, option=f"DestinationConfig.{option}", kinds=kinds, function_arn=function_arn
            )
            destination = names.parse_arn(arn)
            if destination and not _is_there(tx, destination):
                raise InvalidParameterValue(f"The destination ARN {arn} is invalid: there is no such function.")


def _is_there(tx: Transaction, reference: FunctionReference) -> bool:
    """Versions and aliases are not (`names.require_latest`)."""
    return reference.qualifier in {"", names.LATEST} and store.find_function(tx, reference.key) is not None


def _present_config(tx: Transaction, reference: FunctionReference) -> EventInvokeConfig:
    """Raises ResourceNotFound."""
    config = store.find_event_invoke_config(tx, present(tx, reference).key, names.LATEST)
    if config is None:
        raise ResourceNotFound(f"The function {reference.key.arn}:{names.LATEST} doesn't have an EventInvokeConfig")
    return config
