"""A health check of DNS requests a path that leads to a service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pods.probes import served_paths
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings
from tarmac.plan.dns import entrances

if TYPE_CHECKING:
    from tarmac.plan.cluster import PublicRoute, Workload

CHECK = ("resource", "aws_route53_health_check")
#: Kinds of routes that are not read: where one has the host, nothing is said of it.
OTHERS = ("VirtualService", "IngressRoute", "HTTPProxy", "Mapping", "ApisixRoute", "TLSRoute")
#: Types of paths that lead only what is the same.
EXACT = "Exact"
#: In a path that is more than a prefix.
_PATTERN = re.compile(r"[*()\[\]?+|^$\\{}]")


class CheckedPath(NamedTuple):
    """What a health check requests."""

    host: str
    path: Setting


class RoutedPath(NamedTuple):
    """A path that a route leads to a service; a pattern may lead anything."""

    host: str
    path: str
    kind: str

    def leads(self, path: str) -> bool:
        """Tell whether it takes a path, or may."""
        if _PATTERN.search(self.path):
            return True
        if self.kind == EXACT:
            return path == self.path
        return path == self.path or path.startswith(f"{self.path.rstrip('/')}/")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the path of an environment's health checks that no service serves there."""
    cloud = subject.plan.cloud
    if cloud is None or cloud.dns is None:
        return
    for name in {workload.name for workload, _ in _asked(subject)}:
        known = served_paths(subject.system, subject.plan.workload(name))
        if known and cloud.dns.health_path not in known:
            what = f"Route 53 requests {cloud.dns.health_path} of {name}, which does not serve it"
            place = subject.at("infrastructure", "standby")
            yield Finding(place, f"{what}; write path: {' or '.join(sorted(known))}")


def of_files(files: Files) -> Iterator[Finding]:
    """Yield health checks of a host whose routes are here, by a path that none of them leads."""
    for asked, routes in _judged(files):
        path = (asked.path.value or "").partition("?")[0]
        if not any(route.leads(path) for route in routes):
            what = f"no route of {asked.host} leads {path} to a service, so the check fails always"
            known = " or ".join(sorted({route.path for route in routes}))
            yield Finding(asked.path.where, f"{what}; request a path below {known}")


def _judged(files: Files) -> Iterator[tuple[CheckedPath, list[RoutedPath]]]:
    """Yield the checks of hosts whose routes are here, with these."""
    routed = list(_routed(files))
    unread = [str(artifact.data) for artifact in files.objects(*OTHERS)]
    for asked in _checked(files):
        own = [route for route in routed if fnmatchcase(asked.host, route.host or "*")]
        here = any(route.host == asked.host for route in own)
        if here and not any(asked.host in text for text in unread):
            yield asked, own


def _asked(subject: Subject) -> Iterator[tuple[Workload, PublicRoute]]:
    """Yield the workload that each region's own name leads to."""
    hosts = entrances(subject.system, subject.plan.settings)
    for workload in subject.plan.workloads:
        yield from ((workload, route) for route in workload.routes if route.host in hosts)


def _checked(files: Files) -> Iterator[CheckedPath]:
    """Yield health checks whose host and path stand there as they are."""
    found: dict[tuple[str, str], dict[str, Setting]] = {}
    for setting in settings(files):
        if setting.path[:2] == CHECK and len(setting.path) == 4:
            found.setdefault((setting.file, setting.path[2]), {})[setting.name] = setting
    for own in found.values():
        host, path, kind = (own.get(name) for name in ("fqdn", "resource_path", "type"))
        if host and path and host.value and path.value and kind and "HTTP" in (kind.value or ""):
            yield CheckedPath(host.value, path)


def _routed(files: Files) -> Iterator[RoutedPath]:
    for artifact in files.objects("Ingress"):
        yield from _of_ingress(artifact)
    for artifact in files.objects("HTTPRoute"):
        for host in items(artifact.data, "spec", "hostnames") or ("",):
            for rule in items(artifact.data, "spec", "rules") or ({},):
                for match in items(rule, "matches") or ({},):
                    path = fields(match, "path")
                    kind = string(path, "type")
                    value = ".*" if kind == "RegularExpression" else string(path, "value") or "/"
                    yield RoutedPath(host, value, kind)


def _of_ingress(artifact: Artifact) -> Iterator[RoutedPath]:
    rest = fields(artifact.data, "spec", "defaultBackend")
    for rule in items(artifact.data, "spec", "rules"):
        host = string(rule, "host")
        for path in items(rule, "http", "paths"):
            yield RoutedPath(host, string(path, "path") or "/", string(path, "pathType"))
        if rest or not items(rule, "http", "paths"):
            yield RoutedPath(host, "/", "")


GATE = Gate(
    id="INF014",
    title="Health checks of DNS request a path that is served",
    phase="recovery",
    source="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
    "dns-failover-determining-health-of-endpoints.html: any answer below 200 or above 399 is a "
    "failure, so that a wrong path gives up a region that is well",
    check=check,
    of_files=of_files,
    scope=counted_in_files("health checks", _judged, _asked),
    targets=("cluster",),
    reads="aws_route53_health_check with a host and a path that stand there as they are, beside "
    "the Ingress and HTTPRoute objects of that host; with a plan, `standby.path` beside the probes "
    "of its service. What a target group requests of a program is in no file and not judged.",
)
