"""A Gateway of Istio with a certificate for a host sends plain requests to it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, fields, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.gateway_proxies import istio_gateways
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import counted_in_files

_HTTP, _TLS = "HTTP", ("HTTPS", "TLS")
#: Tests of a certificate's authority ask by plain HTTP, at hosts of every name.
_ALL = "*"


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that answer plain requests for a host that has a certificate."""
    for gateway in istio_gateways(files):
        servers = list(numbered(gateway.data, "spec", "servers"))
        secured = {
            host
            for _, one in servers
            if string(one, "port", "protocol").upper() in _TLS
            for host in texts(dig(one, "hosts"))
        }
        for number, one in servers:
            is_plain = string(one, "port", "protocol").upper() == _HTTP
            both = sorted(secured.intersection(texts(dig(one, "hosts"))) - {_ALL})
            redirects = fields(one, "tls").get("httpsRedirect") is True
            if is_plain and both and not redirects:
                what = f"{title(gateway)} answers {both[0]} without TLS, too: passwords and tokens"
                said = f"{what} can be read on the way; write tls: {{httpsRedirect: true}}"
                yield Finding(gateway.at("spec", "servers", number), said, warning=True)


GATE = Gate(
    id="MSH027",
    title="A Gateway of Istio with a certificate for a host sends plain requests to it",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("Gateways of Istio", istio_gateways),
    targets=("cluster",),
    reads="servers of one Gateway for the same host, by HTTP and by TLS. Routes may redirect by "
    "themselves, so it is a warning.",
)
