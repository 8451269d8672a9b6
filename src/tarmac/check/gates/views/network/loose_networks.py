"""Networks of policies with bits behind their length, which an API server does not read."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.network.policies import NOWHERE, network
from tarmac.check.gates.views.network.policy_spaces import KEYS, PolicySpace
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy

_PEERS = {"Ingress": "from", "Egress": "to"}


def loose(space: PolicySpace) -> Iterator[tuple[NetworkPolicy, Path, str]]:
    """Yield networks of which a part is not read: a policy, the place in it, and what is wrong."""
    for direction in KEYS:
        for policy, path, rule in space.rules(direction):
            for number, peer in enumerate(rule.peers):
                written = str((peer.get("ipBlock") or {}).get("cidr") or NOWHERE)
                read = str(network(written))
                if ":" not in written and "/" in written and read != written:
                    what = f"names the network {written}, of which {read} is read; write that"
                    yield policy, (*path, _PEERS[direction], number, "ipBlock"), what
