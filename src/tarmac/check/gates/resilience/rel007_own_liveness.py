"""A container is restarted for its own fault: liveness probes ask no other server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Commands that ask workers by the broker.
_BY_BROKER = re.compile(r"\bcelery\b[^|;&]*\b(inspect\s+\w+|status)\b|\bcelery\b.*\bping\(")
#: Programs that ask a server, with the option or place of its host.
_OTHERS = re.compile(
    r"\b(?:pg_isready|psql|redis-cli|mysqladmin|mysql|mariadb-admin|mongosh|mongo)\b[^|;&]*?"
    r"\s(?:-h\s*|--host[= ])[\"']?([\w.$(){}-]+)"
    r"|\bnc\s+(?:-\w+\s+(?:\d+\s+)?)*[\"']?([\w.$(){}-]+)[\"']?\s+\S+"
)
_OWN = re.compile(
    r"localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|\$[({]?(HOSTNAME|POD_IP|POD_NAME|MY_POD_\w+|"
    r"HOST_?IP)[)}]?.*|\$\(hostname.*|/.*"
)


class CommandProbe(NamedTuple):
    """A liveness probe that runs a command."""

    own: Pods
    container: Container
    command: str


def check(files: Files) -> Iterator[Finding]:
    """Yield liveness probes that fail where another server does."""
    for own, container, command in _judged(files):
        where = container.at("livenessProbe", "exec", "command")
        name = f"livenessProbe of {container.name} of {title(own.artifact)}"
        if _BY_BROKER.search(command):
            what = (
                f"{name} asks the worker through its broker: where that is away, or the worker is"
            )
            said = f"{what} busy, all workers are restarted in their tasks; ask the process itself"
            yield Finding(where, said, warning=True)
        elif host := _other(own, container, command):
            what = f"{name} asks {host}: where that is away, this container is restarted, too, and"
            said = f"{what} that does not help; ask it in a readinessProbe"
            yield Finding(where, said, warning=True)


def _other(own: Pods, container: Container, command: str) -> str:
    """Name the host of another server that a command asks; "" without one."""
    found = _OTHERS.search(command)
    host = (found[1] or found[2] or "") if found else ""
    # A server may ask itself by the name of its own Service.
    is_own = _OWN.fullmatch(host) or host.partition(".")[0] in (own.name, container.name)
    return "" if is_own else host


@once
def _judged(files: Files) -> Iterator[CommandProbe]:
    for own in pods(files):
        for container in own.main_containers:
            probe = container.probe("liveness")
            words = items(probe.data, "exec", "command") if probe else ()
            if words:
                yield CommandProbe(own, container, " ".join(map(str, words)))


GATE = Gate(
    id="REL007",
    title="Liveness probes ask no other server",
    phase="resilience",
    source="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes: a "
    "liveness probe that depends on others restarts what a restart does not repair",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("liveness probes with a command", _judged),
    targets=("cluster",),
    reads="commands of liveness probes: those of Celery that ask by the broker, and clients of "
    "databases with the host of another server.",
)
