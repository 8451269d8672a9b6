"""The local ingress: takes requests for all public hosts and hands each to the service it is for.

Started as a process of its own (`python -m tarmac.run.local.network.ingress ROUTES.JSON`), in place
of production's Ingress: by host, then by the longest path; the path goes on unchanged. It streams
both ways, passes upgrades (WebSocket) on, keeps nothing, and never answers for a service that is
there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

CONNECT_S = 2.0
#: As NGINX's proxy_read_timeout: so long may a service be silent before or within an answer.
SILENT_S = 60.0
#: So long may a client's connection rest between two requests.
IDLE_S = 75.0
#: Requests in flight at its end have so long; its node is killed after 10 s.
GRACE_S = 8.0
CHUNK_BYTES = 65_536
EVENT_STREAM = b"text/event-stream"
#: A head that is longer and not whole yet is refused.
HEAD_BYTES = 32_768
#: Headers that concern one connection (RFC 9110, 7.6.1); h11 frames each side again.
_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
#: What says where a request goes and where it ends: no Connection header takes that away.
_KEPT = {b"host", b"content-length", b"transfer-encoding"}
_SET = {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded"}

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Route:
    """A path of a public host, and where the service that has it is reached."""

    path: str
    service: str
    host: str
    port: int

    def fits(self, path: str) -> bool:
        """Tell whether a request's path is this one or below it, segment by segment."""
        own = self.path.rstrip("/")
        return path == own or path.startswith(f"{own}/")


@dataclass(frozen=True)
class RouteTable:
    """Every route by host label, the longest path first."""

    domain: str
    hosts: Mapping[str, tuple[Route, ...]]

    def label(self, host: str, default: str) -> str:
        """Find which public host a Host header means; an address means that of its port."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.lower().rstrip(".")
        for label in self.hosts:
            if label and (name.startswith(f"{label}.") or name == label):
                return label
        root = self.domain and name in (self.domain, f"{self.domain.split('.')[0]}.localhost")
        return "" if root and "" in self.hosts else default

    def find(self, label: str, path: str) -> Route | None:
        """Find the route for a path."""
        return next((route for route in self.hosts[label] if route.fits(path)), None)


def read(text: str) -> tuple[RouteTable, list[tuple[str, str, int]]]:
    """Read the routes' file; return the table, and (label, host, port) of each listener."""
    data = json.loads(text)
    hosts = {
        label: tuple(sorted((Route(**r) for r in routes), key=lambda r: -len(r.path.rstrip("/"))))
        for label, routes in data["hosts"].items()
    }
    listeners = [
        (listener["label"], listener["host"], listener["port"]) for listener in data["listen"]
    ]
    return RouteTable(data["domain"], hosts), listeners


class _Connection:
    """One connection: its bytes, and what HTTP makes of them."""

    def __init__(
        self,
        role: type[h11.CLIENT | h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=HEAD_BYTES)
        self.reader = reader
        self.writer = writer
        #: It carries a stream of server-sent events, which has no end of its own.
        self.endless = False
        #: How often something was sent: an answer is not late while its request still goes on.
        self.sent = 0
        #: What was wrong with a body that came from here.
        self.wrong: h11.RemoteProtocolError | None = None

    async def next(self, within_s: float) -> Any:
        """Wait for the next event; TimeoutError if in that time nothing comes, nor was sent."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            sent = self.sent
            try:
                async with asyncio.timeout(within_s):
                    self.http.receive_data(await self.reader.read(CHUNK_BYTES))
            except TimeoutError:
                if self.sent == sent:
                    raise
        return event

    async def send(self, *events: Any) -> None:
        """Send events; waits while the other end does not take them."""
        for event in events:
            if data := self.http.send(event):
                self.writer.write(data)
                self.sent += 1
        await self.writer.drain()

    def close(self) -> None:
        """Close the connection."""
        self.writer.close()

    def end(self) -> None:
        """End an answer that has begun as if that had been all of it, and close the connection."""
        if self.http.our_state is h11.SEND_BODY and (data := self.http.send(h11.EndOfMessage())):
            self.writer.write(data)
        self.writer.close()


class Ingress:
    """The listeners and what is under way."""

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self._clients: dict[asyncio.Task[None], _Connection] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def serve(self, label: str, host: str, port: int) -> asyncio.Server:
        """Listen on one address for one public host."""

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._client(label, _Connection(h11.SERVER, reader, writer))

        return await asyncio.start_server(client, host, port, reuse_address=True)

    async def drain(self) -> None:
        """Let answers that have begun come to their end; end streams, close what rests."""
        self._stopping = True
        for task, side in self._clients.items():
            if side.endless:
                side.end()
            elif task not in self._answering:
                side.close()
        if self._clients:
            await asyncio.wait(set(self._clients), timeout=GRACE_S)

    async def _client(self, label: str, side: _Connection) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a stream's callback runs as a task
        self._clients[task] = side
        try:
            while True:
                event = await side.next(IDLE_S)
                if not isinstance(event, h11.Request):
                    break
                self._answering.add(task)
                again = await self._answer(label, side, event)
                self._answering.discard(task)
                if not again or self._stopping:
                    break
                side.http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            with contextlib.suppress(OSError, h11.LocalProtocolError):
                await _refuse(side, error.error_status_hint, "bad_request", str(error))
        except (OSError, h11.LocalProtocolError):
            pass  # the client is gone, or rested too long
        finally:
            self._answering.discard(task)
            self._clients.pop(task, None)
            side.close()

    async def _answer(self, label: str, side: _Connection, request: h11.Request) -> bool:
        """Answer one request; return whether the connection may carry another."""
        if request.target == b"*":
            await side.send(h11.Response(status_code=204, headers=[]), h11.EndOfMessage())
            return False
        headers = dict(request.headers)
        path = request.target.split(b"?", 1)[0].decode("ascii", "replace")
        label = self._table.label(headers.get(b"host", b"").decode("latin-1"), label)
        route = self._table.find(label, path)
        if route is None:
            known = ", ".join(r.path for r in self._table.hosts[label])
            await _refuse(side, 404, "no_route", f"no route for {path}; public paths: {known}")
            return False
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(route.host, route.port)
        except OSError:
            await _refuse(side, 503, "no_service", f"{route.service} is unreachable")
            return False
        behind = _Connection(h11.CLIENT, reader, writer)
        try:
            return await self._pass_on(side, behind, request, route)
        finally:
            behind.close()

    async def _pass_on(
        self, side: _Connection, behind: _Connection, request: h11.Request, route: Route
    ) -> bool:
        upgrade = dict(request.headers).get(b"upgrade")
        try:
            await behind.send(_forwarded(side, request, upgrade))
            asking = asyncio.create_task(_ask(side, behind))
            try:
                switched = await _hand_back(side, behind)
            finally:
                asking.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, h11.ProtocolError):
                    await asking
        except (OSError, h11.RemoteProtocolError) as error:
            # Nothing was answered yet: say so. Else the break is the message.
            if side.wrong is not None:
                await _refuse(side, side.wrong.error_status_hint, "bad_request", str(side.wrong))
            elif side.http.our_state is h11.SEND_RESPONSE and not side.writer.is_closing():
                late = isinstance(error, TimeoutError)
                status, code = (504, "no_answer") if late else (502, "bad_answer")
                await _refuse(side, status, code, f"{route.service} sent no valid response")
            return False
        if switched:
            await _tunnel(side, behind)
            return False
        return side.http.our_state is h11.DONE and side.http.their_state is h11.DONE


async def _ask(side: _Connection, behind: _Connection) -> None:
    """Send the request's body on; then watch for the client's end, which ends the request."""
    while True:
        try:
            event = side.http.next_event()
        except h11.RemoteProtocolError as error:
            side.wrong = error
            behind.close()
            return
        if event is h11.NEED_DATA or event is h11.PAUSED:
            if len(side.http.trailing_data[0]) > HEAD_BYTES:
                return  # the next request: it waits in its connection until this one is answered
            if side.http.they_are_waiting_for_100_continue:
                await side.send(h11.InformationalResponse(status_code=100, headers=[]))
            data = await side.reader.read(CHUNK_BYTES)
            if not data:
                behind.close()
                side.close()
                return
            side.http.receive_data(data)
        elif isinstance(event, h11.Data | h11.EndOfMessage):
            await behind.send(event)
        else:
            behind.close()
            return


async def _hand_back(side: _Connection, behind: _Connection) -> bool:
    """Send the answer back as it comes; return whether the connection changed its protocol."""
    while True:
        event = await behind.next(SILENT_S)
        if isinstance(event, h11.InformationalResponse):
            if event.status_code == 101:
                await side.send(
                    h11.InformationalResponse(status_code=101, headers=list(event.headers))
                )
                return True
            if event.status_code != 100:  # ours went out when the body was asked for
                await side.send(
                    h11.InformationalResponse(
                        status_code=event.status_code, headers=_end_to_end(event.headers)
                    )
                )
        elif isinstance(event, h11.Response):
            headers = _end_to_end(event.headers)
            side.endless = dict(event.headers).get(b"content-type", b"").startswith(EVENT_STREAM)
            await side.send(
                h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
            )
        elif isinstance(event, h11.Data):
            await side.send(event)
        elif isinstance(event, h11.EndOfMessage):
            side.endless = False
            await side.send(event)
            return False
        else:
            raise ConnectionResetError("the service closed its connection before its answer")


def _forwarded(side: _Connection, request: h11.Request, upgrade: bytes | None) -> h11.Request:
    """Write the request as the service gets it: same target, and the client (never trusted)."""
    left_out = _HOP | _SET | _named(request.headers) | {b"expect"}
    sent = dict(request.headers)
    if b"transfer-encoding" in sent:
        left_out |= {b"content-length"}  # of two lengths it is the one that counts
    headers = _without(request.headers, left_out)
    peer = side.writer.get_extra_info("peername")
    host = sent.get(b"host", b"")
    if b"host" not in sent:
        headers.append((b"Host", host))  # HTTP/1.0 needs none
    headers += [(b"X-Forwarded-For", str(peer[0]).encode()), (b"X-Forwarded-Host", host)]
    headers += [(b"X-Forwarded-Proto", b"http")]
    if upgrade is not None:
        headers += [(b"Connection", b"upgrade"), (b"Upgrade", upgrade)]
    else:
        headers.append((b"Connection", b"close"))
    return h11.Request(method=request.method, target=request.target, headers=headers)


def _end_to_end(headers: Any) -> Headers:
    return _without(headers, _HOP | _named(headers) | {b"transfer-encoding"})


def _without(headers: Any, names: set[bytes]) -> Headers:
    """Leave some headers out; the others keep their case."""
    return [raw_item for raw_item in headers.raw_items() if raw_item[0].lower() not in names]


def _named(headers: Any) -> set[bytes]:
    """List the headers that a Connection header takes for its own connection only."""
    values = [value for name, value in headers if name == b"connection"]
    return {word.strip().lower() for value in values for word in value.split(b",")} - _KEPT


async def _tunnel(side: _Connection, behind: _Connection) -> None:
    """Pass bytes both ways until one side ends."""

    async def pump(source: _Connection, sink: _Connection) -> None:
        data, _ = source.http.trailing_data
        while True:
            if data:
                sink.writer.write(data)
                await sink.writer.drain()
            data = await source.reader.read(CHUNK_BYTES)
            if not data:
                return

    pumps = [asyncio.create_task(pump(side, behind)), asyncio.create_task(pump(behind, side))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _refuse(side: _Connection, status: int, code: str, detail: str) -> None:
    """Answer with a problem document (RFC 9457) of the ingress; the connection ends with it."""
    if side.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    body = json.dumps(
        {
            "type": f"urn:problem:{code}",
            "title": "The ingress has no response",
            "status": status,
            "code": code,
            "detail": detail,
        }
    ).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    if status == 503:
        headers.append(("Retry-After", "1"))
    answer = h11.Response(status_code=status, headers=headers)
    await side.send(answer, h11.Data(data=body), h11.EndOfMessage())


async def run(text: str) -> None:
    """Serve what a routes' file says until SIGTERM or SIGINT."""
    table, listeners = read(text)
    ingress = Ingress(table)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    servers = [await ingress.serve(*listener) for listener in listeners]
    await stop.wait()
    for server in servers:
        server.close()
    await ingress.drain()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]).read_text(encoding="utf-8")))
