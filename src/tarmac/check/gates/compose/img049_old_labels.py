"""Labels of a service are those that the Traefik beside it reads, in the form of its version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import labels_of
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.traefik import place_of, version_of
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.scope import counted_in_files

#: Labels of Traefik 1, with the name of a part before them where a service has several.
_OLD = re.compile(r"traefik(\.(?!http\.|tcp\.|udp\.)[\w-]+)?\.(port|protocol|frontend\.[\w.-]+)")
_PORT = re.compile(r"traefik\.(http|tcp|udp)\.services\.[^.]+\.loadbalancer\.server\.port")
_ROUTER = re.compile(r"traefik\.(http|tcp|udp)\.routers\..*")
#: Rules of the versions before 3: more than one name in a matcher, groups with names in a pattern,
#: and matchers that have another name now.
_RULE = re.compile(r"traefik\.(?:http|tcp)\.routers\.([^.]+)\.rule")
_SEVERAL = re.compile(
    r"\b(Host|HostSNI|HostRegexp|HostSNIRegexp|Path|PathPrefix|PathRegexp|Method|ClientIP)"
    r"\(\s*[`\"']([^`\"']*)[`\"']\s*,\s*[`\"']([^`\"']*)[`\"']"
)
_GROUP = re.compile(
    r"\b(HostRegexp|HostSNIRegexp|Path|PathPrefix)\(\s*[`\"'][^`\"']*(\{\w+:[^`\"']*\})"
)
_RENAMED = re.compile(r"\b(Headers|HeadersRegexp)\(")
_SYNTAX = re.compile(r"(?i)ruleSyntax")
_LATEST = 3
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
    yield from _rules(files)
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


def _rules(files: Files) -> Iterator[Finding]:
    """Yield rules in the form of Traefik 2, which the Traefik 3 beside them refuses."""
    for service, name, rule in _ruled(files):
        if found := _SEVERAL.search(rule):
            what = f"gives {found[1]}() two values, `{found[2]}` and `{found[3]}`, and Traefik 3"
            instead = f"{found[1]}(`{found[2]}`) || {found[1]}(`{found[3]}`)"
            what = f"{what} takes one: it drops the router; write {instead}"
        elif found := _GROUP.search(rule):
            what = f"has {found[2]} in {found[1]}(), and Traefik 3 reads no names of groups there:"
            what = f"{what} nothing matches it; write a regular expression"
        elif found := _RENAMED.search(rule):
            now = found[1].replace("Headers", "Header")
            what = f"asks {found[1]}(), which Traefik 3 does not have: it drops the router; write"
            what = f"{what} {now}()"
        else:
            continue
        label = f"service {service.name} has the label {name}, whose rule"
        yield Finding(place_of(service, name), f"{label} {what}")


def _ruled(files: Files) -> Iterator[tuple[ComposeService, str, str]]:
    """Yield the rules that a Traefik 3 of the same files reads."""
    for beside in compose_files(files):
        versions = [number for one in beside.services if (number := version_of(one))]
        is_latest = versions and min(versions) >= _LATEST
        if not is_latest or any(_SYNTAX.search(str(one.data)) for one in beside.services):
            continue
        for service in beside.services:
            labels = labels_of(dig(service.data, "labels"))
            for name, rule in labels.items():
                if _RULE.fullmatch(name) and labels.get("traefik.enable") != "false":
                    yield service, name, rule


def _finding(one: RoutedService, label: str, what: str, *, warning: bool) -> Finding:
    said = f"service {one.service.name} has the label {label} of Traefik 1, which a newer one does"
    return Finding(place_of(one.service, label), f"{said} not read: {what}", warning=warning)


def _routed(files: Files) -> Iterator[RoutedService]:
    for beside in compose_files(files):
        versions = {number for service in beside.services if (number := version_of(service))}
        for service in beside.services:
            labels = labels_of(dig(service.data, "labels"))
            old = [name for name in labels if _OLD.fullmatch(name)]
            if old and labels.get("traefik.enable") != "false" and not _is_part(service, beside):
                yield RoutedService(
                    service, labels, old, is_newer=bool(versions) and min(versions) > 1
                )


def _is_part(service: ComposeService, beside: ComposeFiles) -> bool:
    """Tell whether another file has more of a service, so that other labels may be there."""
    same = [one for one in beside.services if one.name == service.name]
    return len(same) > 1 or bool(dig(service.data, "extends"))


def _exposes_none(text: object) -> bool:
    found = stages(str(text))
    exposed = any(one.word == "EXPOSE" for stage in found for one in stage.instructions)
    return bool(found) and not exposed and _PLAIN.fullmatch(found[-1].image) is not None


def _judged(files: Files) -> Iterator[object]:
    yield from _routed(files)
    yield from _ruled(files)


GATE = Gate(
    id="IMG049",
    title="Labels of a service are those that the Traefik beside it reads",
    phase="containers",
    source="https://doc.traefik.io/traefik/v2.11/migration/v1-to-v2: frontends and backends are "
    "routers and services, and their labels have other names; https://doc.traefik.io/traefik/"
    "migrate/v2-to-v3: a matcher takes one value",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("labels of Traefik 1, and rules that Traefik 3 reads", _judged),
    targets=("compose",),
    reads="labels of services, and rules in them, beside those of routers and the version of "
    "Traefik in the same files, and EXPOSE of a Dockerfile here. Without one, which port is taken "
    "is a warning.",
)
