"""Calls between the shop's services by Istio's own control plane: identities, and no plain text.

istiod and its agents are real, and so is the certificate authority; Envoy is a stock one, without
the filters that only Istio's build has. Programs behind it answer with their names.
"""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.timeout(600)]


def pods_of(mesh, service):
    """List a service's pods, those of a canary without its copy."""
    return [name for name, pod in mesh.pods.items() if pod.account == service]


def test_a_callee_is_told_the_identity_of_its_caller(mesh):
    ((status, text),) = mesh.ask("order-service", "user-service")
    assert status == 200
    caller = f"URI=spiffe://cluster.local/ns/{mesh.plan.namespace}/sa/order-service"
    assert caller in json.loads(text)["caller"]


def test_plain_text_gets_no_answer(mesh):
    for service in mesh.plan.services:
        pod = mesh.pods[pods_of(mesh, service.name)[0]]
        ((status, _),) = mesh.stranger.ask(f"http://{pod.address}:{pod.port}/")
        assert status == 0, service.name
