"""Services and routes get what is meant for them: servers alone, and each request once."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import PodIndex, place_of
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_TASKS = ("Job", "CronJob")
_WITHOUT = {"pre-install", "post-delete"}
_API = "gateway.networking.k8s.io"


def check(files: Files) -> Iterator[Finding]:
    """Yield Services that send to tasks or to other servers, and redirects that come back."""
    yield from _tasks(files)
    yield from _mixed(files)
    yield from _cycles(files)


def _tasks(files: Files) -> Iterator[Finding]:
    index = PodIndex(pods(files))
    for artifact in files.objects("Service"):
        selector = Service(artifact).selector
        # By a port's name, pods that have none of that name get nothing.
        by_name = all(isinstance(port.target, str) for port in Service(artifact).ports)
        if not selector or by_name:
            continue
        own = [
            one
            for one in index.selected({"matchLabels": dict(selector)})
            if space_of(one.artifact) == space_of(artifact)
        ]
        servers = [one for one in own if one.kind not in _TASKS]
        for task in own if servers else ():
            listens = any(container.ports for container in task.main_containers)
            if task.kind in _TASKS and not listens and not _is_apart(task.artifact):
                what = f"{title(artifact)} sends to pods of {title(task.artifact)} as well as to"
                advice = f"{title(servers[0].artifact)}: requests fail while it runs; give the task"
                where = artifact.at("spec", "selector")
                # Of one name they are two ways to run the same thing, of which one is applied.
                is_other = name_of(task.artifact) == name_of(servers[0].artifact)
                yield Finding(where, f"{what} {advice} another label", warning=is_other)


def _is_apart(task: Artifact) -> bool:
    """Tell whether a task of Helm runs while there are no servers: before the first, after all."""
    hooks = string(task.data, "metadata", "annotations", "helm.sh/hook")
    return bool(hooks) and {one.strip() for one in hooks.split(",")} <= _WITHOUT


def _mixed(files: Files) -> Iterator[Finding]:
    """Yield Services that send to other servers, too, which have a Service of their own."""
    near: dict[tuple[str, str], list[Pods]] = {}
    for one in pods(files, *SERVING):
        near.setdefault(place_of(one.artifact), []).append(one)
    indexes = {place: PodIndex(found) for place, found in near.items()}
    chosen: list[tuple[Artifact, list[Pods]]] = []
    alone: dict[int, Artifact] = {}
    for artifact in files.objects("Service"):
        selector = Service(artifact).selector
        index = indexes.get(place_of(artifact))
        # One without an address of its own lists its members.
        is_list = string(artifact.data, "spec", "clusterIP") == "None"
        if not selector or index is None:
            continue
        own = index.selected({"matchLabels": dict(selector)})
        if len(own) == 1:
            alone.setdefault(id(own[0]), artifact)
        elif own and not is_list:
            chosen.append((artifact, own))
    for artifact, own in chosen:
        if elsewhere := list(_elsewhere(artifact, own)):
            yield from elsewhere
            continue
        mine = next((one for one in own if id(one) not in alone), None)
        for other in own if mine is not None else ():
            service = alone.get(id(other))
            # Those of one image are a new version beside the old one, or parts of one program.
            if service and mine and not _is_alike(other, mine) and _listens(artifact, other):
                what = f"{title(artifact)} sends to pods of {title(other.artifact)}, which is"
                advice = (
                    f"{title(service)}'s, as well as to {title(mine.artifact)}: each gets requests"
                )
                where = artifact.at("spec", "selector")
                yield Finding(
                    where, f"{what} {advice} of the other; select one more label", warning=True
                )
                break


def _elsewhere(service: Artifact, own: list[Pods]) -> Iterator[Finding]:
    """Yield pods that get requests at a port which they do not have, and others have."""
    for port in Service(service).ports:
        if not isinstance(port.target, int):
            continue
        hearing = [one for one in own if port.target in one.ports.values()]
        for other in own if hearing else ():
            is_apart = other.ports and other not in hearing
            if is_apart and not _is_alike(other, hearing[0]):
                there = ", ".join(map(str, sorted(other.ports.values())))
                what = f"{title(service)} sends to port {port.target} of {title(other.artifact)},"
                why = f"which listens on {there}, as well as of {title(hearing[0].artifact)}: these"
                where = service.at("spec", "selector")
                yield Finding(where, f"{what} {why} requests fail; select one more label")
                return


def _is_alike(one: Pods, other: Pods) -> bool:
    """Tell whether pods run the same programs; beside these one of both may have others."""
    own, its = ({container.image_name for container in o.main_containers} for o in (one, other))
    return own <= its or its <= own


def _listens(service: Artifact, own: Pods) -> bool:
    """Tell whether pods may get requests of a Service: by a port's name only those that have it."""
    targets = [port.target for port in Service(service).ports]
    return any(not isinstance(target, str) or target in own.ports for target in targets)


def _cycles(files: Files) -> Iterator[Finding]:
    """Yield redirects to https that the listener of https follows, too."""
    gateways = {
        (space_of(one), name_of(one)): one
        for one in files.objects("Gateway")
        if group_of(one) == _API
    }
    for route in files.objects("HTTPRoute"):
        at = _to_https(route)
        for parent in items(route.data, "spec", "parentRefs") if at else ():
            space = string(parent, "namespace") or space_of(route)
            gateway = gateways.get((space, string(parent, "name")))
            if gateway is None or string(parent, "sectionName") or dig(parent, "port"):
                continue
            protocols = {
                string(one, "protocol") for one in items(gateway.data, "spec", "listeners")
            }
            if "HTTPS" in protocols and at:
                what = (
                    f"{title(route)} redirects to https and names no listener of {title(gateway)}:"
                )
                advice = "that of https takes it, too, and redirects for ever; write sectionName"
                yield Finding(route.at(*at), f"{what} {advice}")


def _to_https(route: Artifact) -> Path | None:
    """Find a redirect to https, of the same host and path, in a rule for all requests."""
    for number, rule in numbered(route.data, "spec", "rules"):
        for place, one in numbered(rule, "filters"):
            told = dig(one, "requestRedirect") or {}
            if dig(told, "scheme") == "https" and not {"hostname", "path"} & {*told}:
                return ("spec", "rules", number, "filters", place)
    return None


def _judged(files: Files) -> Iterator[object]:
    yield from files.objects("Service", "HTTPRoute")


GATE = Gate(
    id="NET012",
    title="Services choose servers alone, and redirects end",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/service: each pod with the "
    "labels gets requests; https://gateway-api.sigs.k8s.io/guides/http-redirect-rewrite: a route "
    "without a listener's name is of all of them",
    check=check,
    of_files=check,
    scope=counted_in_files("Services and routes", _judged),
    reads="selectors of Services beside pods of Jobs and of servers of two images, and HTTPRoutes "
    "that redirect to https beside the listeners of their Gateway.",
)
