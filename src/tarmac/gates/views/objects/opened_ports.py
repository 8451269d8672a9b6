"""Ports that NetworkPolicies open, and the pods that they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import space_of
from tarmac.gates.views.objects.selections import Selection
from tarmac.gates.views.reading import Fields, Path, fields, items, port


class OpenedPort(NamedTuple):
    """One port of one rule, and the selector of the pods that must listen on it."""

    selection: Selection
    path: Path
    port: int | str


def opened_ports(files: Files) -> Iterator[OpenedPort]:
    """Yield the ports of rules whose pods can be told by labels."""
    for artifact in files.objects("NetworkPolicy"):
        own = fields(artifact.data, "spec", "podSelector")
        for number, rule in enumerate(items(artifact.data, "spec", "ingress") if own else ()):
            yield from _ports(artifact, ("spec", "ingress", number), rule, own)
        for number, rule in enumerate(items(artifact.data, "spec", "egress")):
            peers = items(rule, "to")
            if len(peers) == 1 and peers[0].keys() == {"podSelector"}:
                path = ("spec", "egress", number)
                yield from _ports(artifact, path, rule, fields(peers[0], "podSelector"))


def _ports(artifact: Artifact, path: Path, rule: Fields, own: Fields) -> Iterator[OpenedPort]:
    selection = Selection(artifact, path, own, "opens", space_of(artifact))
    for number, opened in enumerate(items(rule, "ports")):
        first = port(opened, "port")
        if first is not None and "endPort" not in opened:
            yield OpenedPort(selection, (*path, "ports", number), first)
