"""Cilium learns the addresses of the names that its policies allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
_DNS = "53"


class NamePolicy(NamedTuple):
    """A policy that allows names, and where it lets its pods ask for these."""

    artifact: Artifact
    names: tuple[str, ...]
    #: Rules for the port of DNS, with whether each reads what is answered.
    asking: tuple[tuple[Path, bool], ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield policies whose names have no addresses, as no answer for them is read."""
    found = list(_judged(files))
    if not found:
        return
    # Another policy may have the answers read, of the same pods.
    reading = {space for artifact in files.objects(*_KINDS) for space in _read_in(artifact)}
    for one in found:
        if not one.asking or any(is_read for _, is_read in one.asking):
            continue
        if not {"", space_of(one.artifact)} & reading:
            what = f"{title(one.artifact)} allows {', '.join(one.names[:3])} by name, and no rule"
            said = f"{what} has dns for port 53: Cilium reads no answer, so it knows no address of"
            advice = "these names and drops each call; write rules: {dns: [{matchPattern: '*'}]}"
            where = one.artifact.at(*one.asking[0][0])
            yield Finding(where, f"{said} {advice}")


def _read_in(artifact: Artifact) -> Iterator[str]:
    """Yield the namespace in which a policy has answers read; "" for all."""
    for _, spec in _specs(artifact):
        if any(is_read for _, is_read in _asking((), spec)):
            yield "" if kind_of(artifact) == _KINDS[1] else space_of(artifact)


@once
def _judged(files: Files) -> Iterator[NamePolicy]:
    for artifact in files.objects(*_KINDS):
        for path, spec in _specs(artifact):
            names = tuple(
                string(name, "matchName") or string(name, "matchPattern")
                for rule in items(spec, "egress")
                for name in items(rule, "toFQDNs")
            )
            if any(names):
                yield NamePolicy(artifact, names, tuple(_asking(path, spec)))


def _specs(artifact: Artifact) -> Iterator[tuple[Path, Fields]]:
    yield ("spec",), fields(artifact.data, "spec")
    yield from (((("specs", number)), one) for number, one in numbered(artifact.data, "specs"))


def _asking(path: Path, spec: Fields) -> Iterator[tuple[Path, bool]]:
    for number, rule in numbered(spec, "egress"):
        for place, ports in numbered(rule, "toPorts"):
            asked = [str(dig(one, "port")) for one in items(ports, "ports")]
            if _DNS in asked:
                at: Path = (*path, "egress", number, "toPorts", place)
                yield at, bool(items(ports, "rules", "dns"))


GATE = Gate(
    id="MSH013",
    title="Cilium learns the addresses of the names that its policies allow",
    phase="mesh",
    source="https://docs.cilium.io/en/stable/security/policy/language/#dns-based: toFQDNs needs a "
    "rule of port 53 with dns, by which the answers pass Cilium's proxy",
    check=check,
    of_files=check,
    scope=counted_in_files("policies with names", _judged),
    targets=("cluster",),
    reads="toFQDNs beside the rules for port 53 of the same policy, where no other policy of its "
    "namespace or of the cluster has a rule dns.",
)
