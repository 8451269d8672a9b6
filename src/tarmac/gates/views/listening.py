"""References to ports of pods on which none of their containers listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.views.objects import TEMPLATES, Pods, dig, title
from tarmac.report import Finding

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def probed(own: Pods) -> Iterator[tuple[str, str, Any]]:
    """Yield the port that each probe asks, by the probe's place and name."""
    for key in ("initContainers", "containers"):
        for number, container in enumerate(own.spec.get(key) or ()):
            at = (*TEMPLATES[own.kind], "spec", key, number)
            for probe in PROBES:
                for kind in ("httpGet", "tcpSocket", "grpc"):
                    if (asked := dig(container, probe, kind, "port")) is not None:
                        yield own.artifact.at(*at, probe), probe, asked


def probes(own: Pods) -> Iterator[Finding]:
    """Yield probes of a port that is none of its pod."""
    for where, probe, asked in probed(own):
        if own.port(asked) is None:
            yield Finding(where, f"{probe} asks port {asked}, {listens(own)}")


def targets(own: Pods, service: Artifact) -> Iterator[Finding]:
    """Yield ports of a Service that lead to none of its pods."""
    for number, port in enumerate(dig(service.data, "spec", "ports") or ()):
        target = port.get("targetPort", port.get("port"))
        if target is not None and own.port(target) is None:
            what = f"{title(service)} sends to targetPort {target}, {listens(own)}"
            yield Finding(service.at("spec", "ports", number), what)


def listens(own: Pods) -> str:
    """Say where pods listen instead."""
    heard = ", ".join(f"{number} ({name})" for name, number in own.ports.items())
    if not heard:
        return f"and {own.workload} has no port; declare it, or ask a worker by `exec`"
    return f"where {own.workload} does not listen; it does on {heard}"
