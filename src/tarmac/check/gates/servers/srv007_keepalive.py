"""A server keeps connections for longer than the load balancer before it uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.objects.metadata import metadata, space_of, title
from tarmac.check.gates.views.objects.routes import backends
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_settings import PythonSettings, python_settings

_NAMED = re.compile(r"(gunicorn[\w.-]*|[\w.-]+\.gunicorn)\.py")
_PORT = re.compile(r":(\d+)$")
#: An option before the file of settings, which it overrides.
_TOLD = re.compile(r"--keep-alive\b")


#: A namespace, and a name in it.
Name = tuple[str, str]


class Balancer(NamedTuple):
    """What asks a server over connections that it keeps."""

    artifact: Artifact
    kind: str
    idle_s: int


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that close connections which a load balancer still uses."""
    servers = list(_judged(files))
    if len(servers) != 1 or _is_told(files):  # which is asked is not known
        return
    own = servers[0]
    known = published("gunicorn")
    threads = own.number("threads") or 1
    worker = own.values.get("worker_class", "gthread" if threads > 1 else "sync")
    keeps = own.number("keepalive") if "keepalive" in own.values else known["keepalive_s"]
    if not isinstance(worker, str) or worker in known["without"] or keeps is None:
        return
    ports = _ports(files)
    for one in _balancers(files):
        if keeps <= one.idle_s and not _is_beside(ports, one.artifact, own):
            what = f"gunicorn closes a connection that is idle for {keeps:g}s, and {one.kind} of"
            said = f"{what} {title(one.artifact)} keeps it for {one.idle_s}s: a request that it"
            advice = f"sends meanwhile is answered by 502; write keepalive = {one.idle_s + 10}"
            yield Finding(own.at("keepalive"), f"{said} {advice}", warning=True)
            return


def _balancers(files: Files) -> Iterator[Balancer]:
    for artifact in files.objects("Ingress"):
        notes = metadata(artifact).annotations
        named = string(artifact.data, "spec", "ingressClassName")
        named = named or str(notes.get("kubernetes.io/ingress.class") or "")
        for one in published("balancers")["ingress"]:
            if named in one["classes"]:
                written = str(notes.get(one.get("annotation", ""), ""))
                found = re.search(one["idle"], written) if "idle" in one else None
                yield Balancer(artifact, one["title"], int(found[1]) if found else one["idle_s"])


def _is_beside(ports: Mapping[Name, set[int]], ingress: Artifact, own: PythonSettings) -> bool:
    """Tell whether an Ingress is known to lead to other ports than the server's own."""
    bound = _PORT.search(str(own.values.get("bind", "")))
    space = space_of(ingress)
    known = {port for name in backends(ingress) for port in ports.get((space, str(name)), ())}
    return bound is not None and bool(known) and int(bound[1]) not in known


def _ports(files: Files) -> dict[Name, set[int]]:
    """Find the ports of pods that Services lead to, as far as they are numbers."""
    return {
        (space_of(one.artifact), one.metadata.name): {
            port.target for port in one.ports if isinstance(port.target, int)
        }
        for one in map(Service, files.objects("Service"))
    }


def _is_told(files: Files) -> bool:
    """Tell whether a command gives the seconds itself."""
    by_pods = (c.words for own in pods(files) for c in own.main_containers)
    texts = (str(one.content) for one in dockerfiles(files))
    maps = (str(fields(one.data, "data")) for one in files.objects("ConfigMap"))
    found = (*map(" ".join, by_pods), *texts, *maps)
    return any(_TOLD.search(text) for text in found)


@once
def _judged(files: Files) -> Iterator[PythonSettings]:
    yield from python_settings(files, _NAMED)


GATE = Gate(
    id="SRV007",
    title="A server keeps connections for longer than the load balancer before it uses them",
    phase="services",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
    "load-balancer-troubleshooting.html#http-502-issues: the keep-alive of a target that is "
    "shorter than the idle timeout of the balancer",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of gunicorn", _judged),
    targets=(),
    reads="gunicorn.conf.py, which is parsed and not run, where there is one of it, beside the "
    "idle timeouts of Ingresses of AWS and Google. Whether they are of one system is not known, so "
    "all are warnings. Judges files without a plan only.",
)
