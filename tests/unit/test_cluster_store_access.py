"""The way to a store in a cluster: as which user, by which Secret, through which port."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_kubectl import running

from tarmac.base.errors import BadInput, TarmacError
from tarmac.run.cluster.running import DeployedSystem
from tarmac.run.cluster.store_access import store_url

URL = "postgresql://pricing_service:a%2Fb@pricing-db:5432/pricing"


@pytest.fixture
def pricing(tmp_path: Path) -> DeployedSystem:
    """Give a cluster where pricing has its URL, and a kubectl that leads to port 4321."""
    program = tmp_path / "kubectl"
    line = "Forwarding from 127.0.0.1:4321 -> 5432"
    program.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/call\necho "{line}"\nexec sleep 60\n')
    program.chmod(0o700)
    key = {"name": "pricing-service-secrets", "key": "database-url"}
    env = [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": key}}]
    found = running(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "pricing-service"},
            "spec": {"template": {"spec": {"containers": [{"env": env}]}}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pricing-service-secrets"},
            "data": {"database-url": base64.b64encode(URL.encode()).decode()},
        },
    )
    return replace(found, kubectl=replace(found.kubectl, program=str(program)))


def test_a_store_is_reached_as_the_first_service_that_uses_it(pricing, tmp_path):
    with store_url(pricing, "pricing-db") as url:
        assert url == "postgresql://pricing_service:a%2Fb@127.0.0.1:4321/pricing"
    argv = "port-forward --address=127.0.0.1 service/pricing-db :5432 --namespace=hello-dd\n"
    assert (tmp_path / "call").read_text() == argv


@pytest.mark.parametrize(
    ("store", "user", "told"),
    [
        ("pricing-bd", "", "pricing-bd: no store that a service of hello-dd uses; did you mean"),
        ("pricing-db", "api-gateway", "api-gateway: does not use pricing-db; choose"),
    ],
)
def test_a_wrong_name_is_reported(pricing, store, user, told):
    with pytest.raises(BadInput, match=told), store_url(pricing, store, user):
        pass


def test_what_kubectl_says_is_reported_where_it_leads_nowhere(pricing, tmp_path):
    Path(pricing.kubectl.program).write_text("#!/bin/sh\necho 'pod is pending' >&2\nexit 1\n")
    told = "no way to pricing-db: pod is pending"
    with pytest.raises(TarmacError, match=told), store_url(pricing, "pricing-db"):
        pass


def test_a_variable_that_is_from_no_secret_is_reported(pricing):
    env = pricing.kubectl.objects[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    env[0] = {"name": "DATABASE_URL", "value": URL}
    told = "variable DATABASE_URL is from no Secret"
    with pytest.raises(TarmacError, match=told), store_url(pricing, "pricing-db"):
        pass
