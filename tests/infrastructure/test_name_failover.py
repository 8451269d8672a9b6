"""The shop's names fail over between its regions, by servers of DNS and with the rendered numbers.

Terraform makes the zone, its records and its health checks in an emulated AWS. PowerDNS serves that
zone, Unbound resolves its names and keeps answers, and two servers stand for the load balancers.
"""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import authority
import pytest
from cryptography.hazmat.primitives import serialization
from emulated_aws import emulated_aws, fit
from own_network import NoNetwork, own_network
from route53 import AUTHORITY, RESOLVER, Answer, HealthCheck, HostedZone, ask, get, programs, served
from terraformed import STATE_HERE, Terraform, tree

pytestmark = pytest.mark.timeout(900)

ZONE = "ecommerce.example.com"
API = f"api.{ZONE}"
FIRST, SECOND = "us-east-1", "eu-west-1"
PLACES = {FIRST: "127.0.0.11", SECOND: "127.0.0.12"}
POLL_S, LIMIT_S = 0.2, 300.0
#: What DR-04 allows from the first failed check, and what a resolver may keep after that.
MOVED_S, KEPT_S = 30.0, 10.0


@contextlib.contextmanager
def serving(region: str, context: ssl.SSLContext, asked: list[str]) -> Iterator[None]:
    """Answer at a region's address, as long as a block lasts; note the host of each request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Host"])
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()
            self.wfile.write(region.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((PLACES[region], 443), Handler) as server:
        # Each connection's own thread shakes hands.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Observed:
    """A failover and the way back, as clients saw it; times are monotonic."""

    zone: HostedZone
    checks: Mapping[str, HealthCheck]
    #: The host of each request that the first region had.
    asked: list[str]
    lost_at: float = 0.0
    back_at: float = 0.0
    #: When a server, asked for a name, named another address than before.
    moves: list[tuple[float, str, str, Answer]] = field(default_factory=list)
    #: What the resolver still said although the other server had moved.
    kept: list[tuple[float, Answer]] = field(default_factory=list)
    #: The longest time between two questions: nothing is seen sooner.
    blind_s: float = 0.0
    #: Each visit by the name: when, its status, the region that answered.
    visits: list[tuple[float, int, str]] = field(default_factory=list)

    def moved(self, server: str, name: str, region: str) -> float:
        """Say when a server named a region the first time after it was lost, or was back."""
        after = self.lost_at if region == SECOND else self.back_at
        return min(
            at
            for at, who, what, answer in self.moves
            if (who, what, answer.address) == (server, name, PLACES[region]) and at > after
        )

    def failed_at(self) -> float:
        """Say when the first check after the loss had failed."""
        asked = self.checks[f"entrance-{FIRST}.{ZONE}"].asked
        return min(at for at, well in asked if not well and at > self.lost_at)


@pytest.fixture(scope="module")
def zone(tmp_path_factory) -> HostedZone:
    """Have Terraform make the zone in an emulated AWS, and read it back."""
    programs()
    folder = tmp_path_factory.mktemp("zone")
    root = tree("shop", "production", folder)
    fit(root)
    (root / "local_override.tf").write_text(STATE_HERE)
    with emulated_aws(folder / "moto.log") as aws:
        terraform = Terraform.of(root, **aws.env)
        terraform.run("init", "-input=false")
        terraform.run("apply", "-input=false", "-auto-approve", "-target=module.dns")
        return HostedZone.of(aws)


@pytest.fixture(scope="module")
def observed(zone: HostedZone, tmp_path_factory) -> Iterator[Observed]:
    """Lose the first region, wait until every name has moved, and bring it back."""
    folder = tmp_path_factory.mktemp("dns")
    server_side, trusted = certified(folder)
    balancers = {
        record["AliasTarget"]["DNSName"].rstrip("."): PLACES[region]
        for region in PLACES
        for record in zone.records
        if record["Name"].rstrip(".") == f"entrance-{region}.{ZONE}"
    }
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(own_network())
        except NoNetwork as reason:
            pytest.skip(str(reason))
        asked: list[str] = []
        stack.enter_context(serving(SECOND, server_side, []))
        with serving(FIRST, server_side, asked):
            checks = stack.enter_context(served(zone, balancers, folder))
            seen = Observed(zone, checks, asked)
            watch(seen, trusted, lambda: all(len(c.asked) > 1 for c in checks.values()))
        seen.lost_at = time.monotonic()
        moved = [(server, name) for server in (AUTHORITY, RESOLVER) for name in (API, ZONE)]
        watch(seen, trusted, lambda: all(arrived(seen, SECOND, *one) for one in moved))
        with serving(FIRST, server_side, asked):
            seen.back_at = time.monotonic()
            watch(seen, trusted, lambda: arrived(seen, FIRST, RESOLVER, API))
            yield seen


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate of the public hosts; returns the servers' side, and the visitors'."""
    key, root = authority.new_authority()
    own, certificate = authority.of_hosts([API, ZONE], key, root.subject)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "tls.pem"
    private = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    trusted = ssl.create_default_context(cadata=root.public_bytes(pem).decode())
    return context, trusted


def arrived(seen: Observed, region: str, server: str, name: str) -> bool:
    """Tell whether a server names a region since the last change."""
    with contextlib.suppress(ValueError):
        return seen.moved(server, name, region) > 0
    return False


def watch(seen: Observed, trusted: ssl.SSLContext, done: Callable[[], bool]) -> None:
    """Ask both servers for both names again and again, and visit the one; note what changes."""
    end = time.monotonic() + LIMIT_S
    last: dict[tuple[str, str], str] = {}
    for _, server, name, answer in seen.moves:
        last[server, name] = answer.address
    asked_at = time.monotonic()
    while not done():
        seen.blind_s = max(seen.blind_s, time.monotonic() - asked_at)
        asked_at = time.monotonic()
        assert time.monotonic() < end, f"not in {LIMIT_S:.0f} s: {seen.moves}"
        for name in (API, ZONE):
            answers = {server: ask(server, name) for server in (AUTHORITY, RESOLVER)}
            now = time.monotonic()
            for server, answer in answers.items():
                if last.get((server, name)) != answer.address:
                    seen.moves.append((now, server, name, answer))
                    last[server, name] = answer.address
            if name == API and answers[AUTHORITY].address != answers[RESOLVER].address:
                seen.kept.append((now, answers[RESOLVER]))
        address = ask(RESOLVER, API).address
        status, region = get(address, API, "/health", trusted=trusted)
        seen.visits.append((time.monotonic(), status, region))
        time.sleep(POLL_S)


def test_both_regions_are_asked_as_rendered_and_are_well(observed):
    configs = observed.zone.checks.values()
    assert {(c["Type"], c["Port"], c["ResourcePath"]) for c in configs} == {
        ("HTTPS", 443, "/health")
    }
    assert {(c["FailureThreshold"], c["RequestInterval"]) for c in configs} == {(3, 10)}
    assert observed.checks.keys() == {f"entrance-{region}.{ZONE}" for region in PLACES}
    for check in observed.checks.values():
        before = [(at, well) for at, well in check.asked if at < observed.lost_at]
        assert len(before) >= 2
        assert {well for _, well in before} == {True}
    # A region's own server was asked by the name that leads there alone.
    assert set(observed.asked) == {f"entrance-{FIRST}.{ZONE}", API}


def test_the_host_leads_to_the_primary_and_then_to_the_secondary(observed):
    for server in (AUTHORITY, RESOLVER):
        [first, second, third] = [
            a for _, who, name, a in observed.moves if (who, name) == (server, API)
        ]
        assert first.names == third.names == (API, f"entrance-{FIRST}.{ZONE}")
        assert second.names == (API, f"entrance-{SECOND}.{ZONE}")


def test_the_answer_moves_within_30_s_of_the_first_failed_check(observed):
    moved_s = observed.moved(AUTHORITY, API, SECOND) - observed.failed_at()
    assert 20 <= moved_s <= MOVED_S, "the third failure of three, 10 s apart"


def test_a_resolver_keeps_the_old_answer_for_10_s_at_most(observed):
    late_s = observed.moved(RESOLVER, API, SECOND) - observed.moved(AUTHORITY, API, SECOND)
    assert 0 <= late_s <= KEPT_S + 1 + observed.blind_s
    ttls = [answer.ttl for _, answer in observed.kept]
    assert all(ttl <= KEPT_S for ttl in ttls)
    assert ttls, "the resolver never kept an answer: then it is none"


def test_a_visitor_is_without_an_answer_until_then_and_not_afterwards(observed):
    moved_at = observed.moved(RESOLVER, API, SECOND)
    # The last one before may have been the first that the resolver led there.
    between = [v for v in observed.visits if observed.lost_at + 1 < v[0] < moved_at][:-1]
    assert between
    assert {status for _, status, _ in between} == {0}
    after = [v for v in observed.visits if moved_at < v[0] < observed.back_at]
    assert after
    assert {(status, region) for _, status, region in after} == {(200, SECOND)}


def test_the_zones_own_name_is_kept_for_60_s(observed):
    """Of an alias AWS sets the time, so the name that people type moves later than the others."""
    assert [first_ttl(observed, name) for name in (ZONE, API)] == [60, 10]
    assert observed.moved(AUTHORITY, ZONE, SECOND) - observed.failed_at() <= MOVED_S
    late_s = observed.moved(RESOLVER, ZONE, SECOND) - observed.moved(AUTHORITY, ZONE, SECOND)
    assert 0 <= late_s <= 60 + 1 + observed.blind_s


def test_the_first_region_is_named_again_after_three_good_checks(observed):
    asked = observed.checks[f"entrance-{FIRST}.{ZONE}"].asked
    good = [at for at, well in asked if well and at > observed.back_at]
    back_at = observed.moved(AUTHORITY, API, FIRST)
    assert len([at for at in good if at <= back_at]) == 3
    assert observed.visits[-1][1:] == (200, FIRST)


def first_ttl(observed: Observed, name: str) -> int:
    """Say for how long the server's first answer for a name may be kept."""
    return next(a.ttl for _, who, what, a in observed.moves if (who, what) == (AUTHORITY, name))
