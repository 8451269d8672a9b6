"""A Gateway of Istio selects a proxy that is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.gateway_proxies import gateway_proxies, istio_gateways
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import counted_in_files

#: Of so many proxies a reader is told.
_SHOWN = 6


def check(files: Files) -> Iterator[Finding]:
    """Yield Gateways for every proxy, and for none where one is installed by these files."""
    for gateway in istio_gateways(files):
        if not fields(gateway.data, "spec", "selector"):
            what = f"{title(gateway)} selects no proxy, so each one listens for its hosts, those"
            said = f"{what} of other teams as well; write the labels of its own"
            yield Finding(gateway.at("spec"), said, warning=True)
    pairs = {pair for one in gateway_proxies(files) for pair in _pairs(one.labels)}
    names = sorted(f"istio={value}" for key, value in pairs if key == "istio")
    has = "; ".join(names[:_SHOWN])
    for gateway in istio_gateways(files) if pairs else ():
        wanted = fields(gateway.data, "spec", "selector")
        if wanted and not set(_pairs(wanted)) <= pairs:
            said = ", ".join(f"{key}={value}" for key, value in wanted.items())
            what = f"{title(gateway)} selects {said}, and no proxy here has that, so nothing"
            choice = f"; there is {has}" if has else ""
            where = gateway.at("spec", "selector")
            yield Finding(where, f"{what} listens for its hosts{choice}", warning=True)


def _pairs(labels: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((str(key), str(value)) for key, value in labels.items())


GATE = Gate(
    id="MSH012",
    title="A Gateway of Istio selects a proxy that is here",
    phase="mesh",
    source="https://istio.io/latest/docs/setup/additional-setup/gateway: a Gateway is taken by the "
    "proxies that its selector fits, and by no other",
    check=check,
    of_files=check,
    scope=counted_in_files("Gateways", istio_gateways),
    targets=(),
    reads="selectors of Gateways beside labels of proxies and of releases of Istio's chart for "
    "them. Others may be installed elsewhere, so all are warnings. Judges files without a plan "
    "only.",
)
