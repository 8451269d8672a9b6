"""A collector speaks TLS only with hosts that can have a certificate for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.objects.metadata import name_of, space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_ENDPOINT = re.compile(r"(?:(?:dns|passthrough):/{2,3})?([A-Za-z0-9][\w.-]*)(?::\d+)?")
#: Names that no public authority signs: one word, and those within a cluster.
_INNER = re.compile(
    r"[A-Za-z][\w-]*|[\w-]+\.[\w-]+\.svc(\.cluster\.local)?\.?|host\.docker\.internal"
)
#: What adds an authority of one's own to those that an image trusts.
_TRUSTED = re.compile(r"SSL_CERT_(FILE|DIR)|/etc/ssl/certs|update-ca-certificates")
#: Of older versions, in the place of `tls`.
_OLD = ("insecure", "ca_file", "insecure_skip_verify")


class Target(NamedTuple):
    """An end of a pipeline that speaks gRPC to a host."""

    where: str
    exporter: str
    endpoint: str
    settings: Fields


def check(files: Files) -> Iterator[Finding]:
    """Yield exporters that ask for TLS where no authority can have signed the name."""
    found = [one for one in _sent(files) if _asks(one.settings)]
    if not found or any(_TRUSTED.search(str(one.content)) for one in files.artifacts):
        return
    services = {f"{name_of(one)}.{space_of(one)}" for one in files.objects("Service")}
    for one in found:
        host = _ENDPOINT.fullmatch(one.endpoint)
        if host is not None and (_INNER.fullmatch(host[1]) or host[1] in services):
            what = f"the exporter {one.exporter} speaks TLS by itself, and no authority that its"
            said = f"{what} image trusts signs the name {host[1]}: each export to"
            advice = f"{one.endpoint} fails; write tls with insecure: true, or a ca_file"
            yield Finding(one.where, f"{said} {advice}")


def _asks(settings: Fields) -> bool:
    """Tell whether settings ask for TLS with what the image trusts."""
    tls = fields(settings, "tls")
    plain = {"insecure", "insecure_skip_verify", "ca_file", "ca_pem", "server_name_override"}
    has_own = bool(plain & tls.keys()) or any(key in settings for key in _OLD)
    return not has_own and isinstance(settings.get("tls", {}), dict | None)


@once
def _sent(files: Files) -> Iterator[Target]:
    for one in collectors(files):
        pipelines = fields(one.data, "service", "pipelines").values()
        used = {str(name) for pipeline in pipelines for name in items(pipeline, "exporters")}
        for name, given in fields(one.data, "exporters").items():
            if str(name) in used:
                yield from _of_exporter(one, str(name), fields(given))


def _of_exporter(one: Collector, name: str, given: Fields) -> Iterator[Target]:
    kind, at = name.partition("/")[0], ("exporters", name)
    if kind in published("telemetry")["secure"] and (endpoint := string(given, "endpoint")):
        yield Target(one.at(*at, "endpoint"), name, endpoint, given)
    # Of the one that spreads spans, the resolver says where it sends.
    protocol = fields(given, "protocol", "otlp")
    hosts = [*items(given, "resolver", "static", "hostnames")]
    hosts += [dig(given, "resolver", "dns", "hostname"), dig(given, "resolver", "k8s", "service")]
    for host in hosts if kind == "loadbalancing" else ():
        if isinstance(host, str):
            yield Target(one.at(*at, "resolver"), name, host, protocol)
            return


GATE = Gate(
    id="OBS038",
    title="A collector speaks TLS only with hosts that can have a certificate for it",
    phase="observability",
    source="https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configtls: "
    "insecure is false by default, so exporters of gRPC speak TLS",
    check=check,
    of_files=check,
    scope=counted_in_files("exporters that speak gRPC", _sent),
    targets=(),
    reads="exporters of pipelines of collectors that speak gRPC, as assets/published.yaml lists "
    "them, whose endpoint is a name of one word or within a cluster, without `tls`. Where an "
    "authority is added to an image, nothing is told. Judges files without a plan only.",
)
