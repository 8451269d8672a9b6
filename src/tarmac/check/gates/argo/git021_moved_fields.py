"""What a release moves step by step is left to it by what puts objects back as Git has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, mappings, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import RESPECT, App
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.overlays.flux_charts import released_objects
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.trials.canaries import Canary, canaries

_ROUTING: Path = ("spec", "strategy", "canary", "trafficRouting")
#: Where the weights of each kind that a Rollout moves are, and the API that it is of.
_WEIGHTS: dict[str, Path] = {
    "VirtualService": ("spec", "http"),
    "HTTPRoute": ("spec", "rules"),
    "TraefikService": ("spec", "weighted"),
}
_SELECTOR = "/spec/selector"
#: What Argo CD ignores of the objects of every Application is written in its own ConfigMap.
_FOR_ALL = "resource.customizations.ignoreDifferences"


class MovedObject(NamedTuple):
    """An object in Git whose weights a Rollout moves, and the Application that puts it back."""

    app: App
    artifact: Artifact
    rollout: Artifact


class TakenService(NamedTuple):
    """A Service of a chart that Flagger takes over, and the release that puts it back."""

    release: Artifact
    name: str
    canary: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield Applications and releases of Flux that undo what a release moves."""
    moved = list(_moved(files))
    # A chart that several Applications follow has other objects with the values of each.
    of_charts = [one for one in moved if dig(one.app.data, "spec", "source", "helm")]
    left = {id(one.artifact) for one in of_charts if _is_left_by_app(one)}
    for one in moved if not _is_ignored_by_all(files) else ():
        app, at = one.app, _WEIGHTS[kind_of(one.artifact)]
        if id(one.artifact) not in left and not _is_left_by_app(one):
            what = f"{app.title} puts {title(one.artifact)} back as Git has it (selfHeal), and"
            said = f"{what} {title(one.rollout)} moves its weights: a new version loses its share"
            where = app.at("spec", "syncPolicy", "automated", "selfHeal")
            advice = f"add ignoreDifferences of /{'/'.join(map(str, at))}, and {RESPECT}"
            yield Finding(where, f"{said} of the requests; {advice}")
    for taken in _taken(files):
        if not _is_left(taken):
            what = f"{title(taken.release)} puts Service {taken.name} back as its chart has it"
            said = f"{what} (driftDetection), and Flagger leads it to other pods for"
            where = taken.release.at("spec", "driftDetection", "mode")
            advice = f"it begins again each time; ignore {_SELECTOR} of that Service"
            yield Finding(where, f"{said} {title(taken.canary)}: {advice}")


def _is_left_by_app(one: MovedObject) -> bool:
    at = _WEIGHTS[kind_of(one.artifact)]
    ignored = mappings(items(one.app.data, "spec", "ignoreDifferences"))
    return any(_leaves(own, one.artifact, at) for own in ignored)


def _leaves(ignored: Fields, artifact: Artifact, at: Path) -> bool:
    """Tell whether an Application leaves what is at a place, or a part of it, to others."""
    is_meant = string(ignored, "kind") in (str(artifact.data.get("kind")), "*")
    if not is_meant or string(ignored, "name") not in ("", name_of(artifact)):
        return False
    asked = (*items(ignored, "jsonPointers"), *items(ignored, "jqPathExpressions"))
    paths = [str(path).replace(".", "/") for path in asked]
    whole = "/" + "/".join(map(str, at))
    is_left = any(path.startswith(whole) or whole.startswith(path) for path in paths)
    return is_left or bool(ignored.get("managedFieldsManagers"))


def _is_ignored_by_all(files: Files) -> bool:
    return any(
        str(key).startswith(_FOR_ALL)
        for one in files.objects("ConfigMap")
        for key in fields(one.data, "data")
    )


def _moved(files: Files) -> Iterator[MovedObject]:
    led: dict[tuple[str, str], list[Artifact]] = {}
    for rollout in files.objects("Rollout"):
        for kind, name in _led(fields(rollout.data, *_ROUTING)):
            led.setdefault((kind, name.partition(".")[0]), []).append(rollout)
    for folder in followed(files) if led else ():
        for artifact in folder.artifacts if folder.app.heals else ():
            by = led.get((kind_of(artifact), name_of(artifact)), []) if artifact.is_object else []
            for rollout in by:
                same = space_of(artifact) and space_of(artifact) == space_of(rollout)
                is_near = same or place_of(artifact) == place_of(rollout)
                if is_near and "weight" in str(dig(artifact.data, *_WEIGHTS[kind_of(artifact)])):
                    yield MovedObject(folder.app, artifact, rollout)
                    break


def _led(routing: Fields) -> Iterator[tuple[str, str]]:
    """Yield the kinds and names of what a Rollout moves the weights of."""
    istio = fields(routing, "istio")
    for own in (fields(istio, "virtualService"), *mappings(items(istio, "virtualServices"))):
        yield "VirtualService", string(own, "name")
    yield "TraefikService", string(routing, "traefik", "weightedTraefikServiceName")
    for plugin in fields(routing, "plugins").values():
        yield "HTTPRoute", string(plugin, "httpRoute")
        for own in mappings(items(plugin, "httpRoutes")):
            yield "HTTPRoute", string(own, "name")


def _taken(files: Files) -> Iterator[TakenService]:
    tried: dict[tuple[str, str], Canary] = {}
    for workload, canary in canaries(files).items():
        tried[canary.namespace, canary.service.name or workload] = canary
    for one in released_objects(files, "Service") if tried else ():
        mode = string(one.release.data, "spec", "driftDetection", "mode")
        own = tried.get((one.namespace, one.name))
        if mode == "enabled" and own is not None and one.namespace:
            yield TakenService(one.release, one.name, own.artifact)


def _is_left(taken: TakenService) -> bool:
    """Tell whether a release leaves the selector of a Service to others."""
    for ignored in mappings(items(taken.release.data, "spec", "driftDetection", "ignore")):
        target = fields(ignored, "target")
        is_meant = string(target, "kind") in ("", "Service")
        paths = [str(path).rstrip("/") for path in items(ignored, "paths")]
        if is_meant and any(f"{_SELECTOR}/".startswith(f"{path}/") for path in paths):
            return True
    return False


def _judged(files: Files) -> Iterator[object]:
    yield from _moved(files)
    yield from _taken(files)


GATE = Gate(
    id="GIT021",
    title="What a release moves step by step is not put back by what syncs it",
    phase="gitops",
    source="https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio: the "
    "controller writes weights into the object that Git has; "
    "https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection: with the mode enabled "
    "each difference from the chart is corrected",
    check=check,
    of_files=check,
    scope=counted_in_files("objects that a release moves", _judged),
    targets=("cluster",),
    reads="VirtualServices, HTTPRoutes and TraefikServices that Rollouts move, in folders of "
    "Applications that heal themselves; Services of charts in these files that HelmReleases with "
    "driftDetection install and Canaries of Flagger take over.",
)
