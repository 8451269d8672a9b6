"""Labels of a service are those that the Traefik beside it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import ComposeService
from tarmac.check.gates.views.images.compose_entries import labels_of
from tarmac.check.gates.views.images.compose_files import ComposeFiles, compose_files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.scope import counted_in_files

#: Labels of Traefik 1, with the name of a part before them where a service has several.
_OLD = re.compile(r"traefik(\.(?!http\.|tcp\.|udp\.)[\w-]+)?\.(port|protocol|frontend\.[\w.-]+)")
_PORT = re.compile(r"traefik\.(http|tcp|udp)\.services\.[^.]+\.loadbalancer\.server\.port")
_ROUTER = re.compile(r"traefik\.(http|tcp|udp)\.routers\..*")
_TRAEFIK = re.compile(r"(docker\.io/)?(library/)?traefik(:v?(\d+)[\w.-]*)?(@.*)?")
#: Images without an EXPOSE of their own.
_PLAIN = re.compile(
    r"scratch|gcr\.io/distroless/.*|(docker\.io/)?(library/)?(alpine|debian|ubuntu|busybox|node|"
    r"python|golang|ruby|rust|eclipse-temurin)([:@].*)?"
)


class RoutedService(NamedTuple):
    """A service with labels of Traefik 1, and where they are."""

    service: ComposeService
    labels: Mapping[str, str]
    old: list[str]
    #: Whether the Traefik that reads them is a newer one.
    is_newer: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield labels that a newer Traefik passes over, and what is lost by that."""
    silent = {artifact.path for artifact in dockerfiles(files) if _exposes_none(artifact.content)}
    for one in _routed(files):
        has_router = any(map(_ROUTER.fullmatch, one.labels))
        if not (one.is_newer or has_router):
            continue
        rules = [name for name in one.old if ".frontend.rule" in name]
        ports = [name for name in one.old if name.endswith(".port")]
        if rules and not has_router:
            what = "it reads no rule for the service; write traefik.http.routers.NAME.rule"
            yield _finding(one, rules[0], what, warning=False)
        elif ports and has_router and not any(map(_PORT.fullmatch, one.labels)):
            given = [*items(one.service.data, "ports"), *items(one.service.data, "expose")]
            path = one.service.dockerfile or ""
            is_shut = not given and path.removeprefix("./") in silent
            advice = "write traefik.http.services.NAME.loadbalancer.server.port"
            what = "it takes the first port that the image exposes"
            if is_shut:
                what = "the image exposes no port, so it drops the router"
            yield _finding(one, ports[0], f"{what}; {advice}", warning=not is_shut)


def _finding(one: RoutedService, label: str, what: str, *, warning: bool) -> Finding:
    said = f"service {one.service.name} has the label {label} of Traefik 1, which a newer one does"
    entries = items(one.service.data, "labels")
    numbers = [n for n, entry in enumerate(entries) if str(entry).partition("=")[0] == label]
    where = one.service.at("labels", numbers[0] if numbers else label)
    return Finding(where, f"{said} not read: {what}", warning=warning)


def _routed(files: Files) -> Iterator[RoutedService]:
    for beside in compose_files(files):
        versions = {number for service in beside.services if (number := _version(service))}
        for service in beside.services:
            labels = labels_of(dig(service.data, "labels"))
            old = [name for name in labels if _OLD.fullmatch(name)]
            if old and labels.get("traefik.enable") != "false" and not _is_part(service, beside):
                yield RoutedService(
                    service, labels, old, is_newer=bool(versions) and min(versions) > 1
                )


def _version(service: ComposeService) -> int:
    """Read the version of Traefik that a service runs; 0: none, or one that is not known."""
    found = _TRAEFIK.fullmatch(service.image or "")
    return int(found[4] or 0) if found else 0


def _is_part(service: ComposeService, beside: ComposeFiles) -> bool:
    """Tell whether another file has more of a service, so that other labels may be there."""
    same = [one for one in beside.services if one.name == service.name]
    return len(same) > 1 or bool(dig(service.data, "extends"))


def _exposes_none(text: object) -> bool:
    found = stages(str(text))
    exposed = any(one.word == "EXPOSE" for stage in found for one in stage.instructions)
    return bool(found) and not exposed and _PLAIN.fullmatch(found[-1].image) is not None


GATE = Gate(
    id="IMG049",
    title="Labels of a service are those that the Traefik beside it reads",
    phase="containers",
    source="https://doc.traefik.io/traefik/v2.11/migration/v1-to-v2: frontends and backends are "
    "routers and services, and their labels have other names",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services with labels of Traefik 1", _routed),
    targets=("compose",),
    reads="labels of services beside those of routers and the version of Traefik in the same "
    "files, and EXPOSE of a Dockerfile here. Without one, which port is taken is a warning.",
)
