"""The wires: one process with a TCP listener for each edge, which counts and balances.

Started by `wiring.py` as `python -I wires.py`; descriptor 0 is a socket pair to the supervisor,
which binds and keeps the listening sockets: when this process is killed, new connections wait in
their queues for the next one. What reads, disturbs or splits what it carries is imported once it is
asked for.

It balances per connection, over the instances that are ready, the one with the fewest open
connections first; if none is ready it takes any that lives, so that a store which all of them miss
does not make a whole service unreachable. It never retries anything but a connection that was
refused, and reads no more of what it carries than the heads of HTTP/1 messages (inspector.py), if
it is asked to. A drill may have it disturb an edge (endpoint_faults.py). With `up --mtls` a second
one of these processes stands before the callees, and the two speak TLS (mutual_tls.py).

JSON lines, a listener's descriptor with the first byte of its request:
    {"op": "wire", "id": "orders->db:main", "targets": [["db", 20001, true]], "listeners": 1}
                                          + that many descriptors; with "tls" it speaks TLS (tls.py)
    {"op": "targets", "id": "orders->db:main", "targets": [...]}       name, port, is it ready
    {"op": "unwire", "id": "orders->db:main"}                        its connections are closed
    {"op": "inspect", "on": true}                          requests of new connections are counted
    {"op": "disturb", "id": "orders->db:main", "rule": {"delay_s": 0.2}}       see disturbance.py
    {"op": "split", "id": ..., "names": ["db.new"], "share": 0.1, "rule": null}    see split.py
    {"op": "admit", "id": "orders->db:main", "peers": [...], "users": [...]}       what it takes now
    {"op": "renew"}                                              certificates have been replaced
    {"op": "owners", "pids": {"spiffe://...": [123]}}               processes of the system
    {"op": "count", "ask": 7}        ->   {"answer": 7, "wires": {"orders->db:main": {...}}}
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import resource
import signal
import socket
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from tarmac.run.local.network.endpoint import Endpoint
from tarmac.run.local.network.wire import Target, Wire

if TYPE_CHECKING:
    from tarmac.run.local.network.disturbance import Disturbance
    from tarmac.run.local.network.inspector import Requests
    from tarmac.run.local.network.tls import Certificates

#: Connections that the kernel keeps while none can be taken: a restart of this process, a burst.
BACKLOG = 4096
#: Two for each connection.
DESCRIPTORS = 65536


class Wires:
    """All wires of a system, changed by requests."""

    def __init__(self) -> None:
        self._wires: dict[str, Wire] = {}
        self._inspects = False

    async def handle(self, request: dict[str, Any], listeners: list[int]) -> dict[str, Any] | None:
        """Carry out one request; return its answer, if it has one."""
        op = request["op"]
        if op == "count":
            counted = {name: wire.counts() for name, wire in self._wires.items()}
            return {"answer": request["ask"], "wires": counted}
        if op == "wire":
            await self._add(request, listeners)
        elif op == "inspect":
            self._inspects = request["on"]
            for wire in self._wires.values():
                wire.requests = (wire.requests or _counter()) if self._inspects else None
        elif op == "renew":
            self.certificates.renew()
        elif op == "owners":
            self.certificates.owners.pids = request["pids"]
        elif (wanted := self._wires.get(request["id"])) is not None:
            self._change(wanted, request)
        return None

    async def _add(self, request: dict[str, Any], listeners: list[int]) -> None:
        wire = self._wires[request["id"]] = Wire(request["id"])
        wire.requests = _counter() if self._inspects else None
        _retarget(wire, request["targets"])  # first: some may wait in the queue already
        if told := request.get("tls"):
            wire.tls = self.certificates.end(told)
        for _ in range(request["listeners"]):
            wire.servers.append(await _server(wire, listeners.pop(0)))

    def _change(self, wire: Wire, request: dict[str, Any]) -> None:
        op = request["op"]
        if op == "targets":
            _retarget(wire, request["targets"])
        elif op == "disturb":
            wire.disturb(_disturbance(request["rule"]))
        elif op == "split":
            _change_split(wire, request)
        elif op == "admit" and wire.tls is not None:
            wire.tls.peers, wire.tls.users = map(frozenset, (request["peers"], request["users"]))
        elif op == "unwire":
            del self._wires[wire.id]
            for server in wire.servers:
                server.close()
            for end in list(wire.ends):
                end.cut()

    @cached_property
    def certificates(self) -> Certificates:
        """What TLS needs."""
        from tarmac.run.local.network.tls import (  # noqa: PLC0415 - only where it is asked
            Certificates,
        )

        return Certificates()

    async def listen(self) -> None:
        """Take connections on new wires, once no request waits that may say where they go."""
        for wire in self._wires.values():
            for server in wire.servers:
                if not server.is_serving():
                    await server.start_serving()


async def _server(wire: Wire, descriptor: int) -> asyncio.Server:
    """Make a server that does not take connections yet."""
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    make = partial(loop.create_server, sock=listener, backlog=BACKLOG, start_serving=False)
    if (tls := wire.tls) is None or not tls.listens:
        return await make(lambda: Endpoint(wire))

    from tarmac.run.local.network.tls import HANDSHAKE_S  # noqa: PLC0415 - only where it is asked

    def begin() -> Endpoint:
        tls.begin()
        return Endpoint(wire)

    return await make(begin, ssl=tls.context, ssl_handshake_timeout=HANDSHAKE_S)


def _counter() -> Requests:
    from tarmac.run.local.network.inspector import (  # noqa: PLC0415 - only where it is asked
        Requests,
    )

    return Requests()


def _disturbance(rule: dict[str, Any] | None) -> Disturbance | None:
    if rule is None:
        return None
    from tarmac.base.target import EdgeRule  # noqa: PLC0415
    from tarmac.run.local.network.disturbance import Disturbance  # noqa: PLC0415 - in a drill only

    return Disturbance(EdgeRule(**rule))


def _change_split(wire: Wire, wanted: dict[str, Any]) -> None:
    from tarmac.base.target import EdgeRule  # noqa: PLC0415
    from tarmac.run.local.network.split import Split  # noqa: PLC0415 - in a drill only

    wire.split = wire.split or Split()
    rule = None if wanted["rule"] is None else EdgeRule(**wanted["rule"])
    wire.split.change(wanted["names"], wanted["share"], rule)
    for end in list(wire.ends):
        end.begin_split(wire.split)
        if wire.split.defect is not None:
            end.disturb(wire.split.defect)


def _retarget(wire: Wire, targets: list[tuple[str, int, bool]]) -> None:
    """Take the instances as they are now; open connections to others live on."""
    known = {(target.name, target.port): target for target in wire.targets}
    wire.targets = []
    for name, port, ready in targets:
        target = known.get((name, port)) or Target(name, port, ready)
        target.ready = ready
        wire.targets.append(target)


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, ancillary, _, _ = channel.recvmsg(65536, socket.CMSG_LEN(64 * fds.itemsize), flags)
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)


async def serve(channel: socket.socket) -> None:
    """Serve requests until the supervisor's end closes."""
    loop = asyncio.get_running_loop()
    wires = Wires()
    readable = asyncio.Event()
    loop.add_reader(channel, readable.set)
    buffer, listeners = b"", list[int]()
    while True:
        try:
            data, fds = _receive(channel)
        except BlockingIOError:
            await wires.listen()
            await readable.wait()
            readable.clear()
            continue
        except OSError:
            return
        if not data:
            return
        listeners += fds
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            answer = await wires.handle(json.loads(line), listeners)
            if answer is not None:
                await loop.sock_sendall(channel, json.dumps(answer).encode() + b"\n")


def main() -> None:
    """Raise the limit of descriptors, then serve."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, DESCRIPTORS), hard):  # only root may go above what is given
        with contextlib.suppress(OSError, ValueError):  # macOS: less than "unlimited" at most
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            break
    channel = socket.socket(fileno=0)
    channel.setblocking(False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it lives as long as the supervisor's end
    import uvloop  # noqa: PLC0415 - a reader of this file's names need not have it

    uvloop.run(serve(channel))


if __name__ == "__main__":
    main()
