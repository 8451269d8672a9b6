"""Timeouts, retries and drains: one typed value each, whatever overrides them, and no text."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve
from tarmac.plan.timing import PlannedCall, Timing

ENVIRONMENT = """
    environments:
      production:
        replicas: {{min: 2}}
        env: {{order-service: {{{}: {}}}}}
    """


def overridden(variable: str, value: str):
    return demo(DEMO + ENVIRONMENT.format(variable, value))


def timing_of(variable: str, value: str) -> Timing:
    plan = deploy(overridden(variable, value), "production", KINDS)
    return plan.workload("order-service").timing


def test_the_values_are_those_of_the_model():
    plan = deploy(overridden("OTHER", "1"), "production", KINDS)
    (call,) = plan.calls
    assert (call.caller, call.callee) == ("order-service", "product-service")
    assert (call.timeout_s, call.attempts) == (2.5, 4)
    assert call.origin.startswith("systems/demo/tarmac.yaml:")
    kit, foreign = plan.workload("order-service").timing, plan.workload("web").timing
    assert (kit.drain_s, kit.finish_s) == (5, 8)
    assert foreign == Timing()


@pytest.mark.parametrize(
    ("variable", "value", "field", "number"),
    [
        ("CATALOG_TIMEOUT_S", '"0.75"', "timeout_s", 0.75),
        ("CATALOG_TIMEOUT_S", "12", "timeout_s", 12),
        ("CATALOG_RETRIES", "0", "attempts", 1),
        # Its part asks for the role; nothing reads the variable with the service's name.
        ("PRODUCT_SERVICE_TIMEOUT_S", "12", "timeout_s", 2.5),
    ],
)
def test_an_environment_overrides_a_call_under_the_name_that_the_client_reads(
    variable, value, field, number
):
    (call,) = timing_of(variable, value).calls
    assert isinstance(call, PlannedCall)
    assert getattr(call, field) == number


def test_an_environment_overrides_how_a_service_ends():
    assert timing_of("DRAIN_DELAY_S", "0").drain_s == 0
    assert timing_of("SHUTDOWN_GRACE_S", '"20"').finish_s == 20


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CATALOG_TIMEOUT_S", "2s", "a number of seconds above 0 ('2s'); write e.g. 2.5"),
        ("CATALOG_TIMEOUT_S", '"0"', "a number of seconds above 0 ('0'); write e.g. 2.5"),
        ("CATALOG_TIMEOUT_S", "nan", "a number of seconds above 0 ('nan'); write e.g. 2.5"),
        ("CATALOG_RETRIES", "twice", "a whole number, 0 or more ('twice'); write e.g. 1"),
        ("CATALOG_RETRIES", '"1.5"', "a whole number, 0 or more ('1.5'); write e.g. 1"),
        ("DRAIN_DELAY_S", "-1", "a number of seconds, 0 or more ('-1'); write e.g. 5"),
        ("SHUTDOWN_GRACE_S", "inf", "a number of seconds, 0 or more ('inf'); write e.g. 5"),
        ("SHUTDOWN_GRACE_S", '"${system.name}"', "a number of seconds, 0 or more ('demo'); "),
    ],
)
def test_an_override_that_is_no_number_is_a_located_error(variable, value, words):
    with pytest.raises(BadInput) as refused:
        timing_of(variable, value)
    (problem,) = refused.value.problems
    line = problem.where.split(":")[1]
    assert f"{variable}: " in (DEMO + ENVIRONMENT).splitlines()[int(line)].format(variable, value)
    assert words in problem.what
    assert problem.what.startswith(f"{variable} of order-service is not ")


def test_it_is_an_error_on_a_laptop_too():
    system = demo(DEMO.replace("env: {JWKS_URL:", "env: {CATALOG_RETRIES: no, JWKS_URL:"))
    with pytest.raises(BadInput, match="CATALOG_RETRIES of order-service is not a whole number"):
        resolve(system, "local", facts_for(system), KINDS)
