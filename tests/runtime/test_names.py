"""`hosts: true`: code that names others by their containers' names runs as it is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from edited import until
from sandbox import PORT, Sandbox, family

from tarmac.base.errors import TarmacError
from tarmac.cli.parts import become
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.supervisor import environments

ASKS = """
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, said = 200, b""
        try:
            for url in os.environ["ASKS"].split():
                said += urllib.request.urlopen(url, timeout=5).read() + b" "
        except OSError as error:
            status, said = 502, str(error).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said + os.environ["SERVICE_NAME"].encode())
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def service(name: str, port: int, asks: str, more: str = "") -> str:
    run = f"run: [{sys.executable}, asks.py]"
    return f"{name}: {{{run}, port: {port}, env: {{ASKS: '{asks}'}}{more}}}"


SYSTEM = f"""
    tarmac: 1
    system: named
    hosts: true
    services:
      {service("web", PORT, f"http://api:8080 http://api:{PORT + 2}", ", calls: [api]")}
      {service("desk", PORT + 1, "http://api:8080", ", calls: [api]")}
      {service("api", PORT + 2, "", ", image_port: 8080")}
    """

#: A program that listens where its code says.
OWN = service("api", PORT + 2, "", ", listen: fixed").replace("asks.py", "own.py")


@pytest.fixture
def named(sandbox: Sandbox) -> Sandbox:
    if not sys.platform.startswith("linux"):
        pytest.skip("mount namespaces are Linux's")
    (sandbox.folder / "asks.py").write_text(ASKS)
    sandbox.write(SYSTEM)
    return sandbox


def test_services_reach_others_by_name_at_the_ports_of_their_images(named):
    before = Path("/etc/hosts").read_bytes()
    named.up()
    assert named.get("web", "/") == "api api web"
    assert named.get("desk", "/") == "api desk"
    told = json.loads(named.tarmac("edges", "--json").stdout)["edges"]
    asked = {(edge["source"], edge["target"]): edge["connections"] for edge in told}
    assert (asked["web", "api"], asked["desk", "api"]) == (2, 1)
    assert Path("/etc/hosts").read_bytes() == before


def test_names_lead_on_when_the_wires_process_was_killed(named):
    named.up()
    assert named.get("desk", "/") == "api desk"
    (wires,) = [pid for pid in family(named) if _runs_wires(pid)]
    os.kill(wires, signal.SIGKILL)
    assert until(lambda: named.get("desk", "/"), lambda said: said == "api desk")


def test_a_command_in_the_environment_of_a_service_finds_its_names_and_no_others(named):
    before = Path("/etc/hosts").read_bytes()
    named.up()
    ask = "import urllib.request; print(urllib.request.urlopen('http://api:8080').read().decode())"
    asked = named.tarmac("run", "desk", "--", sys.executable, "-c", ask)
    assert (asked.returncode, asked.stdout) == (0, "api\n"), asked.stderr
    told = json.loads(named.tarmac("env", "desk", "--json").stdout)["hosts"]
    seen = named.tarmac("run", "desk", "--", "cat", "/etc/hosts").stdout
    engines = ("containers", "docker", "k3d", "minikube")
    machine = "".join(f"127.0.0.1 host.{engine}.internal\n" for engine in engines)
    assert seen == f"{told['api']} api\n{machine}{before.decode()}"
    assert named.tarmac("run", "api", "--", "cat", "/etc/hosts").stdout.encode() == before
    assert Path("/etc/hosts").read_bytes() == before


def test_a_command_is_not_run_where_names_cannot_be_given(named, monkeypatch):
    named.up()
    environment = environments.fetch(named.folder / "tarmac.yaml", "default", "desk")
    monkeypatch.setattr("tarmac.run.local.host.guard.LINUX", False)
    with pytest.raises(TarmacError, match=r"^desk: `hosts: true` needs Linux"):
        become.give_names(environment)


def _runs_wires(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"network/wires.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


async def test_a_file_that_cannot_be_shown_is_said_and_nothing_starts():
    spawner = Spawner()
    await spawner.start()
    try:
        with pytest.raises(OSError, match="/etc/hosts cannot be replaced"):
            await spawner.spawn(
                *("x", ["true"]), env={}, cwd=Path("/"), output=2, hosts=Path("/no/such/file")
            )
    finally:
        await spawner.close()


@pytest.mark.parametrize("place", ["0.0.0.0", "127.0.0.1"])
def test_a_program_with_a_port_of_its_own_is_reached_by_name_wherever_it_listens(named, place):
    own = ASKS.replace('"127.0.0.1"', f'"{place}"').replace('os.environ["PORT"]', str(PORT + 2))
    (named.folder / "own.py").write_text(own)
    system = SYSTEM.replace(service("api", PORT + 2, "", ", image_port: 8080"), OWN)
    named.write(system.replace("http://api:8080", f"http://api:{PORT + 2}"))
    named.up()
    assert named.get("desk", "/") == "api desk"
    assert named.get("web", "/") == "api api web"
