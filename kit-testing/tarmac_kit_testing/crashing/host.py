"""The process that hosts one service: the kit's chassis, with the World in place of the network.

Forked by `life`. What the service publishes, consumes and calls goes over the socket to the test's
process; what it does in its databases it does there itself. It never returns.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tarmac_kit import steps
from tarmac_kit.app import create_app
from tarmac_kit.client import Request, Response, TransportError
from tarmac_kit.database import Database
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit.steps import step
from tarmac_kit.tokens import TokenVerifier
from tarmac_kit_testing.crashing.counting import CountedConnection, StepCounter
from tarmac_kit_testing.crashing.peer import Answer, Peer, PeerError, PeerGone
from tarmac_kit_testing.crashing.service import HostedService
from tarmac_kit_testing.inprocess import InProcess

#: The exit code of a process that cannot start, or whose test has ended.
ENDED = 78


def host(
    service: HostedService,
    urls: Mapping[str, str],
    counter: StepCounter,
    verifier: TokenVerifier,
    sock: socket.socket,
    log: Path,
) -> None:
    """Serve until the socket is closed; called in the new process, right after the fork."""
    # What came over from the test's process is not ours to tidy up.
    gc.freeze()
    asyncio._set_running_loop(None)  # noqa: SLF001 - that loop is the test's
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = sys.stderr = open(1, "w", buffering=1, closefd=False, encoding="utf-8")  # noqa: SIM115
    Database.connection_class = CountedConnection
    steps.observe(counter)
    service.prepare()
    asyncio.run(_serve(service, urls, counter, verifier, sock))


async def _serve(
    service: HostedService,
    urls: Mapping[str, str],
    counter: StepCounter,
    verifier: TokenVerifier,
    sock: socket.socket,
) -> None:
    async def serve(verb: str, what: dict[str, Any], answer: Answer) -> None:
        if verb == "request":
            body = what.pop("body").encode("latin-1")
            answer(_as_frame(await client.request(**what, content=body)))
        elif verb == "deliver":
            await bus.deliver(what, answer)
        elif verb == "arm":
            random.seed(what["seed"])
            counter.arm(what["die_at"], what["only"])
            answer(None)
        elif verb == "disarm":
            counter.disarm()
            answer(None)

    peer = Peer(serve)
    bus = _Bus(peer)
    app = create_app(
        service.parts, service.environ(urls), bus=bus, transport=_transport(peer), verifier=verifier
    )
    client = InProcess(app)
    running = asyncio.create_task(peer.run(sock))
    await peer.open.wait()
    await app.chassis.start()
    try:
        await app.chassis.opened()
    except RuntimeError as error:
        peer.tell("failed", error=str(error))
    else:
        peer.tell("ready")
    await running
    os._exit(ENDED)


class _Bus:
    """A Bus whose broker is in the test's process."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._handlers: dict[tuple[str, str], Handler] = {}

    @property
    def connected(self) -> bool:
        """Return whether the test's process is there."""
        return not self._peer.gone

    async def open(self) -> None:
        """Do nothing: the socket is open."""

    async def close(self) -> None:
        """Do nothing: it closes with the process."""

    async def ping(self) -> None:
        """Answer."""

    async def publish(self, message: Message) -> None:
        """Return when the broker has the message."""
        with step(f"publish {message.topic}"):
            frame = {
                "id": message.id,
                "topic": message.topic,
                "key": message.key,
                "payload": message.payload,
                "headers": dict(message.headers),
            }
            await self._peer.ask("publish", message=frame)

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Take part in a group."""
        for topic in topics:
            self._handlers[group, topic] = handler
            self._peer.tell("consume", topic=topic, group=group)

    async def deliver(self, what: dict[str, Any], answer: Answer) -> None:
        """Handle one message and say what became of it."""
        message = Message(**what["message"], attempt=what["attempt"])
        settled: dict[str, Any] = {"settled": "ack"}
        try:
            await self._handlers[what["group"], message.topic](message)
        except PoisonMessage as error:
            settled = {"settled": "park", "reason": str(error)}
        except Exception:  # noqa: BLE001 - as with every broker: it comes again
            settled = {"settled": "retry"}
        with step(f"{settled['settled']} {message.topic}"):
            answer(settled)


def _transport(peer: Peer) -> Any:
    async def send(request: Request) -> Response:
        url = urlsplit(request.url)
        frame = {
            "method": request.method,
            "path": f"{url.path}?{url.query}" if url.query else url.path,
            "headers": dict(request.headers),
            "body": (request.body or b"").decode("latin-1"),
        }
        with step(f"call {request.method} {url.hostname}{url.path}"):
            try:
                async with asyncio.timeout(request.timeout_s):
                    answer = await peer.ask("call", to=url.hostname, request=frame)
            except (PeerGone, PeerError) as error:
                raise TransportError(str(error)) from error
        return Response(answer["status"], answer["headers"], answer["body"].encode("latin-1"))

    return send


def _as_frame(response: Response) -> dict[str, Any]:
    return {
        "status": response.status,
        "headers": dict(response.headers),
        "body": response.body.decode("latin-1"),
    }
