"""Calls between the shop's services by Istio's own control plane: who is answered, by which pod.

istiod and its agents are real, and so is the certificate authority; Envoy is a stock one, without
the filters that only Istio's build has. Programs behind it answer with their names.
"""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

pytestmark = [pytest.mark.timeout(600)]

#: As rendered: five failures in a row, then half a minute.
FAILURES, EJECTED_S = 5, 30


def pods_of(mesh, service):
    """List a service's pods, those of a canary without its copy."""
    return [name for name, pod in mesh.pods.items() if pod.account == service]


def answer(mesh, caller, callee):
    """Ask until a proxy reaches the other one: a busy machine may need more than a second."""
    for _ in range(5):
        ((status, _text),) = mesh.ask(pods_of(mesh, caller)[0], callee)
        if status != 503:
            break
    return status


def names(answers):
    """Count which pods answered."""
    return Counter(json.loads(text)["pod"] for status, text in answers if status == 200)


def test_every_declared_caller_is_answered_and_no_other(mesh):
    services = [service.name for service in mesh.plan.services]
    edges = {(edge.source, edge.target) for edge in mesh.plan.allowed}
    said = {
        (caller, callee): answer(mesh, caller, callee)
        for caller in services
        for callee in services
        if caller != callee
    }
    called = {callee for _, callee in edges}
    for (caller, callee), status in said.items():
        # Of what nothing may call, the caller's own proxy may say 503.
        refused = {403} if callee in called else {403, 503}
        assert status in ({200} if (caller, callee) in edges else refused), (caller, callee)
    assert len(edges & said.keys()) >= 8


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


def test_a_tenth_of_a_thousand_requests_goes_to_the_new_version(mesh):
    answers = mesh.ask("order-service", "product-service", 1000)
    assert {status for status, _ in answers} == {200}
    found = names(answers)
    assert 70 <= found["product-service"] <= 130, found
    assert found["product-service-primary"] == 1000 - found["product-service"]


def test_a_failing_endpoint_is_left_out_and_comes_back(mesh):
    failing = mesh.pods["user-service-1"]
    assert len(names(mesh.ask("order-service", "user-service", 30))) == 3
    failing.answer_with(503)
    try:
        seen = [status for status, _ in mesh.ask("order-service", "user-service", 60)]
        # A proxy tries nothing twice: each failure before that reached the caller.
        assert seen.count(503) == FAILURES
        assert {status for status, _ in mesh.ask("order-service", "user-service", 30)} == {200}
    finally:
        failing.answer_with(200)
    began = time.monotonic()
    while failing.name not in names(mesh.ask("order-service", "user-service", 6)):
        assert time.monotonic() - began < 3 * EJECTED_S, "it never came back"
        time.sleep(1)
    print(f"back after {time.monotonic() - began:.0f} s")
