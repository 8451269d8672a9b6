"""`tarmac edges`: what went over each wire, who talks past them, and wires that were killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from edited import until
from sandbox import PORT, SERVER, SYSTEM, Sandbox, family, wire
from seen_edges import edge, edges

from tarmac.run.local.host import kernel

#: GET /PORT opens a connection to it and keeps it; a body comes back when it is open.
CALLER = """
import http.server, os, socket
kept = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            kept.append(socket.create_connection(("127.0.0.1", int(self.path[1:]))))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"kept")
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
WITH_CALLER = f"""
    tarmac: 1
    system: small
    services:
      caller: {{run: [python, caller.py], port: {PORT}, calls: [friend]}}
      friend: {{run: [python, server.py], port: {PORT + 1}}}
      stranger: {{run: [python, server.py], port: {PORT + 2}}}
    """


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wires_of(box: Sandbox) -> int:
    """The pid of the wires' process."""
    (pid,) = [
        pid
        for pid in family(box)
        if "local/network/wires.py" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    return pid


def test_each_declared_edge_is_shown_with_its_traffic(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    found = {(entry["source"], entry["target"]) for entry in edges(sandbox)["edges"]}
    assert found == {("world", "front"), ("world", "back"), ("front", "back")}
    unused = edge(sandbox, "front", "back")
    assert (unused["connections"], unused["bytes_sent"], unused["last_at"]) == (0, 0, None)
    listed = sandbox.tarmac("edges", "--unused", "--json")
    assert listed.returncode == 1
    assert json.loads(listed.stdout)["edges"] == [unused]
    assert unused["unused"]
    assert "declared, never used in this run: front -> back" in sandbox.tarmac("edges").stdout

    # What is said is known to the byte: the request by hand, an answer of HTTP/1.0.
    address = wire(sandbox, "front", "back").removeprefix("http://").split(":")
    request = b"GET /env/PORT HTTP/1.0\r\n\r\n"
    with socket.create_connection((address[0], int(address[1]))) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    used = until(lambda: edge(sandbox, "front", "back"), lambda now: now["open"] == 0)
    assert (used["connections"], used["errors"]) == (1, 0)
    assert (used["bytes_sent"], used["bytes_received"]) == (len(request), len(answer))
    assert edge(sandbox, "world", "back")["connections"] == 0

    every = sandbox.tarmac("edges", "--unused")
    assert (every.returncode, every.stdout) == (0, "every declared edge was used in this run\n")
    shown = sandbox.tarmac("edges")
    assert shown.returncode == 0
    assert "never used" not in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if line.startswith("front"))
    assert row.split()[:5] == ["front", "back", "http", address[1], "1"]
    assert f"{len(request)} B" in row


def test_requests_of_services_without_any_instrumentation_are_counted_where_it_is_asked(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    address = wire(sandbox, "front", "back")
    get(f"{address}/env/PORT")
    assert "requests" not in edge(sandbox, "front", "back")
    assert "P95" not in sandbox.tarmac("edges").stdout

    sandbox.up("--inspect")
    pid = wires_of(sandbox)
    get(f"{address}/env/PORT")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(address, b"{}", timeout=10)
    counted = {"GET 200": 1, "POST 501": 1}
    found = until(lambda: edge(sandbox, "front", "back"), lambda now: now["requests"] == counted)
    assert sum(found["durations"].values()) == 2
    row = next(
        line for line in sandbox.tarmac("edges").stdout.splitlines() if line.startswith("front")
    )
    assert row.split()[7:9] == ["2", "1"]
    done = sandbox.tarmac("top", "--json", "--every", "0.2")
    shown = {one["name"]: one for one in json.loads(done.stdout)["activities"]}
    assert shown["back"]["rates"]["requests_per_s"] == 0
    assert shown["back"]["memory_bytes"] > 5_000_000
    assert "REQUESTS/S" in sandbox.tarmac("top", "--every", "0.2").stdout

    # What was counted outlives the process that counts, and so does the wish.
    os.kill(pid, signal.SIGKILL)
    get(f"{address}/env/PORT")
    assert wires_of(sandbox) != pid
    counted["GET 200"] = 2
    until(lambda: edge(sandbox, "front", "back")["requests"], lambda now: now == counted)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="needs the kernel's socket table")
def test_a_connection_that_nobody_declared_is_found_and_named(sandbox: Sandbox):
    (sandbox.folder / "caller.py").write_text(CALLER)
    sandbox.write(WITH_CALLER)
    sandbox.up()
    pid = sandbox.node("caller")["pid"]
    friend, stranger = sandbox.node("friend"), sandbox.node("stranger")
    own = friend["ports"]["http"]
    assert own != PORT + 1
    # Declared: by its wire, by the port that people use, and past all wires.
    for port in (int(wire(sandbox, "caller", "friend").rpartition(":")[2]), PORT + 1, own):
        assert get(f"http://127.0.0.1:{PORT}/{port}") == "kept"
    assert edges(sandbox)["undeclared"] == []
    assert edge(sandbox, "caller", "friend")["direct"] == 1

    assert get(f"http://127.0.0.1:{PORT}/{PORT + 2}") == "kept"
    (found,) = edges(sandbox, code=1)["undeclared"]
    address = f"127.0.0.1:{PORT + 2}"
    assert found == {
        "source": "caller",
        "target": "stranger",
        "pid": pid,
        "address": address,
        "declaration": "calls: [stranger]",
    }
    get(f"http://127.0.0.1:{PORT}/{stranger['ports']['http']}")
    assert len(edges(sandbox, code=1)["undeclared"]) == 2
    shown = sandbox.tarmac("edges")
    assert shown.returncode == 1
    assert f"undeclared: caller (pid {pid}) is connected to stranger on {address}" in shown.stdout
    assert "add `calls: [stranger]` to services.caller" in shown.stdout
    assert "bypasses its proxy: caller -> friend, 1 open now: not counted" in shown.stdout


def test_localhost_leads_to_a_service_by_ipv6_too_and_back_to_others_when_it_ends(sandbox: Sandbox):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    sandbox.write(SYSTEM)
    sandbox.up()
    for _ in range(2):
        assert get(f"http://[::1]:{PORT}/env/SERVICE_NAME") == "front"
        assert sandbox.up()["nodes"]  # its own sockets do not take its ports from it
    assert edge(sandbox, "world", "front")["connections"] == 2
    sandbox.tarmac("down")
    with socket.create_server(("::1", PORT), family=socket.AF_INET6):
        pass
    sandbox.up()
    for host in ("127.0.0.1", "[::1]"):
        assert get(f"http://{host}:{PORT}/env/SERVICE_NAME") == "front"


def test_a_server_on_the_loopback_of_ipv6_alone_is_healthy_and_reached(sandbox: Sandbox):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = SERVER.replace('"127.0.0.1"', '"::1"').replace(
        "server = ",
        "http.server.ThreadingHTTPServer.address_family = __import__('socket').AF_INET6\nserver = ",
    )
    (sandbox.folder / "server.py").write_text(server)
    sandbox.write(SYSTEM)
    sandbox.up()
    assert get(f"http://127.0.0.1:{PORT}/env/SERVICE_NAME") == "front"
    assert sandbox.node("front")["state"] == "healthy"


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="needs the kernel's socket table")
def test_an_edge_that_is_used_past_its_wire_alone_is_no_unused_one(sandbox: Sandbox):
    (sandbox.folder / "caller.py").write_text(CALLER)
    sandbox.write(WITH_CALLER)
    sandbox.up()
    never = "declared, never used in this run: caller -> friend"
    assert never in sandbox.tarmac("edges").stdout
    # As a service does that asks a registry for addresses.
    assert get(f"http://127.0.0.1:{PORT}/{sandbox.node('friend')['ports']['http']}") == "kept"
    assert never not in sandbox.tarmac("edges").stdout


def test_the_same_port_of_another_machine_is_not_of_this_system():
    lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when uid timeout inode"]
    remotes = {
        "0100007F": 1,
        "0200007F": 2,
        "0500000A": 3,
        "0000000000000000FFFF00000100007F": 4,
        "00000000000000000000000001000000": 5,
        "B80D0120000000000000000001000000": 6,
    }
    for remote, inode in remotes.items():
        local = "0" * (len(remote) - 8) + "0100007F"
        lines.append(f"0: {local}:1000 {remote}:0050 01 0:0 00:0 0 0 0 {inode} 1 x 20 4 30 10 -1")
    found = kernel.parse("\n".join(lines), kernel.ESTABLISHED)
    assert [listener.inode for listener in found if listener.is_to_loopback] == ["1", "2", "4", "5"]


def test_without_wires_the_edges_are_listed_all_the_same(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up("--direct")
    assert sandbox.get("back").startswith("pid ")
    (only,) = edges(sandbox)["edges"]
    assert (only["source"], only["target"], only["listen"]) == ("front", "back", 0)
    assert "connections" not in only
    row = sandbox.tarmac("edges").stdout.splitlines()[1]
    assert row.split() == ["front", "back", "http", *"-------"]
    done = sandbox.tarmac("edges", "--unused")
    assert done.returncode == 2
    assert "the use of its edges is not counted with --direct; restart it without" in done.stderr
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 2
    assert "the system runs with --direct; stop it first" in done.stderr


def test_edges_of_what_does_not_run_is_an_error_that_says_what_to_do(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    done = sandbox.tarmac("edges")
    assert done.returncode == 1
    assert "the system is not running; start it with `tarmac up`" in done.stderr


def test_killed_wires_are_started_again_and_who_comes_meanwhile_waits(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    before = edge(sandbox, "world", "back")
    get(f"http://127.0.0.1:{PORT + 1}/")
    counted = until(lambda: edge(sandbox, "world", "back"), lambda now: now["open"] == 0)
    pids = [wires_of(sandbox)]
    open_one = socket.create_connection(("127.0.0.1", PORT + 1))
    answers: list[str] = []

    def ask() -> None:
        answers.append(get(f"http://127.0.0.1:{PORT + 1}/"))

    for _ in range(3):
        os.kill(pids[-1], signal.SIGSTOP)  # so that these come while nobody can take them
        waiting = [socket.create_connection(("127.0.0.1", PORT + 1)) for _ in range(20)]
        os.kill(pids[-1], signal.SIGKILL)
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for connection in waiting:
            connection.settimeout(20)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.0 200")
            connection.close()
        for thread in threads:
            thread.join()
        pids.append(wires_of(sandbox))
    assert len(answers) == 30
    assert len(set(pids)) == 4
    with open_one:
        open_one.settimeout(20)
        with contextlib.suppress(ConnectionResetError):  # it was the killed one's
            assert open_one.recv(1) == b""
    after = edge(sandbox, "world", "back")
    assert after["listen"] == before["listen"]
    assert after["first_at"] == counted["first_at"]
    assert after["connections"] >= counted["connections"] + 30  # what earlier ones counted is kept
    assert sandbox.node("back")["restarts"] == 0
