"""A small system behind an entry on one machine, with certificates of the tests' own authority.

Its program answers as soon as it listens, and is ready three seconds later; until then it answers
503, as many a server does. On SIGTERM it accepts nothing more at once, finishes what it has, and
ends: a server that knows nothing of a balancer before it.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import authority
import on_one_machine
import standins
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from docker_here import Docker
from free_ports import free_ports
from on_one_machine import OneMachine

HOST = "www.visited.example.com"
SERVER = """
import http.server, os, signal, threading, time
VERSION, BEGAN = os.environ.get("VERSION", ""), time.monotonic()
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 5
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ready = time.monotonic() - BEGAN > 3
        time.sleep(0.02)
        seen = [self.headers.get(name, "") for name in ("X-Forwarded-For", "X-Forwarded-Proto")]
        text = f"{VERSION} {self.path} {' '.join(seen)}".encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_POST = do_GET
    def log_message(self, *told):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = False, 128
server = Server(("", 8000), Page)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""
ASK = """
import urllib.request
urllib.request.urlopen("http://127.0.0.1:8000/", timeout=2)
"""
MODEL = """
tarmac: 1
system: visited
domain: visited.example.com
environments:
  compose:
    version: {version}
    entry: {entry}
services:
  web:
    run: [python3, /web.py]
    port: 8000
    public: {{host: www, paths: {paths}}}
    probe: {{command: [python3, /ask.py]}}
    env: {{VERSION: "{version}"}}
"""
#: Of a certificate of one's own.
OWN = "certificate: tls/shop.pem, key: tls/shop.key"
BROKEN = "raise SystemExit('no shop window')"


@dataclass
class Visits:
    """What visitors were answered: the version, or what went wrong."""

    seen: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> dict[str, int]:
        """What was not an answer of the service."""
        return {what: count for what, count in self.seen.items() if not what.startswith("0.")}


@dataclass(frozen=True)
class VisitedMachine:
    """The system, and how visitors reach it."""

    machine: OneMachine
    http: int
    https: int
    authority: ec.EllipticCurvePrivateKey
    root: x509.Certificate

    def build(self, version: str, program: str = SERVER) -> None:
        """Build the image of a version."""
        folder = self.machine.folder.with_name(f"image-{version}")
        folder.mkdir(exist_ok=True)
        (folder / "web.py").write_text(program)
        (folder / "ask.py").write_text(ASK)
        lines = (f"FROM {standins.BUILDER}", "COPY web.py ask.py /", 'CMD ["python3", "/web.py"]')
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        self.machine.docker.run("build", "--tag", f"visited/web:{version}", str(folder))

    def model(self, version: str, paths: str = "[/]", certificate: str = OWN) -> None:
        """Write the model with a version."""
        ports = f"http: {self.http}, https: {self.https}"
        entry = f"{{{certificate}, {ports}, address: 127.0.0.1}}"
        text = MODEL.format(version=version, entry=entry, paths=paths)
        (self.machine.folder / "tarmac.yaml").write_text(text)

    def certify(self, host: str = HOST) -> x509.Certificate:
        """Write a new certificate, and its key, of a host."""
        key, made = authority.of_hosts([host], self.authority, self.root.subject)
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        (self.machine.folder / "tls/shop.pem").write_bytes(made.public_bytes(pem))
        (self.machine.folder / "tls/shop.key").write_bytes(private)
        return made

    def shown(self) -> x509.Certificate:
        """Return the certificate that visitors are shown."""
        with contextlib.closing(self.connection()) as connection:
            connection.connect()
            return x509.load_der_x509_certificate(connection.sock.getpeercert(binary_form=True))

    def container(self, service: str = "web") -> str:
        """Return the id of a service's container."""
        found: str = self.machine.docker.inspect(f"visited-{service}-1")["Id"]
        return found

    def connection(self) -> http.client.HTTPSConnection:
        """Open a connection as a visitor that the host's name leads here."""
        return _Connection("127.0.0.1", self.https, timeout=30, context=self._trusting)

    @cached_property
    def _trusting(self) -> ssl.SSLContext:
        text = self.root.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=text)

    def ask(self, path: str = "/", headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Ask the host by HTTPS."""
        with contextlib.closing(self.connection()) as connection:
            return _asked(connection, "GET", path, headers)

    def ask_plain(self, path: str) -> tuple[int, str]:
        """Ask the host by HTTP; returns the status, and where it leads."""
        plain = http.client.HTTPConnection("127.0.0.1", self.http, timeout=30)
        with contextlib.closing(plain):
            plain.request("GET", path, headers={"Host": f"{HOST}:{self.http}"})
            answer = plain.getresponse()
            return answer.status, answer.headers["Location"] or ""

    @contextlib.contextmanager
    def visited(self) -> Iterator[Visits]:
        """Visit without a pause: by new connections and by those that are kept, GET and POST."""
        visits, over, lock = Visits(), threading.Event(), threading.Lock()

        def visit(method: str, *, keeps: bool) -> None:
            connection = self.connection()
            while not over.is_set():
                try:
                    status, text = _asked(connection, method, "/")
                    what = text.partition(" ")[0] if status == 200 else f"{method} {status}"
                except (OSError, http.client.HTTPException) as error:
                    what = f"{method} {error!r}"
                    connection.close()
                with lock:
                    visits.seen[what] += 1
                if not keeps:
                    connection.close()
            connection.close()

        threads = [
            threading.Thread(target=visit, args=(method,), kwargs={"keeps": keeps})
            for method in ("GET", "POST")
            for keeps in (True, False)
        ]
        for thread in threads:
            thread.start()
        try:
            yield visits
        finally:
            over.set()
            for thread in threads:
                thread.join()


class _Connection(http.client.HTTPSConnection):
    """A connection to an address, by the name of the host."""

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=HOST)


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:
    body = b"x" * 64 if method == "POST" else None
    connection.request(method, path, body, {"Host": HOST, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def visited(docker: Docker, folder: Path) -> Iterator[VisitedMachine]:
    """Give the system with the image of version 0.1.0; nothing of it up."""
    machine = on_one_machine.programs(docker, folder, "visited")
    made = replace(machine, system="tarmac.yaml")
    (made.folder / "tls").mkdir(parents=True)
    found = VisitedMachine(made, *free_ports(2), *authority.new_authority())
    found.certify()
    found.build("0.1.0")
    found.model("0.1.0")
    yield found
    made.run("down", "--target", "compose", "--delete-data", "--yes", code=None)
    assert docker.say("volume", "ls", "--quiet") == ""
