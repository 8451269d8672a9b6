"""`tarmac up --mtls`: real processes whose edges are encrypted, identified and refused."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from edited import until
from sandbox import PORT, SERVER, Sandbox, family, wire
from seen_edges import edge, edges

from tarmac.run.local.network import mutual_tls
from tarmac.run.local.network.identities import Identities
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import context
from tarmac.run.local.supervisor.context import SupervisorContext
from tarmac.run.local.supervisor.supervisor import Supervisor

#: GET /PORT asks what listens there, and answers with that answer or the name of the error.
ASKING = """
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = b"ready"
        if self.path != "/":
            try:
                with urllib.request.urlopen(f"http://127.0.0.1{self.path.replace('/', ':')}/") as a:
                    said = a.read()
            except OSError as error:
                said = type(error).__name__.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      front: {{run: [python, asking.py], port: {PORT}, calls: [back]}}
      other: {{run: [python, asking.py], port: {PORT + 1}}}
      back: {{run: [python, server.py], port: {PORT + 2}, stores: {{cache: cache}}}}
    stores: {{cache: redis}}
    """


@pytest.fixture
def box(sandbox: Sandbox) -> Sandbox:
    (sandbox.folder / "asking.py").write_text(ASKING)
    (sandbox.folder / "server.py").write_text(SERVER)
    sandbox.write(SYSTEM)
    return sandbox


def ends_of(box: Sandbox, target: str) -> int:
    """The port of the end before the only instance of a service."""
    found = edges(box)["edges"]
    (port,) = next(e["tls"]["ends"]["ports"] for e in found if e["target"] == target)
    return port


def asked(box: Sandbox, port: int, certificate: str = "") -> bytes:
    """Ask an end as a client with this service's certificate, or without one."""
    folder = box.home.identities
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(folder / "authority.pem")
    if certificate:
        client.load_cert_chain(folder / f"{certificate}.pem")
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port)) as raw,
        client.wrap_socket(raw) as secured,
    ):
        assert secured.version() == "TLSv1.3"
        secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return b"".join(iter(functools.partial(secured.recv, 65536), b""))
    return b""


def refused(box: Sandbox, code: int = 0) -> dict[tuple[str, str], int]:
    found = edges(box, code)["refused"]
    return {(row["source"], row["target"]): row["connections"] for row in found}


def test_each_edge_has_an_identity_at_both_ends(box: Sandbox):
    box.up("--mtls")
    address = wire(box, "front", "back").rpartition(":")[2]
    assert box.get("front", f"/{address}").startswith("pid ")
    found = edges(box)
    assert found["refused"] == []
    assert all("tls" in row for row in found["edges"])
    used = edge(box, "front", "back")
    assert (used["connections"], used["errors"], used["tls"]["identified"]) == (1, 0, 1)
    assert edge(box, "world", "front")["tls"]["identified"] == 1
    shown = box.tarmac("edges").stdout
    assert f"certificate: {len(found['edges'])} of {len(found['edges'])} edges" in shown


def test_a_callees_end_takes_a_declared_callers_certificate_and_no_other(box: Sandbox):
    box.up("--mtls")
    port = ends_of(box, "back")
    assert b"200 OK" in asked(box, port, "front")
    assert asked(box, port, "other") == b""
    assert asked(box, port, "back") == b""
    assert asked(box, port) == b""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"HTTP" not in plain.recv(65536)
    counted = until(lambda: refused(box, 1), lambda now: now.get(("", "back")) == 2)
    assert counted[("other", "back")] == counted[("back", "back")] == 1
    said = box.tarmac("edges").stdout
    assert "refused: other -> back, 1 connection: other does not declare it" in said
    assert "refused: 2 connections to back without a certificate of this system" in said


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="asks the kernel whose a socket is"
)
def test_a_service_cannot_use_the_address_of_another(box: Sandbox):
    box.up("--mtls")
    address = int(wire(box, "front", "back").rpartition(":")[2])
    for port in (address, PORT + 2):  # of the caller, and the one that the world uses
        assert box.get("front", f"/{port}").startswith("pid ")
        assert box.get("other", f"/{port}") == "ConnectionResetError"
    assert refused(box, 1) == {("other", "back"): 2}
    assert urllib.request.urlopen(f"http://127.0.0.1:{PORT + 2}").status == 200  # a developer's


def test_an_edge_that_is_declared_while_it_runs_is_admitted(box: Sandbox):
    box.up("--mtls")
    assert box.get("other", f"/{PORT + 2}") == "ConnectionResetError"
    box.write(SYSTEM.replace(f"port: {PORT + 1}", f"port: {PORT + 1}, calls: [back]"))
    box.up()  # goes on with certificates
    assert box.get("other", f"/{PORT + 2}").startswith("pid ")
    assert "tls" in edge(box, "other", "back", code=1)  # the one that was refused before


def test_an_edit_is_served_without_a_failed_request(box: Sandbox):
    box.up("--mtls")
    address = wire(box, "front", "back").rpartition(":")[2]
    said: set[str] = set()
    over = threading.Event()

    def ask() -> None:  # each time over new connections
        while not over.is_set():
            said.add(box.get("front", f"/{address}"))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    try:
        for number in range(3):
            box.write(SYSTEM.replace("server.py]", f"server.py], env: {{SHOWN: e{number}}}"))
            box.up()
    finally:
        over.set()
        for one in asking:
            one.join()
    assert len(said) == 4, "an instance before each edit, and one after the last"
    assert all(one.startswith("pid ") for one in said), said
    assert refused(box) == {}
    # The end of the previous instance goes once nothing is connected to it.
    until(lambda: edge(box, "front", "back")["tls"]["ends"]["ports"], lambda now: len(now) == 1)
    used = edge(box, "front", "back")
    assert used["tls"]["identified"] == used["connections"]


@pytest.mark.parametrize("number", [0, 1])
def test_either_process_of_the_wires_may_be_killed(box: Sandbox, number):
    box.up("--mtls")
    address = wire(box, "front", "back").rpartition(":")[2]
    wires = [
        pid
        for pid in family(box)
        if "local/network/wires.py" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    assert len(wires) == 2
    os.kill(sorted(wires)[number], signal.SIGKILL)

    def answer() -> str:
        with contextlib.suppress(OSError):
            return box.get("front", f"/{address}")
        return ""

    until(answer, lambda said: said.startswith("pid "))


def test_what_cannot_be_is_refused_before_anything_changes(box: Sandbox):
    both = box.tarmac("up", "-d", "--mtls", "--direct")
    assert both.returncode == 2
    assert "--mtls: needs the per-edge proxies; leave out --direct" in both.stderr
    box.up()
    later = box.tarmac("up", "-d", "--mtls")
    assert later.returncode == 2
    assert "--mtls: the system runs without --mtls; stop it first" in later.stderr
    assert box.get("front") == "ready"


def test_no_certificate_is_left_when_it_has_stopped(box: Sandbox):
    box.up("--mtls")
    assert box.home.identities.exists()
    assert box.tarmac("down").returncode == 0
    assert not box.home.identities.exists()


async def test_certificates_are_replaced_while_requests_go_on(box: Sandbox, monkeypatch):
    monkeypatch.setattr(context, "become_subreaper", lambda: None)  # these are not its processes
    ahead_s = 0.0  # a certificate of a clock ahead is valid at once: leeway is a minute
    life_s = 20.0
    timed = functools.partial(Identities, life_s=life_s, now=lambda: time.time() + ahead_s)
    monkeypatch.setattr(mutual_tls, "Identities", timed)
    options = Options(file=str(box.folder / "tarmac.yaml"), mtls=True)
    home = Home.of(Path(options.file), "default")
    started = SupervisorContext(home)
    await started.start(options)
    supervisor = Supervisor(started)

    def serial() -> int:
        found = x509.load_pem_x509_certificate((home.identities / "back.pem").read_bytes())
        return found.serial_number

    def ask() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{PORT + 2}", timeout=10) as answer:
            return answer.read()

    try:
        await supervisor.apply(options)
        await supervisor.processes.wait_all_ready(60)
        ahead_s += life_s / 2 + 1
        serials = {serial()}
        while len(serials) < 4:  # each connection of `ask` is a new one
            assert (await asyncio.to_thread(ask)).startswith(b"pid ")
            if serial() not in serials:
                serials.add(serial())
                ahead_s += life_s / 2 + 1
        assert (await asyncio.to_thread(ask)).startswith(b"pid ")
        (row,) = (e for e in (await supervisor.edges()).edges if e["source"] == "front")
        assert row["tls"]["identified"] == 0  # it asked at the port that the world uses
        counted = json.dumps((await supervisor.edges()).edges)
        assert '"refused": {"' not in counted
    finally:
        await supervisor.begin_shut_down()
        os.close(started._lock)  # as the end of its process would
