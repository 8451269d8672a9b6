"""References to ports of pods on which none of their containers listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import Pods

#: An argument that says where to listen: `--liveness=http://0.0.0.0:8080/healthz`, `--port 80`. A
#: controller, of which several elect one, has a port for its health without being told.
_PORT = re.compile(r":\d{2,5}\b|--?port\b|--?leader-elect")
#: What programs without a port are called by those who start them.
_WORKER = re.compile(r"(?i)(?<![a-z])(?:workers?|consumers?|celery|sidekiq)(?![a-z])")
PROBES = ("startup", "liveness", "readiness")


def probed(own: Pods) -> Iterator[tuple[str, str, int | str]]:
    """Yield the port that each probe asks, by the probe's place and name."""
    for container in own.containers:
        for name in PROBES:
            if probe := container.probe(name):
                for asked in probe.ports:
                    yield container.at(f"{name}Probe"), f"{name}Probe", asked


def probes(own: Pods) -> Iterator[Finding]:
    """Yield probes of a port that is none of its pod."""
    for where, probe, asked in probed(own):
        if own.port(asked) is None and not _is_open(own):
            yield Finding(where, f"{probe} asks port {asked}, {listens(own)}")


def targets(own: Pods, service: Service) -> Iterator[Finding]:
    """Yield ports of a Service that lead to none of its pods."""
    for number, port in enumerate(service.ports):
        if port.target is not None and own.port(port.target) is None and not _is_open(own):
            what = f"{title(service.artifact)} sends to targetPort {port.target}, {listens(own)}"
            yield Finding(service.artifact.at("spec", "ports", number), what)


def _is_open(own: Pods) -> bool:
    """Tell whether a program writes a port of pods before they are read."""
    return any(port.number is None for one in own.containers for port in one.ports)


def is_told_ports(own: Pods) -> bool:
    """Tell whether arguments or variables tell a program of these pods where to listen."""
    return any(
        any(map(_PORT.search, container.words))
        or any((variable.name or "").endswith("PORT") for variable in container.variables)
        for container in own.containers
    )


def is_worker(own: Pods) -> bool:
    """Tell whether pods have no port, and their command says that they take work from elsewhere."""
    words = (word for container in own.containers for word in container.words)
    return not own.ports and any(map(_WORKER.search, words))


def listens(own: Pods) -> str:
    """Return what pods declare instead: a program may listen to more, and is asked for no more."""
    heard = ", ".join(f"{number} ({name})" for name, number in own.ports.items())
    if not heard:
        return f"and {own.workload} has no port; declare it, or probe a worker by `exec`"
    return f"which {own.workload} does not declare; it declares {heard}"
