"""TLS at one end of a wire: the certificate that it shows, and the identities that it takes.

Part of the wires' processes, which import it once a wire is told to use TLS. An end of a caller
connects, and takes its callee's certificate alone; an end of a callee listens, and takes those of
the declared callers. An identity is the SPIFFE id in a certificate. At the plain side of a caller's
end only that caller's own processes are taken, as far as the kernel tells whose a socket is.
"""

from __future__ import annotations

import asyncio
import collections
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.run.local.network.owners import Owners

CALLER, CALLEE = "caller", "callee"
#: A client that has shown no certificate after so long is refused.
HANDSHAKE_S = 3.0
#: What a client was that has shown none, or one of another authority.
UNKNOWN = ""
#: Identities that are counted one by one; what an unknown client calls itself is its own choice.
MOST_REFUSED = 64


class TlsEnd:
    """How one end of a wire speaks TLS, and what it has met."""

    def __init__(self, context: ssl.SSLContext, told: Mapping[str, Any], owners: Owners) -> None:
        self.context = context
        self.listens = told["side"] == CALLEE
        #: The identities that are taken.
        self.peers = frozenset(told["peers"])
        #: The services whose processes may use the plain side of a caller's end.
        self.users = frozenset(told["users"])
        self._owners = owners
        #: Connections by the identity at their other end.
        self.admitted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        #: When connections began that have shown nothing yet.
        self._greeting: collections.deque[float] = collections.deque()

    def begin(self) -> None:
        """Note a client that is about to show a certificate."""
        self._greeting.append(time.monotonic())

    def admits(self, transport: asyncio.BaseTransport) -> bool:
        """Tell whether the other end of a connection has an identity that is taken."""
        if self.listens and self._greeting:
            self._greeting.popleft()
        identity = identity_of(transport.get_extra_info("peercert"))
        if identity in self.peers:
            self.admitted[identity] += 1
            return True
        self._refuse(identity)
        return False

    async def admits_user(self, transport: asyncio.BaseTransport) -> bool:
        """Tell whether the process at the plain side may be there: one of a caller, or of none."""
        owner = await self._owners.find(transport)
        if owner == UNKNOWN or owner in self.users:
            return True
        self._refuse(owner)
        return False

    def counts(self) -> dict[str, Any]:
        """Return how many connections were taken and refused, by identity."""
        late = time.monotonic() - HANDSHAKE_S
        while self._greeting and self._greeting[0] < late:
            self._greeting.popleft()
            self._refuse(UNKNOWN)
        return {"admitted": dict(self.admitted), "refused": dict(self.refused)}

    def _refuse(self, identity: str) -> None:
        known = identity in self.refused or len(self.refused) < MOST_REFUSED
        self.refused[identity if known else UNKNOWN] += 1


def identity_of(certificate: Mapping[str, Any] | None) -> str:
    """Return the one SPIFFE id of a certificate that was verified; empty where it has none."""
    names: Iterable[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    uris = [name for kind, name in names if kind == "URI"]
    return uris[0] if len(uris) == 1 and uris[0].startswith("spiffe://") else UNKNOWN


class Certificates:
    """The settings of each end that shows a certificate; ends of one certificate share them."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], ssl.SSLContext] = {}
        self.owners = Owners()

    def end(self, told: Mapping[str, Any]) -> TlsEnd:
        """Make an end as the supervisor tells it."""
        key = (told["side"], told["certificate"])
        if key not in self._made:
            self._made[key] = _context(*key, told["authority"])
        return TlsEnd(self._made[key], told, self.owners)

    def renew(self) -> None:
        """Show what the files have now, on connections that begin from now on."""
        for (_, certificate), made in self._made.items():
            made.load_cert_chain(certificate)


def _context(side: str, certificate: str, authority: str) -> ssl.SSLContext:
    """Make settings of TLS 1.3 alone; names of hosts mean nothing on one machine."""
    protocol = ssl.PROTOCOL_TLS_SERVER if side == CALLEE else ssl.PROTOCOL_TLS_CLIENT
    made = ssl.SSLContext(protocol)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(authority)
    made.load_cert_chain(certificate)
    if side == CALLEE:
        made.num_tickets = 0  # each connection shows its certificate, none that it once showed
    return made
