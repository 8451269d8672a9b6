"""An authority that gives certificates by ACME, as tests need it: Pebble, and a DNS of its own.

Pebble asks a host by HTTP before it gives a certificate of it, as Let's Encrypt does. Which address
a host has is the test's to say.
"""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import ssl
import struct
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import authority
import built
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from free_ports import free_ports

GET = "there is no Pebble; run .ci/pebble (`make tools`)"
UP_WITHIN_S = 30.0
LISTENS = "0.0.0.0"  # containers ask it


@dataclass
class AcmeAuthority:
    """One that runs."""

    #: Where containers find it.
    directory: str
    #: Trusts the authority's own server.
    trusted: x509.Certificate
    management: int
    #: Hosts -> their addresses; others have none.
    addresses: dict[str, str] = field(default_factory=dict)

    def root(self) -> x509.Certificate:
        """Return the certificate by which clients trust what it gives; a new one at each start."""
        context = ssl.create_default_context(cadata=_text(self.trusted))
        url = f"https://127.0.0.1:{self.management}/roots/0"
        with urllib.request.urlopen(url, context=context) as answer:
            return x509.load_pem_x509_certificate(answer.read())


class _Names(socketserver.StreamRequestHandler):
    """Answers by TCP, as Pebble asks; a host without an address does not exist (RFC 1035)."""

    addresses: dict[str, str]

    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            answer = self._answer(self.rfile.read(int.from_bytes(head)))
            self.wfile.write(len(answer).to_bytes(2) + answer)

    def _answer(self, asked: bytes) -> bytes:
        at, labels = 12, []
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode())
            at += asked[at] + 1
        question = asked[12 : at + 5]
        address = self.addresses.get(".".join(labels).lower())
        found = [*map(int, address.split("."))] if address and question[-4:-2] == b"\0\1" else []
        flags = 0x8180 if address else 0x8183
        head = asked[:2] + struct.pack("!HHHHH", flags, 1, bool(found), 0, 0)
        record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes(found) if found else b""
        return head + question + record


def program() -> Path | None:
    """Find Pebble."""
    return built.newest("pebble-*/pebble")


@contextlib.contextmanager
def serving(folder: Path, address: str, http: int, https: int) -> Iterator[AcmeAuthority]:
    """Start one; it asks hosts at these ports.

    Args:
        address: of this machine, for containers.
    """
    pebble = program()
    assert pebble is not None
    key, root = authority.new_authority()
    own, shown = authority.of_hosts([address, "127.0.0.1"], key, root.subject)
    plain, kind = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    (folder / "own.key").write_bytes(own.private_bytes(serialization.Encoding.PEM, kind, plain))
    (folder / "own.pem").write_text(_text(shown))
    port, management = free_ports(2)
    said = {
        "listenAddress": f"{LISTENS}:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "own.pem"),
        "privateKey": str(folder / "own.key"),
        "httpPort": http,
        "tlsPort": https,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": said}))
    found = AcmeAuthority(f"https://{address}:{port}/dir", root, management)
    names = type("Names", (_Names,), {"addresses": found.addresses})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), names) as dns:
        dns.daemon_threads = True
        threading.Thread(target=dns.serve_forever, daemon=True).start()
        where = f"127.0.0.1:{dns.server_address[1]}"
        env = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        argv = (pebble, "-config", folder / "pebble.json", "-dnsserver", where)
        with (
            (folder / "pebble.log").open("w") as log,
            subprocess.Popen(argv, env=env, stdout=log, stderr=log) as process,
        ):
            try:
                _await(found, process, folder / "pebble.log")
                yield found
            finally:
                process.terminate()
                dns.shutdown()


def _await(one: AcmeAuthority, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            one.root()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
