"""Invoke, now or later; and the 2014 form of later.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. An event accepted with 202 is a row on disk.
"""

import base64

from lambent.kit import trace
from lambent.services.caller import Caller
from lambent.services.lambda_ import names, payloads, queue_store
from lambent.services.lambda_.invoker import Address
from lambent.services.lambda_.parts import Document, LambdaParts
from lambent.services.lambda_.queue_store import NewInvocation


class InvocationOperations:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts
        self._invoke = parts.invoker.invoke

    async def invoke(self, caller: Caller, request: Document) -> Document:
        address = Address(caller.account_id, caller.region, request["FunctionName"], request.get("Qualifier") or "")
        kind = request.get("InvocationType", "RequestResponse")
        if kind == "DryRun":
            self._parts.invoker.resolve(address)
            return {"StatusCode": 204}
        client_context = payloads.decode_client_context(request.get("ClientContext", ""))
        payload: bytes = request.get("Payload") or b""
        if kind == "Event":
            await self._accept(caller, address, payloads.check_async_event(payload), client_context)
            return {"StatusCode": 202}
        outcome = await self._invoke(
            address,
            request_id=caller.request_id,
            payload=payloads.check_sync_event(payload),
            client_context=client_context,
            trace_id=caller.trace,
        )
        result: Document = {
            "StatusCode": 200,
            "Payload": outcome.payload,
            "ExecutedVersion": names.LATEST,
        }
        if outcome.function_error:
            result["FunctionError"] = outcome.function_error
        if request.get("LogType") == "Tail":
            result["LogResult"] = base64.b64encode(outcome.log_tail).decode()
        return result

    async def invoke_async(self, caller: Caller, request: Document) -> Document:
        """Deprecated, but the first tools of Lambda speak it."""
        address = Address(caller.account_id, caller.region, request["FunctionName"])
        payload: bytes = request.get("InvokeArgs") or b""
        await self._accept(caller, address, payloads.check_async_event(payload), None)
        return {"Status": 202}

    async def _accept(self, caller: Caller, address: Address, payload: bytes, client_context: str | None) -> None:
        """Returns when the invocation is on disk. Raises ResourceNotFound."""
        arn = self._parts.invoker.resolve(address).invoked_arn
        accepted = NewInvocation(
            request_id=caller.request_id,
            function_arn=arn,
            payload=payload,
            source="invoke",
            client_context=client_context,
            trace_id=caller.trace or trace.begin(caller.request_id, self._parts.clock.now()),
        )
        now_ms = self._parts.clock.now_ms()
        await self._parts.database.write(lambda tx: queue_store.enqueue(tx, [accepted], now_ms))
