"""The HTTP Runtime API, by which custom runtimes fetch events and hand in what came of them.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The environment's child opened the listening socket at
127.0.0.1:9001 inside its own network namespace; we serve it, one RuntimeApi per environment, all over one listener.
To the environment it is a Conversation like any other: what the runtime posts becomes the frames that other runtimes
send themselves. The rules (which call is due when, and AWS's words) are in `api_protocol.py`.
"""

import asyncio
import socket
from types import TracebackType
from typing import Self

import orjson

from lambent.net.limits import Limits
from lambent.net.listener import Adopted, Listener
from lambent.sandbox import api_protocol
from lambent.sandbox.api_protocol import Phase, Refusal, Verb
from lambent.sandbox.conversation import MAX_RESPONSE_BYTES, Receive
from lambent.sandbox.frames import CHUNK, FATAL_ERROR, HANDLED_ERROR, OVERSIZED, PRELUDE, READY, RESULT
from lambent.wire.http import BodyTooLarge, ClientDisconnected, Request, Response

#: A function may take 15 minutes over an event or between two pieces of a response, and nobody but it can connect.
_PATIENT = Limits(idle_seconds=86_400, head_seconds=1_000, body_window_seconds=1_000)

#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
MAX_STREAMED_BYTES = 200 * 1024 * 1024


class RuntimeApiServer:
    """The listener that all environments of custom runtimes share. Use as `async with`."""

    def __init__(self) -> None:
        self._listener = Listener(_dispatch, limits=_PATIENT)

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._listener.__aexit__(kind, error, traceback)

    async def open(self, listening: socket.socket, receive: Receive) -> "RuntimeApi":
        """Takes `listening` over. READY is received when the runtime asks for its first event."""
        api = RuntimeApi(receive)
        api.serve_on(await self._listener.adopt(listening, api))
        return api


async def _dispatch(request: Request) -> Response:
    api: RuntimeApi = request.environment
    return await api.handle(request)


class RuntimeApi:
    """One environment's side of the API; a Conversation."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._phase = Phase.STARTED
        self._request_id = ""
        self._event: Response | None = None
        self._asker: asyncio.Future[Response] | None = None
        self._adopted: Adopted | None = None

    def serve_on(self, adopted: Adopted) -> None:
        self._adopted = adopted

    # The environment's side.

    def send(self, kind: int, payload: bytes) -> None:
        raise AssertionError(f"a custom runtime is told nothing but events, not frame {kind}: {payload!r}")

    def invoke(self, meta: bytes, event: bytes) -> None:
        facts = orjson.loads(meta)
        self._request_id = facts["aws_request_id"]
        self._event = api_protocol.event_response(facts, event)
        self._hand_over()

    def close(self) -> None:
        """Also answers a runtime that still waits, so that nothing of ours waits for it."""
        if self._adopted is not None:
            self._adopted.close()
        self._answer_asker(api_protocol.TRUNCATED.response())

    # The runtime's side.

    async def handle(self, request: Request) -> Response:
        call = api_protocol.route(request.method, request.path)
        if call is None:
            return Response(404, {"content-type": "text/plain"}, b"404 page not found\n")
        decision = api_protocol.decide(self._phase, call, self._request_id)
        if isinstance(decision, Refusal):
            return decision.response()
        before, self._phase = self._phase, decision
        if call.verb is not Verb.NEXT:
            return await self._take_in(request, call.verb, before)
        if before is Phase.STARTED:
            self._receive(READY, b"")
        return await self._next_event()

    async def _next_event(self) -> Response:
        """Waits. Who asks again has lost its first connection: the later one gets the event."""
        self._answer_asker(api_protocol.TRUNCATED.response())
        asker: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._asker = asker
        self._hand_over()
        return await asker

    def _hand_over(self) -> None:
        if self._event is not None and self._asker is not None and not self._asker.done():
            event, self._event = self._event, None
            self._phase = Phase.RUNNING
            self._answer_asker(event)

    def _answer_asker(self, response: Response) -> None:
        if self._asker is not None and not self._asker.done():
            self._asker.set_result(response)

    async def _take_in(self, request: Request, verb: Verb, before: Phase) -> Response:
        """What the runtime posts becomes frames; a post that does not arrive whole may be repeated."""
        answer = api_protocol.accepted()
        try:
            outcome = await self._read(request, verb)
        except BodyTooLarge:
            outcome, answer = (OVERSIZED, b""), api_protocol.TOO_LARGE.response()
        except ClientDisconnected:
            self._phase = before
            raise
        if isinstance(outcome, Refusal):
            self._phase = before
            return outcome.response()
        if self._phase is Phase.RESPONDING:
            self._phase = Phase.RESPONDED
        self._receive(*outcome)
        return answer

    async def _read(self, request: Request, verb: Verb) -> tuple[int, bytes] | Refusal:
        if verb is Verb.RESPONSE:
            streaming = api_protocol.is_streaming(request.headers)
            if isinstance(streaming, Refusal):
                return streaming
            if streaming:
                return await self._read_stream(request)
            return RESULT, await request.body.read(MAX_RESPONSE_BYTES)
        document = api_protocol.error_document(await request.body.read(MAX_RESPONSE_BYTES), request.headers)
        return (HANDLED_ERROR if verb is Verb.ERROR else FATAL_ERROR), document

    async def _read_stream(self, request: Request) -> tuple[int, bytes]:
        content_type = request.headers.get("content-type")
        if content_type:
            self._receive(PRELUDE, orjson.dumps({"content_type": content_type}))
        total = 0
        async for piece in request.body.chunks():
            total += len(piece)
            if total > MAX_STREAMED_BYTES:
                raise BodyTooLarge(MAX_STREAMED_BYTES)
            self._receive(CHUNK, piece)
        error = api_protocol.midstream_error(request.body.trailers)
        return (RESULT, b"") if error is None else (HANDLED_ERROR, error)
