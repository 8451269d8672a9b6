"""Who asks pods on a port on which none of their containers listens."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates._objects import TEMPLATES, Pods, dig, title
from tarmac.report import Finding

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def probes(own: Pods) -> Iterator[Finding]:
    """Yield probes of a port that is none of its pod."""
    for key in ("initContainers", "containers"):
        for number, container in enumerate(own.spec.get(key) or ()):
            at = (*TEMPLATES[own.kind], "spec", key, number)
            for probe in PROBES:
                for kind in ("httpGet", "tcpSocket", "grpc"):
                    asked = dig(container, probe, kind, "port")
                    if asked is not None and own.port(asked) is None:
                        where = own.artifact.at(*at, probe)
                        yield Finding(where, f"{probe} asks port {asked}, {listens(own)}")


def targets(own: Pods, service: Artifact) -> Iterator[Finding]:
    """Yield ports of a Service that lead to none of its pods."""
    for number, port in enumerate(dig(service.data, "spec", "ports") or ()):
        target = port.get("targetPort", port["port"])
        if own.port(target) is None:
            what = f"{title(service)} sends to targetPort {target}, {listens(own)}"
            yield Finding(service.at("spec", "ports", number), what)


def listens(own: Pods) -> str:
    """Say where pods listen instead."""
    heard = ", ".join(f"{number} ({name})" for name, number in own.ports.items())
    if not heard:
        return f"and {own.workload} has no port; declare it, or ask a worker by `exec`"
    return f"where {own.workload} does not listen; it does on {heard}"
