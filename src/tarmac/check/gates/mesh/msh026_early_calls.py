"""What an init container calls, it reaches without the proxy, which does not run yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import has_sidecars
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: The proxy's own user, whose traffic is not redirected.
_PROXY = 1337
#: From this release on sidecars are native by default where the cluster has them.
_NATIVE_SINCE = (1, 27)
_VERSION = re.compile(r"[v^~>=]*(\d+)\.(\d+)\b")
_ENV = "ENABLE_NATIVE_SIDECARS"
#: Programs that ask others, and arguments by which one's own does.
_CLIENTS = re.compile(
    r"(?:^|[\s/;&|(])(nc|curl|wget|psql|pg_isready|mysql|mysqladmin|mongosh|redis-cli|wait-for(?:-it)?"
    r"(?:\.sh)?|dockerize|wait4x|git\s+clone|kubectl)(?=$|[\s;&|)])(?![^;&|]*(?:localhost|127\.0\.0\.1))"
)
_MIGRATES = re.compile(r"(?:^|[\s:/-])(migrate|migrations?|alembic|flyway|liquibase)(?=$|[\s:.])")
_ADDRESS = re.compile(r"(URL|URI|DSN|HOST|ADDR|ADDRESS|SERVER)$")
#: What takes a pod's traffic past the proxy, or runs the proxy before.
_APART = ("traffic.sidecar.istio.io/", "sidecar.istio.io/native", "sidecar.istio.io/interception")
_INJECT = "sidecar.istio.io/inject"


class Setup(NamedTuple):
    """How Istio is set up: whether by its plugin, and with native sidecars."""

    artifact: Artifact
    path: Path
    has_plugin: bool
    #: None: as the release has it.
    is_native: bool | None
    version: tuple[int, ...]

    @property
    def is_late(self) -> bool:
        """Whether its proxies start behind the init containers, with their traffic redirected."""
        is_old = bool(self.version) and self.version < _NATIVE_SINCE
        return self.has_plugin and (is_old if self.is_native is None else not self.is_native)


def check(files: Files) -> Iterator[Finding]:
    """Yield init containers whose calls are refused."""
    setups = list(_setups(files))
    late = [one for one in setups if one.is_late]
    if not late or any(one.is_native for one in setups):
        return
    told = late[0].artifact.at(*late[0].path)
    for own, container in _judged(files):
        if asked := _asked(own, container):
            what = (
                f"init container {container.name} of {title(own.artifact)} calls others ({asked})"
            )
            why = f"before the proxy runs, and Istio's plugin ({told}) redirects it there already:"
            advice = f"each call is refused, and no pod starts; write runAsUser: {_PROXY}, or turn"
            yield Finding(container.at("name"), f"{what} {why} {advice} native sidecars on")


def _setups(files: Files) -> Iterator[Setup]:
    for artifact in files.artifacts:
        if kind_of(artifact) == "IstioOperator":
            version = string(artifact.data, "spec", "tag") or ""
            plugin: Path = ("spec", "components", "cni", "enabled")
            has_plugin = dig(artifact.data, *plugin) is True
            values = fields(artifact.data, "spec", "values")
            yield Setup(artifact, plugin, has_plugin, _native(values), _number(version))
            continue
        for base, version in _values(artifact):
            values = fields(artifact.data, *base)
            for path in (("pilot", "cni", "enabled"), ("istio_cni", "enabled")):
                if dig(values, *path) is True:
                    yield Setup(artifact, (*base, *path), True, _native(values), _number(version))


def _values(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield where values of Istio's chart may be, with the version of the chart."""
    data = artifact.data
    if not artifact.is_object:
        yield (), ""
    elif kind_of(artifact) == "HelmRelease":
        yield ("spec", "values"), string(data, "spec", "chart", "spec", "version") or ""
    elif kind_of(artifact) == "Application":
        version = string(data, "spec", "source", "targetRevision") or ""
        yield ("spec", "source", "helm", "valuesObject"), version
        for number, source in enumerate(items(data, "spec", "sources")):
            at: Path = ("spec", "sources", number, "helm", "valuesObject")
            yield at, string(source, "targetRevision") or ""


def _native(values: Fields) -> bool | None:
    given = dig(values, "pilot", "env", _ENV)
    return None if given is None else str(given).lower() != "false"


def _number(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found else ()


@once
def _judged(files: Files) -> Iterator[tuple[Pods, Container]]:
    """Yield init containers beside whose pod a proxy is to run."""
    spaces = {name_of(one) for one in files.objects("Namespace") if has_sidecars(one)}
    for own in pods(files) if spaces else ():
        noted = {str(key): str(value) for key, value in own.metadata.annotations.items()}
        noted |= {str(key): str(value) for key, value in own.labels.items()}
        is_out = noted.get(_INJECT) == "false" or own.spec.data.get("hostNetwork") is True
        is_apart = any(key.startswith(_APART) for key in noted)
        if space_of(own.artifact) in spaces and not is_out and not is_apart:
            yield from ((own, one) for one in own.init_containers)


def _asked(own: Pods, container: Container) -> str:
    """Say by what an init container calls others; empty if it does not, or is not redirected."""
    user = dig(container.data, "securityContext", "runAsUser")
    user = dig(own.spec.data, "securityContext", "runAsUser") if user is None else user
    if user == _PROXY or container.data.get("restartPolicy") == "Always":
        return ""
    line = " ".join(container.words)
    if found := _CLIENTS.search(line):
        return found[1]
    names = (name for name in own.variables.names(container) if _ADDRESS.search(name))
    found = _MIGRATES.search(line)
    return f"{found[1]}, {name}" if found and (name := min(names, default="")) else ""


GATE = Gate(
    id="MSH026",
    title="What an init container calls, it reaches before the proxy runs",
    phase="mesh",
    source="https://istio.io/latest/docs/setup/additional-setup/cni/#compatibility-with-"
    "application-init-containers: the plugin redirects the traffic of a pod from its start",
    check=check,
    of_files=check,
    scope=counted_in_files("init containers in the mesh", _judged),
    targets=("cluster",),
    reads="init containers of namespaces with sidecars that run a client or a migration, where "
    "values of Istio here have its plugin and not native sidecars. A release from 1.27 on has "
    "native ones unless ENABLE_NATIVE_SIDECARS is false.",
)
