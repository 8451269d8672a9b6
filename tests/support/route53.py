"""What Route 53 does with a zone, by others: PowerDNS answers, and Unbound keeps answers.

The zone and its health checks are those that its API returns. Ours are the checks, one for each
instead of some fifteen, and the choice among records that fail over: both by its documented rules.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import built
import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest
from emulated_aws import EmulatedAws

from tarmac.catalog.faults.repeating import repeating

GET = "no PowerDNS and no Unbound here: have .ci/dns bring them"
#: Where each listens, in a network of the test's own.
AUTHORITY, RESOLVER = "127.0.0.52", "127.0.0.53"
#: Seconds that an endpoint has, and that resolvers keep an alias of a load balancer.
CHECK_S, ALIAS_TTL_S = 4.0, 60
READY_S = 30.0


@dataclass(frozen=True)
class HostedZone:
    """A zone as the API has it."""

    name: str
    records: tuple[Mapping[str, Any], ...]
    checks: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, aws: EmulatedAws) -> HostedZone:
        """Read the only one of an account."""
        zones, checks = aws.ask(
            ("route53", "list_hosted_zones", {}), ("route53", "list_health_checks", {})
        )
        [zone] = zones["HostedZones"]
        [found] = aws.ask(("route53", "list_resource_record_sets", {"HostedZoneId": zone["Id"]}))
        return cls(
            zone["Name"].rstrip("."),
            tuple(found["ResourceRecordSets"]),
            {check["Id"]: check["HealthCheckConfig"] for check in checks["HealthChecks"]},
        )

    def text(self, addresses: Mapping[str, str], failed: Iterable[str]) -> str:
        """Write it as servers of DNS read it, as far as checks have not failed.

        Args:
            addresses: those of load balancers, by their name.
            failed: ids of checks.
        """
        # moto's own is not as servers of DNS read it.
        start = f"ns.{self.name}. hostmaster.{self.name}. 1 7200 900 1209600 {ALIAS_TTL_S}"
        lines = [f"{self.name}. 900 IN SOA {start}"]
        for record in self._chosen(set(failed)):
            name, kind = record["Name"].rstrip("."), record["Type"]
            if "AliasTarget" in record:
                address = self.address(record["AliasTarget"]["DNSName"].rstrip("."), addresses)
                lines.append(f"{name}. {ALIAS_TTL_S} IN A {address}")
                continue
            values = [one["Value"].rstrip(".") for one in record["ResourceRecords"]]
            lines += [f"{name}. {record['TTL']} IN {kind} {value}." for value in values]
        return "\n".join([*lines, ""])

    def address(self, target: str, addresses: Mapping[str, str]) -> str:
        """Follow a name's aliases to the address of the load balancer."""
        if target in addresses:
            return addresses[target]
        [record] = [r for r in self.records if r["Name"].rstrip(".") == target and r["Type"] == "A"]
        return self.address(record["AliasTarget"]["DNSName"].rstrip("."), addresses)

    def _chosen(self, failed: set[str]) -> Iterator[Mapping[str, Any]]:
        """Yield what is answered: the first one that is well; where none is, the primary."""
        roles: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
        for record in self.records:
            if "Failover" not in record:
                if record["Type"] != "SOA":
                    yield record
            else:
                roles.setdefault((record["Name"], record["Type"]), {})[record["Failover"]] = record
        for by_role in roles.values():
            both = [by_role[role] for role in ("PRIMARY", "SECONDARY") if role in by_role]
            well = [record for record in both if record.get("HealthCheckId") not in failed]
            yield (well or both)[0]


@dataclass
class HealthCheck:
    """One check: so many failures in a row fail it, as many successes bring it back."""

    host: str
    port: int
    path: str
    interval_s: float
    threshold: int
    address: str
    is_well: bool = True
    #: When each one ended, and whether it was answered; monotonic.
    asked: list[tuple[float, bool]] = field(default_factory=list)

    def ask(self) -> bool:
        """Ask once; returns whether its state has changed."""
        well = 200 <= get(self.address, self.host, self.path, port=self.port)[0] < 400
        self.asked.append((time.monotonic(), well))
        row = [answered for _, answered in self.asked[-self.threshold :]]
        turns = len(row) == self.threshold and set(row) == {not self.is_well}
        self.is_well ^= turns
        return turns


@dataclass(frozen=True)
class Answer:
    """What a server said of a name."""

    #: The names that lead there, the asked one first.
    names: tuple[str, ...] = ()
    address: str = ""
    #: Seconds that it may be kept: the least of its records.
    ttl: int = 0


def ask(server: str, name: str) -> Answer:
    """Ask a server for the address of a name; nothing where it does not say."""
    question = dns.message.make_query(name, dns.rdatatype.A)
    try:
        found = dns.query.udp(question, server, timeout=3).answer
    except (dns.exception.Timeout, OSError):
        return Answer()
    addresses = [str(one) for sets in found if sets.rdtype == dns.rdatatype.A for one in sets]
    names = tuple(str(sets.name).rstrip(".") for sets in found)
    return Answer(names, *addresses[:1], min([sets.ttl for sets in found], default=0))


def get(
    address: str, host: str, path: str, *, port: int = 443, trusted: ssl.SSLContext | None = None
) -> tuple[int, str]:
    """Get a page over HTTPS; returns its status and text, or 0 and why there is none.

    Args:
        trusted: whose certificates are believed; None: all, as health checks do.
    """
    context = trusted
    if context is None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=CHECK_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            wrapped.sendall(asked.encode())
            said = b"".join(iter(lambda: wrapped.recv(65536), b"")).decode()
    except OSError as error:
        return 0, str(error)
    return int(said.split(maxsplit=2)[1]), said.rpartition("\r\n\r\n")[2]


@contextlib.contextmanager
def served(
    zone: HostedZone, addresses: Mapping[str, str], folder: Path
) -> Iterator[Mapping[str, HealthCheck]]:
    """Serve a zone, ask for its health, and start a resolver; all ends with the block.

    Args:
        addresses: those of load balancers, by their name.

    Yields:
        Its checks, by the name that each asks.
    """
    home = programs()
    file = folder / "zone"
    checks = {
        number: HealthCheck(
            host=check["FullyQualifiedDomainName"],
            port=check["Port"],
            path=check["ResourcePath"],
            interval_s=check["RequestInterval"],
            threshold=check["FailureThreshold"],
            address=zone.address(check["FullyQualifiedDomainName"], addresses),
        )
        for number, check in zone.checks.items()
    }

    def write() -> None:
        failed = [number for number, check in checks.items() if not check.is_well]
        new = file.with_suffix(".new")
        new.write_text(zone.text(addresses, failed))
        new.replace(file)

    def reload() -> None:
        write()
        control = [home / "usr/bin/pdns_control", f"--socket-dir={folder}"]
        subprocess.run(
            [*control, "bind-reload-now", zone.name],
            env=_env(home),
            capture_output=True,
            check=True,
        )

    write()
    with contextlib.ExitStack() as stack:
        for command in (_authority(home, zone.name, folder), _resolver(home, zone.name, folder)):
            stack.enter_context(_running(command, home, folder))
        for server in (AUTHORITY, RESOLVER):
            _wait(server, zone, folder)
        for check in checks.values():
            step = lambda check=check: check.ask() and reload()  # noqa: E731 - bound to one check
            stack.enter_context(repeating(step, check.interval_s))
        yield {check.host: check for check in checks.values()}


def programs() -> Path:
    """Find the servers' folder; a test that has none is skipped."""
    found = built.newest("dns-*/usr/sbin/unbound")
    if found is None:
        pytest.skip(GET)
    return found.parents[2]


def _authority(home: Path, zone: str, folder: Path) -> list[str]:
    config = folder / "named.conf"
    config.write_text(f'zone "{zone}" {{ type native; file "{folder}/zone"; }};\n')
    [modules] = home.glob("usr/lib/*/pdns")
    return [
        f"{home}/usr/sbin/pdns_server",
        "--no-config",
        f"--config-dir={folder}",
        f"--socket-dir={folder}",
        f"--module-dir={modules}",
        "--launch=bind",
        f"--bind-config={config}",
        f"--local-address={AUTHORITY}",
        # What it has read it answers at once: what is kept is the resolver's.
        "--cache-ttl=0",
        "--query-cache-ttl=0",
        "--daemon=no",
        "--guardian=no",
        "--setuid=",
        "--setgid=",
    ]


def _resolver(home: Path, zone: str, folder: Path) -> list[str]:
    config = folder / "unbound.conf"
    config.write_text(
        f"""\
server:
  interface: {RESOLVER}
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
stub-zone:
  name: "{zone}"
  stub-addr: {AUTHORITY}
"""
    )
    return [f"{home}/usr/sbin/unbound", "-c", str(config)]


@contextlib.contextmanager
def _running(command: list[str], home: Path, folder: Path) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        started = subprocess.Popen(command, env=_env(home), stdout=out, stderr=out)
    try:
        yield
    finally:
        started.kill()
        started.wait()


def _env(home: Path) -> dict[str, str]:
    """Have programs find the libraries that came with them."""
    libraries = ":".join(str(folder) for folder in home.glob("usr/lib/*") if folder.is_dir())
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries}


def _wait(server: str, zone: HostedZone, folder: Path) -> None:
    """Wait until a server answers for a name that never moves."""
    name = next(iter(zone.checks.values()))["FullyQualifiedDomainName"]
    end = time.monotonic() + READY_S
    while not ask(server, name).address:
        logs = "\n".join(file.read_text()[-1500:] for file in folder.glob("*.log"))
        assert time.monotonic() < end, f"no answer of {server} in {READY_S:.0f} s\n{logs}"
        time.sleep(0.1)
