"""Spans on their way through what is rendered: from a service to what keeps them."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from rendered import ENVIRONMENTS, artifacts_of, plan_of

from tarmac.model.conventions import SPANS_TO
from tarmac.plan.spans import trace_receiver

KEPT = [
    environment for environment in ENVIRONMENTS if trace_receiver(plan_of(*environment).settings)
]
every = pytest.mark.parametrize(("system", "environment"), KEPT)


def values(system: str, environment: str) -> dict[str, dict]:
    """Return the values of each chart that is rendered, by its name."""
    folder = "observability/values/"
    return {
        artifact.path.removeprefix(folder).removesuffix(".yaml"): artifact.data
        for artifact in artifacts_of(system, environment)
        if artifact.path.startswith(folder)
    }


def test_four_systems_keep_traces_somewhere():
    assert {system for system, _ in KEPT} == {"hello-dd", "shop", "starter", "travel"}


@every
def test_what_services_send_to_is_rendered_and_listens_there(system, environment):
    plan, charts = plan_of(system, environment), values(system, environment)
    address = urlsplit(plan.services[0].env[SPANS_TO].value[0])
    host, space, _ = address.hostname.split(".")
    assert space == plan.settings.monitoring
    if host == "datadog":
        receiver = charts["datadog"]["datadog"]["otlp"]["receiver"]["protocols"]["http"]
        assert receiver == {"enabled": True, "endpoint": f"0.0.0.0:{address.port}"}
        return
    chart = charts["opentelemetry-collector"]
    assert chart["fullnameOverride"] == host
    received = chart["config"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert received == f"${{env:MY_POD_IP}}:{address.port}"
    port = {"enabled": True, "containerPort": address.port, "servicePort": address.port}
    assert chart["ports"]["otlp-http"] == port


@every
def test_the_collector_hands_them_to_what_keeps_them(system, environment):
    plan, charts = plan_of(system, environment), values(system, environment)
    kept = plan.settings.observability.traces
    if kept is None:
        assert "opentelemetry-collector" not in charts  # Datadog's agent sends them away itself
        return
    config = charts["opentelemetry-collector"]["config"]
    pipeline = config["service"]["pipelines"]["traces"]
    assert pipeline["receivers"] == ["otlp"]
    (exporter,) = pipeline["exporters"]
    host, _, port = config["exporters"][exporter]["endpoint"].rpartition(":")
    assert host == f"{kept}.{plan.settings.monitoring}.svc"
    chart = charts[kept]
    own = chart["tempo"] if kept == "tempo" else chart["userconfig"]
    assert own["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == f"0.0.0.0:{port}"
