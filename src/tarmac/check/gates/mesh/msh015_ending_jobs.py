"""Jobs in a mesh of Istio end: their sidecar ends with them, or they have none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import Path, dig, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.network.mesh import has_sidecars
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.ends import is_ended
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("Job", "CronJob", "ScaledJob")
_INJECT, _NATIVE = "sidecar.istio.io/inject", "sidecar.istio.io/nativeSidecar"
_SWITCH = "ENABLE_NATIVE_SIDECARS"
#: Where values for Istio's chart are: in a file of their own, in a release, and in an operator's.
_VALUES: tuple[Path, ...] = ((), ("spec", "values"))
_CHARTS = frozenset({"istiod", "istio-discovery"})
#: One version, and no range of several minor ones.
_VERSION = re.compile(r"[v~=^]?\s*(\d+)\.(\d+)(?:\.[\w.-]+)?")
#: The first version whose sidecars end with the work where nothing is said.
_NATIVE_SINCE = (1, 27)


class MeshMode(NamedTuple):
    """How the sidecars of a mesh are made."""

    is_native: bool
    why: str
    #: Whether a file says so in words.
    is_said: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield Jobs whose sidecar runs on when their work is done."""
    jobs = list(_meshed(files))
    modes = set(_modes(files)) if jobs else set()
    of_mesh = None
    if modes and not any(one.is_native for one in modes):
        of_mesh = max(modes, key=lambda one: one.is_said)
    for own in jobs:
        asked = str(own.metadata.annotations.get(_NATIVE, "")).lower()
        mode = MeshMode(False, f"{_NATIVE} is false", True) if asked == "false" else of_mesh
        if mode and not is_ended(own):
            what = f"{title(own.artifact)} gets a sidecar of Istio, which does not end with its"
            said = f"{what} work ({mode.why}): the Job is never complete; write the label"
            where = own.artifact.at(*own.path[:-1])
            advice = f'{_INJECT}: "false" in its template, or have it call /quitquitquit'
            yield Finding(where, f"{said} {advice}", warning=not mode.is_said)


def _modes(files: Files) -> Iterator[MeshMode]:
    for artifact in files.artifacts:
        for above in _VALUES:
            value = dig(artifact.data, *above, "pilot", "env", _SWITCH)
            if value is not None:
                yield _said(value)
        for one in items(artifact.data, "spec", "components", "pilot", "k8s", "env"):
            if string(one, "name") == _SWITCH:
                yield _said(dig(one, "value"))
    for own in pods(files, "Deployment"):
        for container in own.main_containers if own.name.startswith("istiod") else ():
            for variable in container.variables:
                if variable.name == _SWITCH:
                    yield _said(variable.value)
    for given in given_values(files, _CHARTS):
        found = _VERSION.fullmatch(given.version)
        if found and (int(found[1]), int(found[2])) < _NATIVE_SINCE:
            yield MeshMode(False, f"the chart {given.chart} is of {given.version}", False)


def _said(value: object) -> MeshMode:
    text = str(value).lower()
    return MeshMode(text != "false", f"{_SWITCH} is {text}", True)


@once
def _meshed(files: Files) -> Iterator[Pods]:
    """Yield the pods of Jobs to which Istio adds a sidecar."""
    spaces = {name_of(one) for one in files.objects("Namespace") if has_sidecars(one)}
    for own in pods(files, *_KINDS):
        noted = own.metadata.annotations
        asked = str(own.labels.get(_INJECT, noted.get(_INJECT, ""))).lower()
        is_native = str(noted.get(_NATIVE, "")).lower() == "true"
        is_added = asked == "true" or (space_of(own.artifact) in spaces and asked == "")
        if is_added and not is_native and not own.spec.shares("hostNetwork"):
            yield own


GATE = Gate(
    id="MSH015",
    title="Jobs in a mesh end when their work is done",
    phase="mesh",
    source="https://istio.io/latest/blog/2023/native-sidecars: without native sidecars, the "
    "default since 1.27, a proxy runs on beside a Job whose work is done",
    check=check,
    of_files=check,
    scope=counted_in_files("Jobs that get a sidecar of Istio", _meshed),
    targets=("cluster",),
    reads="Jobs, CronJobs and ScaledJobs in namespaces whose label adds Istio's sidecar, or with "
    "such a label of their own, where an annotation of theirs, values, an operator or istiod "
    "itself says that sidecars are not native, or its chart is older than 1.27. A program "
    "may end its proxy by itself.",
)
