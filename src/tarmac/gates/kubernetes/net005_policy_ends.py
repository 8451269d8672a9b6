"""Connections that one NetworkPolicy allows are allowed by those of the other end, too."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.network_policies import NetworkPolicy
from tarmac.gates.views.objects.pods import RUNNING
from tarmac.gates.views.policy_halves import half_connections, without_names
from tarmac.gates.views.policy_spaces import policy_spaces
from tarmac.gates.views.reached_ports import closed_ports
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield connections that stop half-way, names that cannot be asked for, and closed ports."""
    for space in policy_spaces(files):
        yield from half_connections(space)
        for own in space.kept:
            yield from without_names(space, own)
        for policy, what in closed_ports(files, space):
            yield Finding(policy.artifact.at("spec"), what, warning="from outside" in what)


def _judged(files: Files) -> Iterator[NetworkPolicy]:
    for space in policy_spaces(files):
        yield from space.policies if space.kept else ()


GATE = Gate(
    id="NET005",
    title="What one policy allows, the policies of the other end allow too",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/network-policies: both the "
    "egress policy of the source and the ingress policy of the destination must allow it",
    check=check,
    of_files=lenient(check, "lets nothing in"),
    scope=counted_in_files("policies", _judged),
    #: NET002 holds a plan to more.
    targets=(),
    reads="rules with labels of pods that these files keep in the policy's namespace, by TCP port; "
    "whether DNS may be asked; whether anything may reach what Services, Ingresses, routes and "
    f"monitors name, of {', '.join(RUNNING)}. Asked of files alone.",
)
