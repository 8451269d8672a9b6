"""Proxies of Istio at the edge: pods, and releases of the chart that installs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import Fields, dig, fields, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods

_API = "networking.istio.io/"
#: The chart that installs a proxy at the edge, and the image of such a proxy.
_CHART, _IMAGES = "gateway", ("auto", "proxyv2")


class GatewayProxy(NamedTuple):
    """Proxies with the same labels."""

    labels: Mapping[str, object]
    #: The namespace that they run in; empty: that is not known.
    namespace: str


@once
def gateway_proxies(files: Files) -> Iterator[GatewayProxy]:
    """Yield the proxies at the edge: of pods, and of charts that are installed."""
    for own in pods(files):
        if any(container.image_name in _IMAGES for container in own.main_containers):
            yield GatewayProxy(dict(own.labels), space_of(own.artifact))
    for release in files.objects("HelmRelease"):
        if string(dig(release.data, "spec", "chart", "spec"), "chart") == _CHART:
            space = string(release.data, "spec", "targetNamespace") or space_of(release)
            name = string(release.data, "metadata", "name")
            yield GatewayProxy(_labels(name, fields(release.data, "spec", "values")), space)
    for app in files.objects("Application"):
        source = fields(app.data, "spec", "source")
        if source.get("chart") == _CHART:
            helm = fields(source, "helm")
            name = string(helm, "releaseName") or string(app.data, "metadata", "name")
            written = string(helm, "values")
            values = fields(first(written)) if written else fields(helm, "valuesObject")
            space = string(app.data, "spec", "destination", "namespace")
            yield GatewayProxy(_labels(name, values), space)


def _labels(name: str, values: Fields) -> Mapping[str, object]:
    """Say the labels that the chart gives its pods: by the name of the release, or by values."""
    usual = {"app": name, "istio": name.removeprefix("istio-")}
    return {**usual, **fields(values, "labels")}


def istio_gateways(files: Files) -> Iterator[Artifact]:
    """Yield the Gateways of Istio; those of the Gateway API are others."""
    for one in files.objects("Gateway"):
        if str(one.data.get("apiVersion")).startswith(_API):
            yield one
